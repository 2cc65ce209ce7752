#include "large.h"

#include <errno.h>
#include <stdint.h>

#include "account.h"
#include "slice.h"

static bool is_aligned(const struct tproc_view *view, uint32_t slice, size_t alignment) {
  return ((uintptr_t)tproc_slice_data(view, slice) & (alignment - 1)) == 0;
}

/* How many of the slices from here on are free, up to `wanted`. */
static uint32_t free_from(const struct tproc_view *view, uint32_t slice, uint32_t wanted) {
  uint32_t count = 0;
  while (count < wanted && tproc_slice_owner(view, slice + count) == TPROC_SLICE_FREE) count++;
  return count;
}

/* All or none. They have no class yet, so the reaper knows what to make of those that a dead thread has taken. */
static bool take_run(const struct tproc_view *view, uint32_t slice, uint32_t run, uint32_t token) {
  uint32_t taken = 0;
  tproc_raise(&view->share->slices_high, slice + run);
  while (taken < run && tproc_slice_take(view, slice + taken, TPROC_SLICE_FREE, token)) taken++;
  if (taken == run) return true;
  while (taken > 0) tproc_slice_release(view, slice + --taken);
  return false;
}

static uint32_t find_run(const struct tproc_view *view, uint32_t from, uint32_t to, uint32_t run, size_t alignment,
                         uint32_t token) {
  uint32_t slice = from;
  while (slice < to && run <= view->slice_count - slice) {
    const uint32_t found = is_aligned(view, slice, alignment) ? free_from(view, slice, run) : 0;
    if (found == run && take_run(view, slice, run, token)) return slice;
    slice += found + 1 < run ? found + 1 : 1;
  }
  return 0;
}

/* For whoever allocates next: it would go on to memory that nobody has touched yet, to the heap's end. */
static void note_freed(const struct tproc_view *view, uint32_t slice) {
  _Atomic uint32_t *freed = &view->share->large_freed;
  uint32_t now = atomic_load_explicit(freed, memory_order_relaxed);
  while ((now == 0 || slice < now) &&
         !atomic_compare_exchange_weak_explicit(freed, &now, slice, memory_order_relaxed, memory_order_relaxed)) {
  }
}

static void look_for_freed(const struct tproc_view *view, struct tproc_cache *cache) {
  _Atomic uint32_t *freed = &view->share->large_freed;
  if (atomic_load_explicit(freed, memory_order_relaxed) == 0) return;
  const uint32_t lowest = atomic_exchange_explicit(freed, 0, memory_order_relaxed);
  if (lowest != 0 && lowest < cache->large_from) cache->large_from = lowest;
}

static uint32_t take_slices(const struct tproc_view *view, struct tproc_cache *cache, uint32_t run, size_t alignment) {
  look_for_freed(view, cache);
  const uint32_t from = cache->large_from == 0 ? 1 : cache->large_from;
  const uint32_t slice = find_run(view, from, view->slice_count, run, alignment, cache->token);
  return slice != 0 ? slice : find_run(view, 1, from, run, alignment, cache->token);
}

void *tproc_large_alloc(const struct tproc_view *view, struct tproc_cache *cache, size_t size, size_t alignment) {
  if (size > (size_t)view->slice_count * TPROC_SLICE_SIZE) return NULL;
  const uint32_t run = size == 0 ? 1 : (uint32_t)((size + TPROC_SLICE_SIZE - 1) / TPROC_SLICE_SIZE);
  const size_t bytes = (size_t)run * TPROC_SLICE_SIZE;
  if (cache->account != 0 && !tproc_account_charge(view, cache->account, bytes)) return NULL;
  const uint32_t slice = take_slices(view, cache, run, alignment);
  if (slice == 0) {
    tproc_account_refund(view, cache->account, bytes);
    return NULL;
  }
  struct tproc_slice *first = &view->slices[slice];
  atomic_store_explicit(&first->filled, 1, memory_order_relaxed);
  atomic_store_explicit(&first->run, run, memory_order_relaxed);
  atomic_store_explicit(&first->size_class, TPROC_CLASS_LARGE, memory_order_release);
  for (uint32_t i = 1; i < run; i++)
    atomic_store_explicit(&view->slices[slice + i].owner, TPROC_SLICE_TAIL | slice, memory_order_release);
  atomic_store_explicit(&first->owner, TPROC_SLICE_LARGE | cache->owner, memory_order_release); /* allocated */
  cache->large_from = slice + run;
  return tproc_slice_data(view, slice);
}

void tproc_large_release(const struct tproc_view *view, uint32_t slice) {
  struct tproc_slice *first = &view->slices[slice];
  const uint32_t run = tproc_slice_run(view, slice);
  for (uint32_t i = 1; i < run; i++) {
    uint32_t tail = TPROC_SLICE_TAIL | slice; /* one that is not may have been given back, and taken, already */
    atomic_store_explicit(&view->slices[slice + i].filled, 1, memory_order_relaxed);
    atomic_compare_exchange_strong_explicit(&view->slices[slice + i].owner, &tail, TPROC_SLICE_FREE,
                                            memory_order_release, memory_order_relaxed);
  }
  atomic_store_explicit(&first->run, 0, memory_order_relaxed);
  tproc_slice_release(view, slice);
  note_freed(view, slice);
}

static size_t bytes_of(const struct tproc_view *view, uint32_t slice) {
  return (size_t)tproc_slice_run(view, slice) * TPROC_SLICE_SIZE;
}

/* Until one of them has changed the word, or there is no large block. @return whose it was; 0: there is none */
static uint32_t swap_owner(const struct tproc_view *view, uint32_t slice, uint32_t to) {
  _Atomic uint32_t *word = &view->slices[slice].owner;
  uint32_t now = atomic_load_explicit(word, memory_order_acquire);
  do {
    if (!tproc_is_large(now)) return 0;
  } while (!atomic_compare_exchange_weak(word, &now, to));
  return now & ~TPROC_SLICE_LARGE;
}

int tproc_large_free(const struct tproc_view *view, struct tproc_cache *cache, uint32_t slice) {
  if (cache->token == 0) return EAGAIN;
  const uint32_t owner = swap_owner(view, slice, cache->token);
  if (owner == 0) return EINVAL;
  const size_t bytes = bytes_of(view, slice);
  tproc_large_release(view, slice);
  tproc_account_lose(view, owner, bytes);
  return 0;
}

int tproc_large_give(const struct tproc_view *view, uint32_t slice, uint32_t owner) {
  const size_t bytes = bytes_of(view, slice);
  tproc_account_receive(view, owner, bytes);
  const uint32_t giver = swap_owner(view, slice, TPROC_SLICE_LARGE | owner);
  tproc_account_lose(view, giver == 0 ? owner : giver, bytes);
  return giver == 0 ? EINVAL : 0;
}

int tproc_large_hand_over(const struct tproc_view *view, uint32_t slice, uint32_t from, uint32_t to) {
  const size_t bytes = bytes_of(view, slice);
  uint32_t word = TPROC_SLICE_LARGE | from;
  tproc_account_receive(view, to, bytes);
  const bool done = atomic_compare_exchange_strong(&view->slices[slice].owner, &word, TPROC_SLICE_LARGE | to);
  tproc_account_lose(view, done ? from : to, bytes);
  return done ? 0 : EINVAL;
}
