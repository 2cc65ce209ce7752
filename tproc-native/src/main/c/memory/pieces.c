#include "memory/pieces.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/page.h"

#define FIRST_PIECE (32ull << 20)
#define SMALLEST_PIECE (4ull << 20)
#define LARGEST_PIECE (256ull << 20) /* where nothing has been found for long; full of pages it takes 40 ms */

/* How long one piece should take, in milliseconds: there more are done at once, or fewer. */
#define QUICK 1
#define SLOW 8

static uint64_t next_piece(uint64_t piece, uint64_t milliseconds) {
  if (milliseconds < QUICK) return piece < LARGEST_PIECE ? 2 * piece : piece;
  return milliseconds > SLOW && piece > SMALLEST_PIECE ? piece / 2 : piece;
}

#define FIRST_SIZE (4ull << 20)
#define LARGEST_SIZE (16ull << 20)

#define QUICK_NANOSECONDS 1000000
#define SLOW_NANOSECONDS 3000000
#define NOTHING_NANOSECONDS 50000 /* nobody was kept waiting for so little */

static void let_others(void) { clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 50000}, NULL); }

static void after_piece(struct pieces *pieces, uint64_t took) {
  if (took < QUICK_NANOSECONDS && pieces->size < LARGEST_SIZE) pieces->size *= 2;
  if (took > SLOW_NANOSECONDS && pieces->size > pieces->smallest) pieces->size /= 2;
  if (took > NOTHING_NANOSECONDS) let_others();
}

bool pieces_next(struct pieces *pieces, struct address_range *piece) {
  if (range_size(pieces->rest) == 0) return false;
  if (pieces->began == 0)
    pieces->size = FIRST_SIZE;
  else
    after_piece(pieces, clock_nanoseconds(CLOCK_MONOTONIC) - pieces->began);
  *piece = pieces->rest;
  if (range_size(*piece) > pieces->size) piece->high = align_down(piece->low + pieces->size, pieces->size);
  pieces->rest.low = piece->high;
  pieces->began = clock_nanoseconds(CLOCK_MONOTONIC);
  return true;
}

int unmap_in_pieces(struct address_range *range) {
  uint64_t piece = FIRST_PIECE;
  while (range_size(*range) > piece) {
    const uint64_t end = align_down(range->low + piece, piece), before = clock_milliseconds();
    if (munmap((void *)range->low, end - range->low) != 0) break; /* huge pages are larger: all the rest at once */
    piece = next_piece(piece, clock_milliseconds() - before);
    range->low = end;
  }
  return munmap((void *)range->low, range_size(*range)) == 0 ? 0 : -errno;
}
