# shellcheck shell=bash
# shellcheck disable=SC2154 # guest_cache comes from common.sh
# The cache: a directory for each thing built, complete or absent. It is filled under a name of its own and renamed
# when ready, so a run that is killed, or two at once, never leave or see a half-made entry.

# cached NAME KEY BUILDER [ARG…]: prints the directory of NAME-KEY; calls `BUILDER DIRECTORY [ARG…]` to fill it if
# absent.
cached() {
  local entry=$guest_cache/$1-$2 name=$1 builder=$3
  shift 3
  if [ ! -d "$entry" ]; then
    require_commands apt-get apt-cache dpkg-deb tar flock
    mkdir -p "$guest_cache"
    # No "|| …" after it: bash would then ignore every failure inside.
    (
      flock -n 9 || { say "another run is building the $name; waiting for it" && flock 9; }
      [ -d "$entry" ] && exit 0
      build=$(mktemp -d "$guest_cache/build.XXXXXX")
      trap 'rm -rf "$build"' EXIT
      say "building the $name (once; kept in $guest_cache)"
      mkdir "$build/entry"
      "$builder" "$build/entry" "$build/work" "$@"
      mv -T "$build/entry" "$entry"
    ) 9>"$guest_cache/lock.$name" >&2
  fi
  touch --no-create "$entry"
  forget_old_entries
  printf '%s\n' "$entry"
}

# Entries that were not used for a month, and what killed builds left.
forget_old_entries() {
  find "$guest_cache" -mindepth 1 -maxdepth 1 -type d \
    \( -name 'build.*' -mtime +1 -o ! -name 'build.*' -mtime +30 \) -exec rm -rf {} +
}
