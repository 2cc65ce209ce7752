/* Who may own slices and locks: the table of thread records, and the tokens that name them. */
#ifndef TPROC_SRC_SHARE_THREAD_RECORD_H
#define TPROC_SRC_SHARE_THREAD_RECORD_H

#include <sys/types.h>

#include "view.h"

#pragma GCC visibility push(hidden)

/** Number of a record. */
static inline uint32_t tproc_token_record(uint32_t token) { return token & ((1u << TPROC_TOKEN_RECORD_BITS) - 1); }

/** The token of a record as it is now. */
static inline uint32_t tproc_record_token(const struct tproc_view *view, uint32_t record) {
  const uint32_t generation =
      atomic_load_explicit(&view->threads[record].generation, memory_order_acquire) & TPROC_TOKEN_GENERATION_MASK;
  return generation << TPROC_TOKEN_RECORD_BITS | record;
}

/** Whether the thread of a token has given it back, or was dead and the reaper did it. This is certain, and final. */
static inline bool tproc_token_is_dead(const struct tproc_view *view, uint32_t token) {
  const uint32_t record = tproc_token_record(token);
  return record >= view->thread_count || tproc_record_token(view, record) != token;
}

/** Takes a record for a thread. @return its token; 0 when all are taken */
uint32_t tproc_record_take(const struct tproc_view *view, pid_t pid, pid_t thread);

/** Gives it back: the token is dead from here on. Everything that names it has to be gone, or is the reaper's. */
void tproc_record_give_back(const struct tproc_view *view, uint32_t record);

#pragma GCC visibility pop

#endif
