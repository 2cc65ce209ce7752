#include "event.h"

#include <limits.h>

#include "futex.h"

#define SOMEBODY_WAITS 1u

uint32_t tproc_event_announce(_Atomic uint32_t *word) {
  const uint32_t key = atomic_fetch_or(word, SOMEBODY_WAITS) | SOMEBODY_WAITS;
  atomic_thread_fence(memory_order_seq_cst);
  return key;
}

int tproc_event_sleep(_Atomic uint32_t *word, uint32_t key, const struct tproc_waiter *waiter,
                      const struct timespec *deadline) {
  int result = 0;
  const uint64_t before = tproc_waits_on(waiter, word, TPROC_WAIT_EVENT);
  if (atomic_load(word) == key) result = tproc_futex_wait(word, key, deadline);
  tproc_waits_no_more(waiter, before);
  return result;
}

void tproc_event_wake(_Atomic uint32_t *word) {
  atomic_thread_fence(memory_order_seq_cst); /* the condition, and then the look */
  uint32_t now = atomic_load_explicit(word, memory_order_relaxed);
  if ((now & SOMEBODY_WAITS) == 0) return;
  /* Another thread's signal, or a new announcement: either way the next look decides. */
  while (!atomic_compare_exchange_weak(word, &now, (now + 2) & ~SOMEBODY_WAITS))
    if ((now & SOMEBODY_WAITS) == 0) break;
  tproc_futex_wake(word, INT_MAX);
}

void tproc_event_wake_for_the_dead(_Atomic uint32_t *word) {
  atomic_fetch_add(word, 2);
  tproc_futex_wake(word, INT_MAX);
}
