/*
 * Unmapping in pieces. The kernel keeps its lock on the address space for as long as one call takes, and all others of
 * the host and its threadprocs wait for it: 4 GiB at once are half a second.
 */
#ifndef TPROC_PIECES_H
#define TPROC_PIECES_H

#include "base/address_range.h"

/** Less takes so little that it is done at once, and by the threadproc itself. */
#define UNMAPPED_AT_ONCE (128ull << 20)

/** So much at once keeps no other thread waiting for long. */
#define ADVISED_AT_ONCE (16ull << 20)

/** munmap of *range. @return 0 or a negative errno, and then *range is what has not been unmapped */
int unmap_in_pieces(struct address_range *range);

#endif
