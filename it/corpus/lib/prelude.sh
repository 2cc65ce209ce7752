# shellcheck shell=bash
# Sourced before each workload.

# wait_for SECONDS COMMAND...: until the command succeeds
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" > /dev/null 2>&1; do
    if ((SECONDS >= deadline)); then
      echo "gave up waiting for: $*" >&2
      return 1
    fi
    sleep 0.02
  done
}

# listening PORT: whether a program does, on loopback
listening() { (: < "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

# ended PID: whether the process, a job of this shell, has ended
ended() { ! kill -0 "$1" 2> /dev/null; }

# licence N: the text of the GPL, N times; real English on every Debian
licence() {
  local i files=()
  for ((i = 0; i < $1; i++)); do files[i]=/usr/share/common-licenses/GPL-3; done
  cat "${files[@]}"
}

# noise BYTES: the same pseudo-random bytes each time
noise() {
  { openssl enc -aes-128-ctr -K 0123456789abcdef0123456789abcdef -iv 0 < /dev/zero 2> /dev/null || true; } |
    head -c "$1"
}

# A terminal of 80 x 24: `screen COMMAND...` starts a command in it, `shows TEXT` waits until the text is to be seen,
# `keys KEY...` types (tmux's names of keys), `picture` prints what is to be seen, `off` waits for the command's end.
screen_tmux() { tmux -L "corpus-$$" -f /dev/null "$@"; }
screen() {
  screen_tmux new-session -d -x 80 -y 24 -s corpus "$(printf '%q ' "$@"); echo \$? > $SCRATCH/screen-status"
}
screen_has() { screen_tmux capture-pane -p -t corpus | grep -qF -- "$1"; }
shows() {
  wait_for 20 screen_has "$1" || {
    picture >&2
    screen_tmux kill-server
    return 1
  }
}
keys() { screen_tmux send-keys -t corpus "$@"; }
picture() { screen_tmux capture-pane -p -t corpus; }
screen_gone() { ! screen_tmux has-session -t corpus; }
off() {
  wait_for 20 screen_gone || {
    picture >&2
    screen_tmux kill-server
    return 1
  }
  echo "status $(cat "$SCRATCH/screen-status")"
}
