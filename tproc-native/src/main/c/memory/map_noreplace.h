/* mmap at an address where nothing may be replaced. */
#ifndef TPROC_MAP_IF_FREE_H
#define TPROC_MAP_IF_FREE_H

#include "memory/memory.h"

/** Maps the request at exactly `address`, whatever its flags say of that. @return the address, -EEXIST, … */
int64_t map_if_free(uint64_t address, const struct map_request *request);

#endif
