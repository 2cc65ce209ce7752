/* Blocks beyond the largest class: whole slices, side by side. Their owner stands in the first one's owner word. */
#ifndef TPROC_SRC_SHARE_LARGE_H
#define TPROC_SRC_SHARE_LARGE_H

#include <stddef.h>

#include "cache.h"

#pragma GCC visibility push(hidden)

/** @param alignment a power of two @return NULL when there is no room, or the owner at its limit */
void *tproc_large_alloc(const struct tproc_view *view, struct tproc_cache *cache, size_t size, size_t alignment);

/** Frees the large block that begins with a slice. @return 0; EINVAL when none is allocated there; EAGAIN
 * when the cache is not attached, and then the block stays its owner's */
int tproc_large_free(const struct tproc_view *view, struct tproc_cache *cache, uint32_t slice);

/** Gives back the slices of a run whose first one the caller has. Also one that a dead thread has begun to give back.
 */
void tproc_large_release(const struct tproc_view *view, uint32_t slice);

/** Makes a large block another's. @return 0; EINVAL when none is allocated there */
int tproc_large_give(const struct tproc_view *view, uint32_t slice, uint32_t owner);

/** The same, if it is `from`'s. */
int tproc_large_hand_over(const struct tproc_view *view, uint32_t slice, uint32_t from, uint32_t to);

#pragma GCC visibility pop

#endif
