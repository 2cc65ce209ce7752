/*
 * The heap. An allocation is one store into a tag, and so is a free, from any process. Nothing is
 * written into free memory, and no list is shared.
 *
 * Functions with a cache are for its thread only.
 */
#ifndef TPROC_SRC_SHARE_HEAP_H
#define TPROC_SRC_SHARE_HEAP_H

#include <errno.h>
#include <stddef.h>

#include "cache.h"
#include "large.h"
#include "slice.h"

#pragma GCC visibility push(hidden)

/** What an address leads to. */
struct tproc_block {
  struct tproc_slice *record; /**< of its slice */
  size_t slice;
  size_t size_class; /**< TPROC_CLASS_LARGE: a large block, which has no index and no tag */
  size_t index;      /**< in its slice */
  _Atomic uint16_t *tag;
};

/** The slice of an address, and its class. @return false when it is in none */
static inline bool tproc_slice_at(const struct tproc_view *view, size_t offset, struct tproc_block *block) {
  const size_t slice = offset / TPROC_SLICE_SIZE;
  if (__builtin_expect(slice >= view->slice_count, 0)) return false;
  block->slice = slice;
  block->record = &view->slices[slice];
  block->size_class = atomic_load_explicit(&block->record->size_class, memory_order_relaxed);
  return true;
}

/** The block of a slice's class. @return false when the class is none of small blocks, or none begins there */
static inline bool tproc_small_block_at(const struct tproc_view *view, size_t offset, struct tproc_block *block) {
  const uint64_t inverse = tproc_class_inverses[block->size_class], quotient = offset % TPROC_SLICE_SIZE * inverse;
  block->index = quotient >> 32;
  block->tag = tproc_slice_tags(view, block->slice) + block->index;
  return (uint32_t)quotient < inverse; /* there is no remainder; of what is no class the inverse is 0 */
}

/** The block that begins at an address, allocated or not. @return false when none can begin there */
static inline bool tproc_block_at(const struct tproc_view *view, const void *address, struct tproc_block *block) {
  const size_t offset = (size_t)((uintptr_t)address - (uintptr_t)view->data);
  if (!tproc_slice_at(view, offset, block)) return false;
  return block->size_class == TPROC_CLASS_LARGE ? offset % TPROC_SLICE_SIZE == 0
                                                : tproc_small_block_at(view, offset, block);
}

/** Any block of any size with an attached cache. @param alignment a power of two */
void *tproc_heap_alloc_slowly(const struct tproc_view *view, struct tproc_cache *cache, size_t size, size_t alignment);

/** @return NULL when none is at hand: tproc_heap_alloc_slowly may find one */
static inline void *tproc_heap_alloc_quickly(struct tproc_cache *cache, size_t size) {
  if (__builtin_expect(size > TPROC_TABLED_MAX, 0) && size > TPROC_SMALL_MAX) return NULL;
  struct tproc_bin *bin = &cache->bins[tproc_size_class_of(size)];
  if (__builtin_expect(bin->free == 0, 0) && !tproc_bin_reuse(bin)) return NULL;
  return tproc_bin_take(bin, (uint16_t)cache->owner);
}

/** @return NULL when the heap is full, the owner at its limit, or the cache is not attached */
static inline void *tproc_heap_alloc(const struct tproc_view *view, struct tproc_cache *cache, size_t size) {
  void *block = tproc_heap_alloc_quickly(cache, size);
  return block != NULL ? block : tproc_heap_alloc_slowly(view, cache, size, 16);
}

/* What follows the change of a tag to 0. */
static inline void tproc_heap_freed(struct tproc_cache *cache, const struct tproc_block *block) {
  struct tproc_bin *bin = &cache->bins[block->size_class];
  const size_t distance = ((uintptr_t)block->tag - (uintptr_t)bin->tags) / sizeof *block->tag;
  /* Without a branch, which could not be predicted: noted in the bin when it is of the group in use. */
  bin->returned |= (uint64_t)(distance < TPROC_GROUP_BLOCKS) << (distance % TPROC_GROUP_BLOCKS);
  atomic_store_explicit(&block->record->freed[block->index / TPROC_GROUP_BLOCKS], 1, memory_order_relaxed);
}

/**
 * Frees a small block that is on nobody's account; tproc_heap_freed comes next.
 *
 * @return false, and nothing changes, when it is none
 */
static inline bool tproc_heap_untag(const struct tproc_view *view, void *address, struct tproc_block *block) {
  const size_t offset = (size_t)((uintptr_t)address - (uintptr_t)view->data);
  if (__builtin_expect(!tproc_slice_at(view, offset, block), 0)) return false;
  if (__builtin_expect(!tproc_small_block_at(view, offset, block), 0)) return false;
  /* Also 0: none has it. */
  if (__builtin_expect(TPROC_OWNER_MAY_COUNT(atomic_load_explicit(block->tag, memory_order_relaxed)), 0)) return false;
  atomic_store_explicit(block->tag, 0, memory_order_release); /* free */
  return true;
}

/** Frees any block, as tproc_heap_free does. */
int tproc_heap_free_slowly(const struct tproc_view *view, struct tproc_cache *cache, void *address);

/**
 * Frees a block of any owner.
 *
 * @return 0; EINVAL, and nothing changes, when no allocated block begins at the address; EAGAIN as tproc_large_free
 */
static inline int tproc_heap_free(const struct tproc_view *view, struct tproc_cache *cache, void *address) {
  struct tproc_block block;
  if (!tproc_heap_untag(view, address, &block)) return tproc_heap_free_slowly(view, cache, address);
  tproc_heap_freed(cache, &block);
  return 0;
}

/** Bytes that a block has room for; 0: no block is allocated at the address. */
size_t tproc_heap_usable_size(const struct tproc_view *view, const void *address);

/** Number of the owner of the block that begins at an address; 0: none is allocated there. */
uint32_t tproc_heap_owner_of(const struct tproc_view *view, const void *address);

/** Makes a block another's. @return 0; EINVAL when none is allocated there */
int tproc_heap_give(const struct tproc_view *view, void *address, uint32_t owner);

/** The same, if it is `from`'s. @return 0; EINVAL when no block of `from` is allocated there */
int tproc_heap_hand_over(const struct tproc_view *view, void *address, uint32_t from, uint32_t to);

/**
 * Makes a block a process's, which takes part and has not ended.
 *
 * @return 0; EINVAL when no block is allocated there; ESRCH when there is no such process, and then the block is
 * `giver`'s
 */
int tproc_heap_give_process(const struct tproc_view *view, void *address, pid_t pid, uint32_t giver);

#pragma GCC visibility pop

#endif
