/* Finding a free place in a slot. The caller holds the memory's lock. */
#ifndef TPROC_MEMORY_PLACE_H
#define TPROC_MEMORY_PLACE_H

#include "memory.h"

/** mmap without MAP_FIXED: maps the request at a free place of the slot. @return the address or a negative errno */
int64_t memory_place(struct memory *memory, const struct map_request *request);

#endif
