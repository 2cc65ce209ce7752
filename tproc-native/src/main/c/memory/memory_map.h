/* mmap and munmap (memory.h); and finding a free place in a slot, for those who hold the memory's lock already. */
#ifndef TPROC_MEMORY_MAP_H
#define TPROC_MEMORY_MAP_H

#include "memory/memory.h"

/**
 * mmap without MAP_FIXED: at a free place of the slot. What would fill the slot is mapped where the kernel likes, as
 * what no longer fits into it.
 *
 * @return the address or a negative errno
 */
int64_t memory_map_anywhere(struct memory *memory, const struct map_request *request);

/**
 * What MAP_HUGETLB means when it names no size: 2 MiB, 32 or 512 with larger pages, or what the boot parameter
 * default_hugepagesz says. Asked each time, for few programs ask for it.
 */
uint64_t memory_default_huge_page(void);

#endif
