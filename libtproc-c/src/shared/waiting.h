/*
 * What a thread sleeps on, told to the reaper: who would have woken it may be dead by then, and only then the reaper
 * does it. The order matters: the word is published before the thread looks a last time whether it has to sleep; the
 * reaper marks the dead before it looks for words.
 */
#ifndef TPROC_SRC_SHARED_WAITING_H
#define TPROC_SRC_SHARED_WAITING_H

#include "view.h"

/** A thread that may wait: its token, and through it its record. */
struct tproc_waiter {
  const struct tproc_view *view;
  uint32_t token;
};

static inline _Atomic uint64_t *tproc_waiting_on(const struct tproc_waiter *waiter) {
  const uint32_t record = waiter->token & ((1u << TPROC_TOKEN_RECORD_BITS) - 1);
  return &waiter->view->threads[record].waiting_on;
}

/** @return what it waited on before, for tproc_waits_no_more: a signal handler may wait in the middle of a wait */
static inline uint64_t tproc_waits_on(const struct tproc_waiter *waiter, const void *word, enum tproc_wait_kind kind) {
  return atomic_exchange(tproc_waiting_on(waiter), (uint64_t)(uintptr_t)word | (uint64_t)kind);
}

static inline void tproc_waits_no_more(const struct tproc_waiter *waiter, uint64_t before) {
  atomic_store_explicit(tproc_waiting_on(waiter), before, memory_order_relaxed);
}

#endif
