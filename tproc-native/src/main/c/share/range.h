/* The shared range: a file in memory that the host, its threadprocs and their forked children all map in one place. */
#ifndef TPROC_RANGE_H
#define TPROC_RANGE_H

#include "memory/slot.h"
#include "shared/view.h"
#include "tproc_core.h"

/** Of the range, and of those of its tables that grow with use: a huge page's. */
#define SHARED_RANGE_ALIGNMENT (2u << 20)

struct shared_range {
  struct tproc_view view; /**< share is NULL when there is none */
  struct slot_space *slots;
  struct address_range places; /**< what is taken of the slots */
  int file;                    /**< memfd; in both of a host's descriptor tables */
};

/**
 * Makes a range with a heap of this size. What a heap has, only grows into memory as it is used.
 *
 * @param heap_size in bytes; 0: as large as the machine's memory, at most 64 GiB and 1/1024 of the address space
 * @return 0, or a negative errno, and then the range is as one that was closed
 */
int shared_range_open(struct shared_range *range, struct slot_space *slots, uint64_t heap_size,
                      struct tproc_error *error);

/** Bytes of it that are in memory, its tables included; 0: /proc does not tell. */
uint64_t shared_range_resident(const struct shared_range *range);

/** Unmaps it. Harmless on one that is not open. */
void shared_range_close(struct shared_range *range);

/** How long its tables are. */
struct shared_range_counts {
  uint32_t owners;  /**< at most 65536 */
  uint32_t threads; /**< at most 1 << TPROC_TOKEN_RECORD_BITS */
  uint32_t names;   /**< entries of the board */
  uint32_t channels;
  uint32_t accounts; /**< number 0 is none */
  uint32_t slices;   /**< below 1 << 30; the first is never used */
};

/** Bytes of a range with such tables. */
uint64_t shared_range_size(const struct shared_range_counts *counts);

/** Lays it out in shared_range_size bytes of zeroed memory. */
void shared_range_format(void *base, const struct shared_range_counts *counts);

#endif
