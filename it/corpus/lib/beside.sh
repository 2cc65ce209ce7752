# shellcheck shell=sh disable=SC2154 # RELEASE_ROOT: lib/release.py
# Sourced by `run` when RELEASE_ROOT is set: "$@" becomes the program of that root, by the root's own loader and C
# library. Whatever the program executes is the machine's own again.

program=
for directory in "$RELEASE_ROOT/usr/bin" "$RELEASE_ROOT/usr/sbin"; do
  [ -z "$program" ] && [ -f "$directory/$1" ] && program=$directory/$1
done
if [ -z "$program" ]; then
  echo "run: there is no $1 in $RELEASE_ROOT" >&2
  exit 127
fi
shift
case $program in
  */python3) export PYTHONHOME="$RELEASE_ROOT/usr" ;;
  */perl)
    PERL5LIB=$(printf '%s:' "$RELEASE_ROOT"/usr/lib/*/perl-base "$RELEASE_ROOT"/usr/lib/*/perl/5.* \
      "$RELEASE_ROOT"/usr/share/perl/5.*)
    export PERL5LIB
    ;;
esac
libraries=$RELEASE_ROOT/usr/lib/$(uname -m)-linux-gnu
for loader in "$libraries"/ld-linux-x86-64.so.2 "$libraries"/ld-linux-aarch64.so.1; do
  [ ! -e "$loader" ] || break
done
set -- "$loader" --library-path "$libraries" "$program" "$@"
