#include "share/host_waits.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compat.h"
#include "shared/futex.h"

/* As struct futex_waitv, which older headers lack. */
struct waitv {
  uint64_t value, address;
  uint32_t flags, reserved;
};
#define WAITV_32 2u

/* How often the words are looked at where a filter refuses futex_waitv. */
#define POLL_NANOSECONDS 1000000

uint64_t host_waits_begin(struct host_waits *waits) {
  const uint64_t deaths = atomic_load(&waits->deaths);
  return deaths << 32 | atomic_load(&waits->bell);
}

/* @return whether any has moved */
static bool look(struct host_waits *waits, struct tproc_wait *words, size_t count) {
  const uint64_t deaths = atomic_load(&waits->deaths);
  bool any = false;
  for (size_t i = 0; i < count; i++) {
    const uint32_t now = atomic_load((_Atomic uint32_t *)words[i].word);
    words[i].moved = words[i].since >> 32 != deaths || now != words[i].value;
    any |= words[i].moved != 0;
  }
  return any;
}

static void wait_at_bell(struct host_waits *waits, uint32_t bell, bool only) {
  const struct timespec soon = clock_after(POLL_NANOSECONDS);
  tproc_futex_wait(&waits->bell, bell, only ? NULL : &soon);
}

void host_waits_sleep(struct host_waits *waits, uint64_t begun, struct tproc_wait *words, size_t count) {
  struct waitv at[TPROC_WAITS_MAX + 1];
  const uint32_t bell = (uint32_t)begun;
  if (count > TPROC_WAITS_MAX) count = TPROC_WAITS_MAX;
  at[0] = (struct waitv){bell, (uint64_t)&waits->bell, WAITV_32, 0};
  for (size_t i = 0; i < count; i++) at[i + 1] = (struct waitv){words[i].value, words[i].word, WAITV_32, 0};
  if (look(waits, words, count)) return;
  if (syscall(__NR_futex_waitv, at, count + 1, 0, NULL, CLOCK_MONOTONIC) < 0 && errno != EAGAIN && errno != EINTR)
    wait_at_bell(waits, bell, count == 0);
  look(waits, words, count);
}

void host_waits_ring(struct host_waits *waits) {
  atomic_fetch_add(&waits->bell, 1);
  tproc_futex_wake(&waits->bell, INT_MAX);
}

void host_waits_note_death(struct host_waits *waits) {
  atomic_fetch_add(&waits->deaths, 1);
  host_waits_ring(waits);
}
