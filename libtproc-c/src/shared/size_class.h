/*
 * Size classes: multiples of 16 up to 128 bytes, then four for each doubling, to 32 KiB. So a block is at most a
 * quarter larger than what was asked for.
 */
#ifndef TPROC_SRC_SHARE_SIZE_CLASS_H
#define TPROC_SRC_SHARE_SIZE_CLASS_H

#include <stddef.h>
#include <stdint.h>

#include "tproc_share_abi.h"

#pragma GCC visibility push(hidden)

/** Largest block of a class; larger ones take whole slices. */
#define TPROC_SMALL_MAX 32768u

struct tproc_size_class {
  uint32_t size;   /**< bytes */
  uint32_t blocks; /**< in a slice */
};

/** Index is the class. Of class 0 all is 0. */
extern const struct tproc_size_class tproc_size_classes[TPROC_CLASS_COUNT];

/**
 * 2^32 / size, rounded up. For an offset in a slice, the upper half of offset * inverse is offset / size, and the lower
 * one is less than the inverse when nothing remains: the sizes are small enough for both. Index is any value of
 * tproc_slice.size_class: of those that are no class of small blocks all is 0, and nothing is less.
 */
extern const uint32_t tproc_class_inverses[256];

/** Up to this size the class stands in a table. */
#define TPROC_TABLED_MAX 1024u

/** Class of a size of index * 16 bytes, and of up to 15 less. */
extern const uint8_t tproc_small_classes[65];

/** The smallest class that has room for `size` bytes, which are at most TPROC_SMALL_MAX. */
static inline uint32_t tproc_size_class_of(size_t size) {
  if (__builtin_expect(size <= TPROC_TABLED_MAX, 1)) return tproc_small_classes[(size + 15) >> 4];
  const uint32_t last = (uint32_t)size - 1;
  const uint32_t exponent = 31 - (uint32_t)__builtin_clz(last);
  return 9 + (exponent - 7) * 4 + (last >> (exponent - 2) & 3);
}

#pragma GCC visibility pop

#endif
