/* How much memory a threadproc has. */
#ifndef TPROC_HOST_STATUS_H
#define TPROC_HOST_STATUS_H

#include <stdint.h>

#include "memory/memory.h"

/**
 * Adds the bytes that may be accessed, and those of them that are in memory.
 *
 * @param pagemap /proc/self/pagemap; -1: what is in memory is not told
 */
void status_measure(struct memory *memory, int pagemap, uint64_t *mapped, uint64_t *resident);

#endif
