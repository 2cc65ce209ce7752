/*
 * The shared range's memory in huge pages: a program that goes about in much of it would wait for the page tables more
 * than for the memory. Of a file in memory the kernel makes huge pages by itself only where an administrator has set
 * shmem_enabled. But it does so when it is asked (MADV_COLLAPSE, since Linux 6.1), once for all who share the range.
 *
 * A thread looks now and then which huge pages' worth of tables and blocks are in use for a good part, and asks for
 * these. Nothing else depends on it: where the kernel refuses, all goes on as before.
 */
#ifndef TPROC_HUGE_PAGES_H
#define TPROC_HUGE_PAGES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "share/range.h"

/** What is made huge is in use for one page in so many, at least: that is what it can cost. */
#define HUGE_PAGES_PART 4

struct huge_pages {
  const struct shared_range *range; /**< NULL: not started */
  uint64_t size;                    /**< bytes of a huge page */
  uint64_t count;                   /**< how many whole ones the range has room for */
  uint64_t slices, tags, data;      /**< where its tables are */
  uint8_t *done;                    /**< of each: not 0, it is huge, or cannot be */
  uint64_t resident;                /**< bytes of the range in memory, when it was last looked */
  uint64_t next, left;              /**< which is looked at next, and how many are to be looked at */
  bool any;                         /**< one has been made */
  unsigned refusals;                /**< while there was none */
  bool refused;                     /**< the kernel does not do it */
  pthread_t thread;
  pthread_mutex_t lock; /**< guards `stopping`; no other lock is taken under it */
  pthread_cond_t changed;
  bool stopping;
};

/** Prepares for huge_pages_look. @return false when this machine, or its administrator, has no huge pages for it */
bool huge_pages_open(struct huge_pages *pages, const struct shared_range *range);

/** Harmless on one that is not open. */
void huge_pages_close(struct huge_pages *pages);

/**
 * Looks at what is in use, and makes a few huge pages, which takes milliseconds each. In a table of descriptors that
 * has the range's file.
 *
 * @return whether it is worth looking again soon
 */
bool huge_pages_look(struct huge_pages *pages);

/** Opens it, and starts the thread, if both can be done. In such a table of descriptors. */
void huge_pages_start(struct huge_pages *pages, const struct shared_range *range);

/** Harmless on one that is not started. */
void huge_pages_stop(struct huge_pages *pages);

#endif
