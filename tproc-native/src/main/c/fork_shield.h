/*
 * Keeping a threadproc's fork() away from the host's memory.
 *
 * fork() copies the page tables of the whole shared address space and write-protects what they map: with a large Java
 * heap that stalls the fork and every Java thread that writes afterwards. A forked child has no use for the host's
 * heap, so the host's large private memory is marked MADV_DONTFORK: at each launch, and again and again while
 * threadprocs live, since heaps grow. (Not at the fork itself: a fork that asks the broker could be interrupted by a
 * signal before it is heard, and fork natively never fails with EINTR.)
 *
 * What a forked child sees: its program's own memory, the scratch page, files, everything of the host up to
 * FORK_SHIELD_SMALLEST bytes a mapping (thread stacks, libraries, small native blocks), and ranges named with
 * tproc_host_keep_in_forks. What it does not see: larger private mappings of the host, the Java heap above all.
 */
#ifndef TPROC_FORK_SHIELD_H
#define TPROC_FORK_SHIELD_H

#include <pthread.h>
#include <stddef.h>

#include "address_range.h"
#include "address_space.h"
#include "slot.h"

/** Larger than a thread's default stack, so that a fork() by the host's own code still finds the stack it runs on. */
#define FORK_SHIELD_SMALLEST ((8ull << 20) + 1)

/** Ranges that stay visible; beyond that many the oldest are dropped. */
#define FORK_SHIELD_KEPT_MAX 256

struct fork_shield {
  pthread_mutex_t lock;
  struct address_range kept[FORK_SHIELD_KEPT_MAX];
  size_t kept_count;
  size_t kept_next;
  uint64_t raised_at; /**< milliseconds of CLOCK_MONOTONIC; 0: never */
};

void fork_shield_init(struct fork_shield *shield);
void fork_shield_destroy(struct fork_shield *shield);

/** Lets forked children see the range again, also if it was marked before. */
void fork_shield_keep(struct fork_shield *shield, struct address_range range);

/** How long newly grown memory may stay unmarked. */
#define FORK_SHIELD_MILLISECONDS 250

/** Marks everything that is large, private and no threadproc's, unless that was done within that time. */
void fork_shield_raise(struct fork_shield *shield, const struct address_space *space, struct slot_space *slots);

/** Unmarks it all, when the host closes: the process's own forks are as before. Another host of it marks again by
 * itself. */
void fork_shield_lower(struct fork_shield *shield, const struct address_space *space, struct slot_space *slots);

#endif
