/* mmap at an address where nothing may be replaced. */
#ifndef TPROC_MAP_NOREPLACE_H
#define TPROC_MAP_NOREPLACE_H

#include "memory/memory.h"

/** Maps the request at exactly `address`, whatever its flags say of that. @return the address, -EEXIST, … */
int64_t map_noreplace(uint64_t address, const struct map_request *request);

#endif
