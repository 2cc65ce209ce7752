/*
 * The host's own use of the heap. Any thread of the host may come, for a moment, also a virtual thread on its carrier:
 * so what a program's thread keeps to itself is here a pool, whose parts are locked for one call.
 */
#ifndef TPROC_HOST_HEAP_H
#define TPROC_HOST_HEAP_H

#include <pthread.h>
#include <stddef.h>

#include "shared/cache.h"
#include "tproc_core.h"

#define HOST_HEAP_PARTS 8

struct host_heap {
  const struct tproc_view *view;
  struct host_heap_part {
    pthread_mutex_t lock; /**< held for one call; no other lock is taken under it */
    struct tproc_cache cache;
  } parts[HOST_HEAP_PARTS];
};

/** @param view of a range that lives longer; without one, every call says -ENOTSUP */
void host_heap_open(struct host_heap *heap, const struct tproc_view *view);

/** The range is about to go away: nothing is given back to it. */
void host_heap_close(struct host_heap *heap);

/** @param alignment a power of two @return 0; -ENOMEM, -EAGAIN, -ENOTSUP */
int host_heap_alloc(struct host_heap *heap, size_t size, size_t alignment, void **block);

/** @return 0; -EINVAL when no block is allocated at the address; -ENOTSUP */
int host_heap_free(struct host_heap *heap, void *block);

#endif
