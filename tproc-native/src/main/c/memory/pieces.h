/*
 * Work on memory in pieces. The kernel keeps its lock on the address space for as long as one call takes, and all
 * others of the host and its threadprocs wait for it: to unmap 4 GiB at once takes half a second, to fill them seconds.
 */
#ifndef TPROC_PIECES_H
#define TPROC_PIECES_H

#include <stdbool.h>

#include "base/address_range.h"

/** Less takes so little that it is done at once, and by the threadproc itself. */
#define UNMAPPED_AT_ONCE (128ull << 20)

/** The same of memory that is filled: a page that is not there takes so much longer. */
#define POPULATED_AT_ONCE (16ull << 20)

/** Of pieces, in bytes: powers of two. Only at the two ends of a range there is less than the smallest. */
struct piece_sizes {
  uint64_t first, smallest, largest;
  uint64_t empty; /**< the largest where nothing is found, so that reserved memory takes no time */
};

/** A range, piece by piece. */
struct pieces {
  struct address_range rest;
  struct piece_sizes sizes;
  uint64_t size, began; /**< of the piece under way: bytes, and nanoseconds of CLOCK_MONOTONIC; 0: none is */
};

/** Of memory that is to be filled: a page may take long, on a machine whose memory is not there itself. */
struct pieces filled_pieces(struct address_range range);

/** Of memory whose pages go, or change: whole huge pages. */
struct pieces advised_pieces(struct address_range range);

/**
 * The next piece: larger ones where one takes little time, smaller ones where it takes long. Each ends at a multiple of
 * the smallest size. Between two pieces it waits a little: a lock alone would go to the thread that has just had it.
 *
 * @return false when the whole range has been given
 */
bool pieces_next(struct pieces *pieces, struct address_range *piece);

/** Waits a little, so that whoever waits for a lock that has just been let go gets it. */
void let_others(void);

/** munmap of *range. @return 0 or a negative errno, and then *range is what has not been unmapped */
int unmap_in_pieces(struct address_range *range);

#endif
