/* Finding a free place in a slot. The caller holds the memory's lock. */
#ifndef TPROC_MEMORY_PLACE_H
#define TPROC_MEMORY_PLACE_H

#include "memory/memory.h"

/**
 * mmap without MAP_FIXED: at a free place of the slot. What would fill the slot is mapped where the kernel likes, as
 * what no longer fits into it.
 *
 * @return the address or a negative errno
 */
int64_t memory_map_anywhere(struct memory *memory, const struct map_request *request);

#endif
