# shellcheck shell=bash
# Shared by every script of the guest harness: messages, exit codes, locations.

# Exit codes. A caller can tell "tests failed" from "could not run here" without reading the output.
# shellcheck disable=SC2034 # used by the scripts that source this file
{
  GUEST_FAILED=1        # the payload ran and said no
  GUEST_USAGE=2         # wrong options, or no built tree
  GUEST_UNAVAILABLE=77  # qemu or packages are missing: nothing was tested
  GUEST_BROKEN=70       # the guest ended without a result: kernel panic, qemu error
  GUEST_TIMEOUT=124     # the guest was still running at the time limit
}

# Which guest: aarch64 is what ./check tests; x86_64 has kernels of other releases than the machine's (./variants).
guest_arch=${TPROC_GUEST_ARCH:-aarch64}
# shellcheck disable=SC2034 # used by the scripts that source this file
case $guest_arch in
  aarch64) guest_debian=arm64 guest_package=qemu-system-arm ;;
  x86_64) guest_debian=amd64 guest_package=qemu-system-x86 ;;
  *) echo "guest: TPROC_GUEST_ARCH is aarch64 or x86_64, not $guest_arch" >&2 && exit 2 ;;
esac

# What the loop of speed_tenths takes on the machine that limits are made for, with work beside it.
SPEED_MILLISECONDS=1500

guest_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # used by lib/cache.sh
guest_cache=${TPROC_GUEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tproc/guest}

say() { printf 'guest: %s\n' "$*" >&2; }

die() {
  local code=$1
  shift
  say "$*"
  exit "$code"
}

# Dies with all that is missing at once, so that one look at the message is enough.
require_commands() {
  local command missing=()
  for command in "$@"; do
    [ -n "$(PATH=$PATH:/sbin:/usr/sbin type -P "$command")" ] || missing+=("$command")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    die "$GUEST_UNAVAILABLE" "$guest_arch NOT TESTED: missing on this machine: ${missing[*]}" \
      "(Debian: apt-get install $guest_package e2fsprogs apt dpkg tar util-linux xz-utils)"
  fi
}

# Files built for the guest are named by what goes into them, so a change never meets a stale file.
content_key() { sha256sum | cut -c 1-16; }

# How slow this machine is now, in tenths of the one that limits are made for: 10 to 20. Two processors are what the
# guest has.
speed_tenths() {
  local began ended tenths
  began=$(date +%s%3N)
  for _ in 1 2; do
    (for ((n = 0; n < 300000; n++)); do :; done) &
  done
  wait
  ended=$(date +%s%3N)
  tenths=$(((ended - began) * 10 / SPEED_MILLISECONDS))
  echo $((tenths < 10 ? 10 : tenths > 20 ? 20 : tenths))
}
