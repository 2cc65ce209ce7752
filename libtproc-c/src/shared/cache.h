/*
 * What one thread keeps of the heap to be fast: its slices, class by class, and for each class a bit mask of blocks
 * that it knows to be free. All of it may be lost at any instruction. Only its thread uses it.
 */
#ifndef TPROC_SRC_SHARE_CACHE_H
#define TPROC_SRC_SHARE_CACHE_H

#include <sys/types.h>

#include "view.h"

#pragma GCC visibility push(hidden)

/** The slices of one class, which form a ring, and the group of blocks in use. */
struct tproc_bin {
  uint64_t free;          /**< bit i: block i of the group is free, and only this thread takes it */
  uint64_t returned;      /**< the same of what this thread has freed since, which is taken when the others are gone:
                               so an allocation does not have to wait for what the free before it computes */
  unsigned char *blocks;  /**< the group's first block */
  _Atomic uint16_t *tags; /**< the group's tags; NULL: no group */
  uint32_t size;          /**< of a block; 0 in a cache that is not attached */
  uint32_t slices;        /**< in the ring */
  uint32_t cursor;        /**< slice to look at next, */
  uint32_t next_group;    /**< from this group on */
  uint32_t opening;       /**< slice with groups that were never used; 0: none */
  uint32_t poor;          /**< how often of late a group had few free blocks */
  uint16_t skip;          /**< how many looks at hints to leave out, since the last ones found nothing */
  uint16_t skipped;
};

/** The group of a bin whose allocations are counted: not in the bin, so none passes by the count. */
struct tproc_parked {
  uint64_t free;
  unsigned char *blocks;
  _Atomic uint16_t *tags;
};

/** Makes what has come back free, when nothing else is. @return false: nothing has come back */
static inline bool tproc_bin_reuse(struct tproc_bin *bin) {
  bin->free = bin->returned;
  bin->returned = 0;
  return bin->free != 0;
}

/** Allocates a block of a bin that has a free one. */
static inline __attribute__((returns_nonnull)) void *tproc_bin_take(struct tproc_bin *bin, uint16_t owner) {
  const uint64_t free_blocks = bin->free;
  const unsigned index = (unsigned)__builtin_ctzll(free_blocks);
  bin->free = free_blocks & (free_blocks - 1);
  void *block = bin->blocks + index * bin->size;                         /* below TPROC_SLICE_SIZE */
  atomic_store_explicit(&bin->tags[index], owner, memory_order_release); /* allocated */
  return block;
}

/** Zeroed: not attached. An allocation attaches it. */
struct tproc_cache {
  struct tproc_bin bins[TPROC_CLASS_COUNT];
  uint32_t token;      /**< of the thread's record; 0: not attached */
  uint32_t owner;      /**< who owns what is allocated */
  uint32_t claim_from; /**< slices to look at first */
  uint32_t large_from;
  uint32_t account; /**< what is allocated is counted in it; 0: nothing is */
  struct tproc_parked parked[TPROC_CLASS_COUNT];
};

/**
 * Attaches a zeroed cache: takes a thread record, and an owner unless one is given.
 *
 * @param owner number of the owner; 0: that of the process
 * @return 0; EAGAIN when a table is full, and then nothing is taken but, perhaps, an owner's entry
 */
int tproc_cache_attach(const struct tproc_view *view, struct tproc_cache *cache, uint32_t owner, pid_t pid,
                       pid_t thread);

/** Gives the slices back, or leaves them for others to adopt, and the record. The cache is zeroed. */
void tproc_cache_detach(const struct tproc_view *view, struct tproc_cache *cache);

/** Fills the mask of a class of an attached cache, when nothing has come back. @return false when the heap is full */
bool tproc_cache_refill(const struct tproc_view *view, struct tproc_cache *cache, uint32_t size_class);

#pragma GCC visibility pop

#endif
