/* Slices: who has them, and which of their blocks are free. */
#ifndef TPROC_SRC_SHARE_SLICE_H
#define TPROC_SRC_SHARE_SLICE_H

#include "size_class.h"
#include "view.h"

#pragma GCC visibility push(hidden)

/** The tags of a slice. (To multiply by a number in memory is one instruction; by this constant compilers make four.)
 */
static inline _Atomic uint16_t *tproc_slice_tags(const struct tproc_view *view, size_t slice) {
  return (_Atomic uint16_t *)((unsigned char *)view->tags + slice * view->tag_stride);
}

/** A slice's memory. */
static inline unsigned char *tproc_slice_data(const struct tproc_view *view, uint32_t slice) {
  return view->data + (size_t)slice * TPROC_SLICE_SIZE;
}

static inline uint32_t tproc_slice_owner(const struct tproc_view *view, uint32_t slice) {
  return atomic_load_explicit(&view->slices[slice].owner, memory_order_relaxed);
}

/** Of how many slices a large block is. They all exist, whatever somebody has written there. */
static inline uint32_t tproc_slice_run(const struct tproc_view *view, uint32_t slice) {
  const uint32_t run = atomic_load_explicit(&view->slices[slice].run, memory_order_relaxed);
  return run < view->slice_count - slice ? run : view->slice_count - slice;
}

/** Whether an owner word says: a large block that is allocated. */
static inline bool tproc_is_large(uint32_t word) { return word >= TPROC_SLICE_LARGE && word != TPROC_SLICE_ABANDONED; }

/** Whether it is a thread's token. */
static inline bool tproc_is_token(uint32_t word) { return word != TPROC_SLICE_FREE && word < TPROC_TOKEN_LIMIT; }

/** Bit i: block i of a group is free. Blocks that are found free may be written to. */
uint64_t tproc_group_free(const _Atomic uint16_t *tags);

/** Bit i: the group has a block i. */
static inline uint64_t tproc_group_blocks(uint32_t blocks, uint32_t group) {
  const uint32_t left = blocks - group * TPROC_GROUP_BLOCKS;
  return left >= TPROC_GROUP_BLOCKS ? ~0ull : (1ull << left) - 1;
}

static inline uint32_t tproc_groups_of(uint32_t blocks) {
  return (blocks + TPROC_GROUP_BLOCKS - 1) / TPROC_GROUP_BLOCKS;
}

/** Whether no block of a slice with a class is allocated. It stays so for the slice's owner only. */
bool tproc_slice_is_empty(const struct tproc_view *view, uint32_t slice, uint32_t size_class);

/** Swaps a slice's owner from `from` to `token`. From then on it is the thread's. */
bool tproc_slice_take(const struct tproc_view *view, uint32_t slice, uint32_t from, uint32_t token);

/** Takes a free slice. @param from where to look first @return 0 when there is none */
uint32_t tproc_slice_claim(const struct tproc_view *view, uint32_t from, uint32_t token);

/** Takes an abandoned slice of a class. @return 0 when there is none */
uint32_t tproc_slice_adopt(const struct tproc_view *view, uint32_t size_class, uint32_t token);

/** Gives an own slice that is empty, or has no class, to all. */
void tproc_slice_release(const struct tproc_view *view, uint32_t slice);

/** Leaves an own slice that has a class to the thread that adopts it. */
void tproc_slice_abandon(const struct tproc_view *view, uint32_t slice, uint32_t size_class);

#pragma GCC visibility pop

#endif
