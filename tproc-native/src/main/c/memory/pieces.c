#include "memory/pieces.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/page.h"

static const struct piece_sizes filled = {4ull << 20, 256ull << 10, 16ull << 20, 16ull << 20};
static const struct piece_sizes advised = {4ull << 20, 2ull << 20, 16ull << 20, 1ull << 30}; /* full: 30 ms */

/* The largest where nothing has been found for long; full of pages it takes 40 ms. */
static const struct piece_sizes unmapped = {32ull << 20, 4ull << 20, 256ull << 20, 256ull << 20};

#define QUICK_NANOSECONDS 1000000
#define SLOW_NANOSECONDS 3000000
#define NOTHING_NANOSECONDS 50000 /* nobody was kept waiting for so little */

void let_others(void) { clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 50000}, NULL); }

static void after_piece(struct pieces *pieces, uint64_t took) {
  const uint64_t largest = took < NOTHING_NANOSECONDS ? pieces->sizes.empty : pieces->sizes.largest;
  if (took < QUICK_NANOSECONDS && pieces->size < largest) pieces->size *= 2;
  if (took > SLOW_NANOSECONDS && pieces->size > pieces->sizes.smallest) pieces->size /= 2;
  if (took > NOTHING_NANOSECONDS) let_others();
}

struct pieces filled_pieces(struct address_range range) {
  return (struct pieces){.rest = range, .sizes = filled};
}

struct pieces advised_pieces(struct address_range range) {
  return (struct pieces){.rest = range, .sizes = advised};
}

bool pieces_next(struct pieces *pieces, struct address_range *piece) {
  if (range_size(pieces->rest) == 0) return false;
  if (pieces->began == 0)
    pieces->size = pieces->sizes.first;
  else
    after_piece(pieces, clock_nanoseconds(CLOCK_MONOTONIC) - pieces->began);
  *piece = pieces->rest;
  if (range_size(*piece) > pieces->size) piece->high = align_down(piece->low + pieces->size, pieces->size);
  pieces->rest.low = piece->high;
  pieces->began = clock_nanoseconds(CLOCK_MONOTONIC);
  return true;
}

int unmap_in_pieces(struct address_range *range) {
  struct pieces pieces = {.rest = *range, .sizes = unmapped};
  struct address_range piece;
  while (pieces_next(&pieces, &piece)) {
    if (munmap((void *)piece.low, range_size(piece)) != 0) break;
    range->low = piece.high;
  }
  if (range_size(*range) == 0) return 0;
  return munmap((void *)range->low, range_size(*range)) == 0 ? 0 : -errno; /* of huge pages that are larger */
}
