#!/bin/sh
# Two programs, started by two launchers, in one address space: allocstr keeps a string, printstr reads it.
#
#   TPROC      the directory of tproc          (tproc-cli/target/tproc/bin)
#   TPROC_RUN  the launcher                    ($TPROC/tproc-run)
#   SAMPLES    the directory of the programs   (samples/target/ARCH/bin)
set -eu
top=$(cd -- "$(dirname -- "$0")/../.." && pwd)
: "${TPROC:=$top/tproc-cli/target/tproc/bin}"
: "${TPROC_RUN:=$TPROC/tproc-run}"
: "${SAMPLES:=$top/samples/target/$(uname -m)/bin}"

# Only its owner can write to this directory; $XDG_RUNTIME_DIR would do as well.
directory=$(mktemp -d)
socket=$directory/space.sock
mkfifo "$directory/ready" "$directory/lines" "$directory/addresses"
allocstr=''
server=''
trap 'kill $allocstr $server 2> /dev/null || true; wait; rm -rf "$directory"' EXIT

# The host: from its one line on, it listens.
"$TPROC/tproc" serve "$socket" > "$directory/ready" &
server=$!
read -r line < "$directory/ready"
echo "$line" | sed "s|$directory|DIRECTORY|"

# The first terminal: allocstr reads a line and prints where it keeps it. It goes on until its input ends.
"$TPROC_RUN" "$socket" "$SAMPLES/allocstr" < "$directory/lines" > "$directory/addresses" &
allocstr=$!
exec 3> "$directory/lines" 4< "$directory/addresses"
echo 'a string in a shared address space' >&3
read -r address <&4
echo "allocstr, process $allocstr, has put it at $address"

# The second terminal: printstr, which knows only the address.
echo "printstr, another process, reads there: $(echo "$address" | "$TPROC_RUN" "$socket" "$SAMPLES/printstr")"
exec 3>&-
wait $allocstr
