#include "lane.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPIN_LEAST 1000         /* nanoseconds: so that a lane can learn that spinning pays again */
#define PAUSES_BETWEEN_LOOKS 32 /* at the clock */

static uint64_t spin_limit;

void lane_set_spin_limit(uint64_t nanoseconds) { spin_limit = nanoseconds; }

static long futex(struct lane *lane, int operation, uint32_t value) {
  return syscall(SYS_futex, &lane->turn, operation, value, NULL, NULL, 0);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  __asm__ volatile("isb" ::: "memory"); /* what others found to pause longer than yield does */
#endif
}

void lane_post(struct lane *lane, enum turn turn) {
  const uint32_t before = atomic_exchange_explicit(&lane->turn, turn, memory_order_acq_rel);
  if ((before & TURN_WAITING) != 0) futex(lane, FUTEX_WAKE, INT32_MAX);
}

/* The callee's turns are the odd ones. */
static inline bool is_ours(uint32_t turn) { return (turn & 1) != 0; }

static bool spin(const struct lane *lane, uint64_t nanoseconds) {
  for (const uint64_t start = now(); now() - start < nanoseconds;)
    for (int i = 0; i < PAUSES_BETWEEN_LOOKS; i++) {
      if (is_ours(atomic_load_explicit(&lane->turn, memory_order_relaxed))) return true;
      pause_briefly();
    }
  return false;
}

static void sleep_until_ours(struct lane *lane) {
  for (;;) {
    uint32_t turn = atomic_load_explicit(&lane->turn, memory_order_relaxed);
    if (is_ours(turn)) return;
    const uint32_t waiting = turn | TURN_WAITING;
    if (turn != waiting && !atomic_compare_exchange_strong(&lane->turn, &turn, waiting)) continue;
    futex(lane, FUTEX_WAIT, waiting);
  }
}

/* Spins longer where that has paid, and shorter where it has not. */
enum turn lane_wait(struct lane *lane) {
  if (lane->spin < SPIN_LEAST) lane->spin = SPIN_LEAST;
  if (spin_limit == 0) {
    sleep_until_ours(lane);
  } else if (spin(lane, lane->spin)) {
    lane->spin = lane->spin * 2 < spin_limit ? lane->spin * 2 : spin_limit;
  } else {
    lane->spin /= 2;
    sleep_until_ours(lane);
  }
  return (enum turn)(atomic_load_explicit(&lane->turn, memory_order_acquire) & ~TURN_WAITING);
}

void lane_fail(struct lane *lane, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(lane_pointer(lane->frame), lane->end - lane->frame, format, arguments);
  va_end(arguments);
  lane->failed = 1;
}
