/* A half-open range of addresses. */
#ifndef TPROC_ADDRESS_RANGE_H
#define TPROC_ADDRESS_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct address_range {
  uint64_t low;  /**< first address */
  uint64_t high; /**< one past the last */
};

static inline uint64_t range_size(struct address_range range) { return range.high - range.low; }

static inline bool range_contains(struct address_range range, uint64_t address) {
  return address >= range.low && address < range.high;
}

static inline bool range_covers(struct address_range outer, struct address_range inner) {
  return inner.low >= outer.low && inner.high <= outer.high;
}

static inline bool ranges_overlap(struct address_range a, struct address_range b) {
  return a.low < b.high && b.low < a.high;
}

#endif
