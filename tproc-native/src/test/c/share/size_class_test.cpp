// From a size to its class, and from an address to the number of its block, without a division.
#include "shared/size_class.h"

#include <doctest/doctest.h>

TEST_SUITE_BEGIN("size classes");

TEST_CASE("a size has the smallest class that has room for it") {
  uint32_t expected = 1;
  for (size_t size = 0; size <= TPROC_SMALL_MAX; size++) {
    if (size > tproc_size_classes[expected].size) expected++;
    if (tproc_size_class_of(size) != expected) {
      CAPTURE(size);
      REQUIRE(tproc_size_class_of(size) == expected);
    }
  }
  CHECK(expected == TPROC_CLASS_COUNT - 1);
}

TEST_CASE("each offset in a slice has its block, and only a block's beginning has no remainder") {
  for (uint32_t size_class = 1; size_class < TPROC_CLASS_COUNT; size_class++) {
    const uint32_t size = tproc_size_classes[size_class].size, inverse = tproc_class_inverses[size_class];
    uint32_t wrong = 0;
    for (uint32_t offset = 0; offset < TPROC_SLICE_SIZE; offset++) {
      const uint64_t quotient = static_cast<uint64_t>(offset) * inverse;
      const bool begins = static_cast<uint32_t>(quotient) < inverse;
      wrong += (quotient >> 32) != offset / size || begins != (offset % size == 0);
    }
    CAPTURE(size);
    CHECK(wrong == 0);
    CHECK(tproc_size_classes[size_class].blocks == TPROC_SLICE_SIZE / size);
  }
}

TEST_SUITE_END();
