# shellcheck shell=bash
# Sourced by ./demo and ./check: runs Maven quietly, with the newer JDK when there is one, showing each module as it
# comes.

jdk25=$(tools/jdk || true)

# run_maven LOG ARGUMENT...: the log is shown only when the build fails
run_maven() {
  local log=$1 status=0
  shift
  local arguments=("$@")
  if [[ -n $jdk25 ]]; then arguments+=("-Djdk25.home=$jdk25"); fi
  # aarch64 natives need a cross-compiler; tools/setup has seen to it.
  # A background job has SIGINT ignored, and so would all that the tests start.
  local reset=()
  if env --default-signal=INT true 2> /dev/null; then reset=(env --default-signal=INT,QUIT); fi
  "${reset[@]}" mvn -B "${arguments[@]}" > "$log" 2>&1 &
  local maven=$!
  show_progress "$log" "$maven" &
  local progress=$!
  wait "$maven" || status=$?
  wait "$progress" || true
  if [[ $status -ne 0 ]]; then
    grep -E '^\[ERROR\]|FAIL|error:' "$log" | grep -v 'OUTPUT>a - ' | head -60 >&2 || true
    echo "The build failed. All of it is in $log" >&2
    if grep -qE 'Could not (transfer|resolve|find artifact)|Unknown host|Network is unreachable' "$log"; then
      echo 'Maven could not fetch something: is there a network?' >&2
    fi
  fi
  return "$status"
}

# show_progress LOG PID: prints the name of each module when Maven begins it, until Maven ends
show_progress() {
  tail --pid="$2" -n +1 -f "$1" 2> /dev/null |
    sed -n -u -E 's/^\[INFO\] Building (tproc [a-zA-Z ]*|libtproc) [0-9].* \[([0-9]+\/[0-9]+)\]$/  [\2] \1/p'
}
