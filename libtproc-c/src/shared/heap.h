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
  uint32_t slice;
  uint32_t size_class; /**< TPROC_CLASS_LARGE: a large block, which has no tag */
  uint32_t index;      /**< in its slice */
  _Atomic uint16_t *tag;
};

/** The block that begins at an address, allocated or not. @return false when none can begin there */
static inline bool tproc_block_at(const struct tproc_view *view, const void *address, struct tproc_block *block) {
  const size_t offset = (size_t)((uintptr_t)address - (uintptr_t)view->data);
  if (__builtin_expect(offset / TPROC_SLICE_SIZE >= view->slice_count, 0)) return false;
  block->slice = (uint32_t)(offset / TPROC_SLICE_SIZE);
  block->size_class = atomic_load_explicit(&view->slices[block->slice].size_class, memory_order_relaxed);
  const uint32_t inside = (uint32_t)offset % TPROC_SLICE_SIZE;
  if (__builtin_expect(block->size_class == TPROC_CLASS_LARGE, 0)) return inside == 0;
  if (__builtin_expect(block->size_class - 1 >= TPROC_CLASS_COUNT - 1, 0)) return false;
  const struct tproc_size_class *of = &tproc_size_classes[block->size_class];
  block->index = (uint32_t)((uint64_t)inside * of->inverse >> 32);
  block->tag = tproc_slice_tags(view, block->slice) + block->index;
  return __builtin_expect(block->index * of->size == inside, 1);
}

/** Any block of any size with an attached cache. @param alignment a power of two */
void *tproc_heap_alloc_slowly(const struct tproc_view *view, struct tproc_cache *cache, size_t size, size_t alignment);

/** @return NULL when the heap is full, the owner at its limit, or the cache is not attached */
static inline void *tproc_heap_alloc(const struct tproc_view *view, struct tproc_cache *cache, size_t size) {
  if (__builtin_expect(size <= TPROC_SMALL_MAX, 1)) {
    struct tproc_bin *bin = &cache->bins[tproc_size_class_of(size)];
    const uint64_t free_blocks = bin->free;
    if (__builtin_expect(free_blocks != 0, 1)) {
      const uint32_t index = (uint32_t)__builtin_ctzll(free_blocks);
      bin->free = free_blocks & (free_blocks - 1);
      void *block = bin->blocks + (size_t)index * bin->size;
      atomic_store_explicit(&bin->tags[index], (uint16_t)cache->owner, memory_order_release); /* allocated */
      return block;
    }
  }
  return tproc_heap_alloc_slowly(view, cache, size, 16);
}

/* What follows the change of a tag to 0. */
static inline void tproc_heap_freed(const struct tproc_view *view, struct tproc_cache *cache,
                                    const struct tproc_block *block) {
  struct tproc_bin *bin = &cache->bins[block->size_class];
  const size_t distance = ((uintptr_t)block->tag - (uintptr_t)bin->tags) / sizeof *block->tag;
  /* Without a branch, which could not be predicted: back into the mask when it is of the group in use. */
  bin->free |= (uint64_t)(distance < TPROC_GROUP_BLOCKS) << (distance % TPROC_GROUP_BLOCKS);
  struct tproc_slice *slice = &view->slices[block->slice];
  _Atomic uint8_t *freed = &slice->freed[block->index / TPROC_GROUP_BLOCKS];
  if (atomic_load_explicit(&slice->owner, memory_order_relaxed) == cache->token ||
      atomic_load_explicit(freed, memory_order_relaxed) == 0)
    atomic_store_explicit(freed, 1, memory_order_relaxed);
}

/** Frees a small block whose owner's blocks are counted, or finds that it is free: EINVAL. */
int tproc_heap_free_counted(const struct tproc_view *view, struct tproc_cache *cache, const struct tproc_block *block);

/**
 * Frees a block of any owner.
 *
 * @return 0; EINVAL, and nothing changes, when no allocated block begins at the address; EAGAIN as tproc_large_free
 */
static inline int tproc_heap_free(const struct tproc_view *view, struct tproc_cache *cache, void *address) {
  struct tproc_block block;
  if (__builtin_expect(!tproc_block_at(view, address, &block), 0)) return EINVAL;
  if (__builtin_expect(block.size_class == TPROC_CLASS_LARGE, 0)) return tproc_large_free(view, cache, block.slice);
  const uint16_t owner = atomic_load_explicit(block.tag, memory_order_relaxed);
  /* Also 0: none has it. */
  if (__builtin_expect(TPROC_OWNER_MAY_COUNT(owner), 0)) return tproc_heap_free_counted(view, cache, &block);
  atomic_store_explicit(block.tag, 0, memory_order_release); /* free */
  tproc_heap_freed(view, cache, &block);
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
