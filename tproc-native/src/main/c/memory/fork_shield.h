/*
 * Keeping a threadproc's fork() away from the host's memory.
 *
 * fork() copies the page tables of the whole shared address space and write-protects what they map: with a large Java
 * heap that stalls the fork and every Java thread that writes afterwards. A forked child has no use for the host's
 * heap, so the host's large private memory is marked MADV_DONTFORK: at each launch, and again and again while
 * threadprocs live, since heaps grow. (Not at the fork itself: a fork that asks the broker could be interrupted by a
 * signal before it is heard, and fork natively never fails with EINTR.)
 *
 * Of the other threadprocs a forked child gets a copy, since each of them may fork by itself, without a question. What
 * those have that were started to never fork is marked, too, and stays so.
 *
 * What a forked child sees: its program's own memory, the scratch page, shared memory, and of the host's private memory
 * only what was named with tproc_host_keep_in_forks. What it does not see: the Java heap above all, but also compiled
 * code, libraries, stacks, malloc's arenas. Each of these is small, but there are hundreds: without them a fork is four
 * times as fast.
 *
 * A fork() by the host's own code (a library of the JVM's) is as it always was: it finds the shield lowered.
 */
#ifndef TPROC_FORK_SHIELD_H
#define TPROC_FORK_SHIELD_H

#include <pthread.h>
#include <stddef.h>

#include "base/address_range.h"
#include "memory/address_space.h"
#include "memory/range_set.h"
#include "memory/slot.h"

/** Of a mapping up to this size (an arena of malloc's) all is kept, not only the pages that were named. */
#define FORK_SHIELD_KEPT_WHOLE (8ull << 20)

struct fork_shield {
  pthread_mutex_t lock; /**< guards what is kept; taken after the lock on all shields; then the slots' lock */
  const struct address_space *space;
  struct slot_space *slots;
  struct range_set kept;               /**< what stays visible */
  uint64_t nanoseconds_at_once;        /**< for which others wait, and one mapping more */
  uint64_t resume;                     /**< where a pass that has begun goes on; 0: none has */
  uint64_t raised_at;                  /**< milliseconds of CLOCK_MONOTONIC; 0: never */
  struct fork_shield *previous, *next; /**< of all hosts of this process */
};

/**
 * The first of a process notes what others have marked already: that is left alone.
 *
 * @param space, slots the host's; they outlive the shield
 */
void fork_shield_init(struct fork_shield *shield, const struct address_space *space, struct slot_space *slots);

/** Unmarks everything first: the process's own forks are as before. Another host of it marks again by itself. */
void fork_shield_destroy(struct fork_shield *shield);

/** Lets forked children see the range again, also if it was marked before. @return 0 or -ENOMEM */
int fork_shield_keep(struct fork_shield *shield, struct address_range range);

/** How long newly grown memory may stay unmarked. */
#define FORK_SHIELD_MILLISECONDS 250

/** Marks everything that is private and of no threadproc that may fork, unless that was done within that time. */
void fork_shield_raise(struct fork_shield *shield);

/**
 * As fork_shield_raise, but only so much as others may wait for, and nothing while another thread is at it.
 *
 * @return whether there is more to do at once
 */
bool fork_shield_raise_some(struct fork_shield *shield);

#endif
