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

/** A range, piece by piece. */
struct pieces {
  struct address_range rest;
  uint64_t smallest;    /**< bytes, a power of two up to 2 MiB; only at the two ends of the range there is less */
  uint64_t size, began; /**< of the piece under way: bytes, and nanoseconds of CLOCK_MONOTONIC; 0: none is */
};

/**
 * The next piece: larger ones where one takes little time, smaller ones where it takes long. Each ends at a multiple of
 * the smallest size. Between two pieces it waits a little: a lock alone would go to the thread that has just had it.
 *
 * @return false when the whole range has been given
 */
bool pieces_next(struct pieces *pieces, struct address_range *piece);

/** munmap of *range. @return 0 or a negative errno, and then *range is what has not been unmapped */
int unmap_in_pieces(struct address_range *range);

#endif
