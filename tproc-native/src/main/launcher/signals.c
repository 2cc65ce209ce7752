#include "signals.h"

#include <errno.h>
#include <time.h>

#include "system.h"

#define PATIENCE_MILLISECONDS 2000

uint64_t signals_block(void) {
  const uint64_t all = ~UINT64_C(0);
  uint64_t before = 0;
  raw_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, SIGNAL_SET_SIZE);
  return before;
}

int signals_open(uint64_t signals) {
  return (int)raw_syscall4(SYS_signalfd4, -1, &signals, SIGNAL_SET_SIZE, SFD_CLOEXEC | SFD_NONBLOCK);
}

void signals_choose(int descriptor, uint64_t signals) {
  raw_syscall4(SYS_signalfd4, descriptor, &signals, SIGNAL_SET_SIZE, 0);
}

bool signals_take(int descriptor, struct signalfd_siginfo *taken) {
  return sys_read(descriptor, taken, sizeof *taken) == (long)sizeof *taken;
}

void signals_discard(uint64_t signals) {
  const struct timespec at_once = {0};
  while (raw_syscall4(SYS_rt_sigtimedwait, &signals, NULL, &at_once, SIGNAL_SET_SIZE) > 0) continue;
}

uint64_t signals_pending(uint64_t signals) {
  uint64_t pending = 0;
  raw_syscall2(SYS_rt_sigpending, &pending, SIGNAL_SET_SIZE);
  return pending & signals;
}

int patience_start(struct patience *patience, uint64_t ignored, uint64_t blocked) {
  patience->ending = ~(SIGNALS_NOT_ENDING | ignored | blocked);
  patience->deadline = 0;
  patience->descriptor = signals_open(patience->ending);
  return patience->descriptor < 0 ? patience->descriptor : 0;
}

static bool is_over(const struct patience *patience) {
  return patience->deadline != 0 && sys_milliseconds() >= patience->deadline;
}

static long shorter(long milliseconds, const struct patience *patience) {
  if (patience->deadline == 0) return milliseconds;
  const int64_t left = patience->deadline - sys_milliseconds();
  if (left <= 0) return 0;
  return milliseconds < 0 || left < milliseconds ? left : milliseconds;
}

int patience_poll(struct patience *patience, int descriptor, short events, long milliseconds) {
  const int64_t end = milliseconds < 0 ? 0 : sys_milliseconds() + milliseconds;
  for (;;) {
    if (is_over(patience)) return -ECANCELED;
    struct pollfd entries[2] = {
        {.fd = descriptor, .events = events},
        {.fd = patience->deadline == 0 ? patience->descriptor : -1, .events = POLLIN},
    };
    const int ready = sys_poll(entries, 2, shorter(milliseconds, patience));
    if (entries[0].revents != 0 && ready > 0) return entries[0].revents;
    /* The signal is left where it is: from now on only the clock is looked at. */
    if (entries[1].revents != 0 && ready > 0) patience->deadline = sys_milliseconds() + PATIENCE_MILLISECONDS;
    if (milliseconds >= 0) {
      milliseconds = (long)(end - sys_milliseconds());
      if (milliseconds <= 0) return is_over(patience) ? -ECANCELED : 0;
    }
  }
}

int patience_signal(const struct patience *patience) {
  const uint64_t pending = signals_pending(patience->ending);
  return pending == 0 ? SIGTERM : __builtin_ctzll(pending) + 1;
}
