/* A small shared range for tests, and everything that can be said about one that is not in use. C, because the
 * range's own headers are. */
#ifndef TPROC_TEST_SMALL_RANGE_H
#define TPROC_TEST_SMALL_RANGE_H

#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#else
#include "shared/cache.h"

struct small_range {
  struct tproc_view view;
  unsigned char *base;
  uint64_t size;
};

/** Maps one, shared with forked children. The calling process is its host. */
void small_range_open(struct small_range *range, uint32_t slices);
void small_range_close(struct small_range *range);

/** Copies the tables to another that was opened with as many slices; its blocks' contents stay as they are. */
void small_range_copy(const struct small_range *from, struct small_range *to);

/** A cache as a new thread of this process has it. */
void attach_as(const struct small_range *range, struct tproc_cache *cache, uint32_t owner, int thread);

/** The same of another process, which need not exist. */
void attach_process(const struct small_range *range, struct tproc_cache *cache, pid_t pid);

/** What is wrong with a range that does not change, for a reader. Empty: nothing. */
struct findings {
  unsigned count;
  char first[200];
};
struct findings small_range_check(const struct small_range *range);

/** Blocks that are allocated; with `owner` not 0 those of that owner alone. */
uint64_t small_range_blocks(const struct small_range *range, uint32_t owner);

/** Slices that are not free. */
uint32_t small_range_slices(const struct small_range *range);
#endif

#ifdef __cplusplus
}
#endif

#endif
