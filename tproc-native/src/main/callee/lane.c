#include "lane.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPIN_LEAST 1000         /* nanoseconds */
#define PAUSES_BETWEEN_LOOKS 32 /* at the clock */
#define PATIENCE_LEAST 8
#define PATIENCE_MOST 256
#define LASTED 64 /* turns that came while it spun: they have paid for a move */

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

/* The clock costs as much as a few looks, so it is not asked before them. */
static bool spin(const struct lane *lane, uint64_t nanoseconds) {
  for (uint64_t end = 0;;) {
    for (int i = 0; i < PAUSES_BETWEEN_LOOKS; i++) {
      if (is_ours(atomic_load_explicit(&lane->turn, memory_order_relaxed))) return true;
      pause_briefly();
    }
    const uint64_t time = now();
    if (end == 0)
      end = time + nanoseconds;
    else if (time >= end)
      return false;
  }
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

static bool is_together(const struct lane *lane) {
  return atomic_load_explicit(&lane->host_processor, memory_order_relaxed) ==
         atomic_load_explicit(&lane->callee_processor, memory_order_relaxed);
}

static unsigned note_processor(struct lane *lane) {
  const unsigned processor = (unsigned)sched_getcpu();
  atomic_store_explicit(&lane->callee_processor, processor, memory_order_relaxed);
  return processor;
}

/* To any other processor that it may run on: the scheduler leaves two threads that wake each other on one. */
static void move_away(unsigned processor) {
  cpu_set_t all, others;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return;
  others = all;
  CPU_CLR(processor, &others);
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return;
  sched_setaffinity(0, sizeof all, &all);
}

/* Moves to where it can spin. */
static void move(struct lane *lane, unsigned processor) {
  if (lane->spun >= LASTED)
    lane->patience = PATIENCE_LEAST;
  else if (lane->patience < PATIENCE_MOST)
    lane->patience *= 2;
  move_away(processor);
  note_processor(lane);
  lane->together = 0;
  lane->spun = 0;
  lane->spin = spin_limit;
}

/*
 * Moving costs as much as some calls do, and may lead to a processor that others use: it is tried less and less often
 * where it does not last.
 */
static void consider_moving(struct lane *lane, unsigned processor, bool at_once) {
  if (!at_once || !is_together(lane)) {
    lane->together = 0;
    return;
  }
  if (lane->patience == 0) lane->patience = PATIENCE_LEAST;
  if (++lane->together >= lane->patience) move(lane, processor);
}

static void spin_longer(struct lane *lane) { lane->spin = lane->spin * 2 < spin_limit ? lane->spin * 2 : spin_limit; }

static void sleep_and_learn(struct lane *lane) {
  const uint64_t start = now();
  sleep_until_ours(lane);
  const bool at_once = now() - start < spin_limit;
  const unsigned processor = note_processor(lane);
  /* On one processor a wait says nothing about how long it would be on two. */
  if (!is_together(lane)) {
    if (at_once)
      spin_longer(lane);
    else
      lane->spin /= 2;
  }
  consider_moving(lane, processor, at_once);
}

enum turn lane_wait(struct lane *lane) {
  if (lane->spin < SPIN_LEAST) lane->spin = spin_limit < SPIN_LEAST ? spin_limit : SPIN_LEAST;
  if (spin_limit == 0) {
    sleep_until_ours(lane);
  } else if (!is_together(lane) && spin(lane, lane->spin)) {
    if (lane->spun < LASTED) lane->spun++;
    spin_longer(lane);
  } else {
    sleep_and_learn(lane);
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
