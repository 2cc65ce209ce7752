/* The shared range as one who takes part in it sees it: the addresses of its tables. */
#ifndef TPROC_SRC_SHARE_VIEW_H
#define TPROC_SRC_SHARE_VIEW_H

#include <stdatomic.h>
#include <stdbool.h>

#include "tproc_share_abi.h"

#pragma GCC visibility push(hidden)

/** An account as a launch knows it. Number 0: none. */
struct tproc_account_of_launch {
  uint32_t number, generation;
};

/** Nothing here changes once it is in use. */
struct tproc_view {
  struct tproc_share *share; /**< NULL: not open */
  struct tproc_owner *owners;
  struct tproc_thread_record *threads;
  struct tproc_board_entry *board;
  struct tproc_channel_entry *channels;
  struct tproc_account *accounts;
  struct tproc_slice *slices;
  _Atomic uint16_t *tags;
  unsigned char *data;
  uint64_t size;       /**< bytes of the range */
  uint64_t tag_stride; /**< bytes of a slice's tags */
  uint32_t owner_count;
  uint32_t thread_count;
  uint32_t board_count;
  uint32_t channel_count; /**< 0: the host is older than channels */
  uint32_t account_count; /**< 0: the host is older than accounts */
  uint32_t slice_count;
  struct tproc_account_of_launch own; /**< the account of the process itself; none once it is open */
};

/**
 * Opens the range at an address where it is mapped.
 *
 * @return 0; EPROTO when it is none, or one that this version does not understand; nothing is opened then
 */
int tproc_view_open(struct tproc_view *view, void *base, uint64_t size);

/** How many entries of a table are in use. No more than it has, though who takes part may have written anything there.
 */
static inline uint32_t tproc_in_use(const _Atomic uint32_t *high, uint32_t count) {
  const uint32_t now = atomic_load_explicit(high, memory_order_acquire);
  return now < count ? now : count;
}

static inline uint32_t tproc_owners_in_use(const struct tproc_view *view) {
  return tproc_in_use(&view->share->owners_high, view->owner_count);
}

static inline uint32_t tproc_threads_in_use(const struct tproc_view *view) {
  return tproc_in_use(&view->share->threads_high, view->thread_count);
}

static inline uint32_t tproc_slices_in_use(const struct tproc_view *view) {
  return tproc_in_use(&view->share->slices_high, view->slice_count);
}

/** Raises a hint of how far a table is in use. Before an entry beyond it is taken: what is in use is always below. */
static inline void tproc_raise(_Atomic uint32_t *high, uint32_t to) {
  uint32_t now = atomic_load_explicit(high, memory_order_relaxed);
  while (now < to &&
         !atomic_compare_exchange_weak_explicit(high, &now, to, memory_order_seq_cst, memory_order_relaxed)) {
  }
}

#pragma GCC visibility pop

#endif
