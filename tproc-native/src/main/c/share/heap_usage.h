/* Who has how much of the heap: a count of what is allocated, made while all others go on. */
#ifndef TPROC_HEAP_USAGE_H
#define TPROC_HEAP_USAGE_H

#include <stdint.h>

#include "shared/view.h"

/** What an owner has. */
struct heap_use {
  uint64_t blocks; /**< that are allocated */
  uint64_t bytes;  /**< that these have room for */
};

/**
 * Counts the blocks of each owner. What changes meanwhile may be counted or not.
 *
 * @param uses zeroed; the index is the number of the owner; blocks of owners beyond are not counted
 * @param owners how many there are of them, as of tproc_owners_in_use
 * @return bytes of the slices that are not free
 */
uint64_t heap_usage_count(const struct tproc_view *view, struct heap_use *uses, uint32_t owners);

#endif
