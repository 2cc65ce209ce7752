/* Arithmetic on pages. The page size is the machine's own, asked at run time: 4, 16 or 64 KiB. */
#ifndef TPROC_PAGE_H
#define TPROC_PAGE_H

#include <stdint.h>
#include <sys/auxv.h>

static inline uint64_t page_size(void) { return getauxval(AT_PAGESZ); }

static inline uint64_t page_floor(uint64_t value) { return value & ~(page_size() - 1); }

/** The caller makes sure that value is at least a page below 2^64. */
static inline uint64_t page_ceil(uint64_t value) { return page_floor(value + page_size() - 1); }

/** `alignment` is a power of two. */
static inline uint64_t align_up(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

static inline uint64_t align_down(uint64_t value, uint64_t alignment) { return value & ~(alignment - 1); }

#endif
