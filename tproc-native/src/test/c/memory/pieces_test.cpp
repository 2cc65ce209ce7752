#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>

extern "C" {
#include "memory/pieces.h"
}

namespace {

constexpr uint64_t kMiB = 1ull << 20;

struct Given {
  uint64_t count = 0, smallest = UINT64_MAX, largest = 0;
};

// All pieces of a range, where each takes so long.
Given give(address_range range, uint64_t nanoseconds, bool fills = false) {
  struct pieces pieces = fills ? filled_pieces(range) : advised_pieces(range);
  const uint64_t smallest = pieces.sizes.smallest;
  address_range piece;
  Given given;
  uint64_t at = range.low;
  while (pieces_next(&pieces, &piece)) {
    REQUIRE(piece.low == at);
    REQUIRE(piece.high > piece.low);
    CHECK((piece.high == range.high || piece.high % smallest == 0));
    at = piece.high;
    given.count++;
    given.largest = std::max(given.largest, piece.high - piece.low);
    if (piece.high != range.high) given.smallest = std::min(given.smallest, piece.high - piece.low);
    pieces.began -= nanoseconds;
  }
  CHECK(at == range.high);
  CHECK_FALSE(pieces_next(&pieces, &piece));
  return given;
}

}  // namespace

TEST_SUITE_BEGIN("pieces");

TEST_CASE("the pieces of a range are all of it, one after the other, and none is large") {
  CHECK(give({64 * kMiB, 64 * kMiB}, 0).count == 0);
  CHECK(give({64 * kMiB, 64 * kMiB + 4096}, 0).count == 1);
  for (const uint64_t low : {64 * kMiB, 64 * kMiB + 4096, 66 * kMiB - 4096})
    for (const uint64_t size : {4096 * 3ul, 4 * kMiB, 100 * kMiB, 100 * kMiB + 4096})
      CHECK(give({low, low + size}, 100000).largest <= 16 * kMiB);
}

TEST_CASE("of reserved memory, where nothing is found, the pieces become large; what is filled has none such") {
  constexpr uint64_t kGiB = 1024 * kMiB;
  const Given reserved = give({64 * kMiB, 64 * kMiB + 64 * kGiB}, 0);
  CHECK(reserved.largest > 16 * kMiB);
  CHECK(reserved.largest <= kGiB);
  CHECK(reserved.count < 1000);
  CHECK(give({64 * kMiB, 64 * kMiB + kGiB}, 0, true).largest <= 16 * kMiB);
}

TEST_CASE("where a piece takes long the next ones are smaller") {
  const Given given = give({64 * kMiB, 164 * kMiB}, 10000000);
  CHECK(given.largest == 4 * kMiB);
  CHECK(given.smallest == 2 * kMiB);
  CHECK(given.count == 49); /* one of 4 MiB, 48 of 2 MiB */
  CHECK(give({64 * kMiB, 164 * kMiB}, 10000000, true).smallest == kMiB / 4);
}

TEST_SUITE_END();
