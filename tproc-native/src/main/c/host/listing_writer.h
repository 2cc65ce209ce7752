/* A listing as it is written: two counts, and then entries, as long as they fit. */
#ifndef TPROC_LISTING_WRITER_H
#define TPROC_LISTING_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "tproc_core.h"

/** Zeroed but for size_max. */
struct listing_writer {
  struct tproc_listing listing;
  size_t capacity, size_max;
  size_t head;         /**< where in the payload the counts are */
  bool without_memory; /**< nothing more can be written */
};

/** Begins with what comes before the counts, which may be nothing. @return false without memory */
bool listing_begin(struct listing_writer *writer, const void *prefix, size_t size);

/** Room for one entry more, which is counted; NULL when it would be too much, or without memory. */
char *listing_add(struct listing_writer *writer, size_t size);

/** Hands the listing over, or frees it. @param what in a message: "a host's threadprocs" @return 0; -ENOMEM */
int listing_finish(struct listing_writer *writer, struct tproc_listing *listing, struct tproc_error *error,
                   const char *what);

#endif
