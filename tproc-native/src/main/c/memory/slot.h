/*
 * Slots: the contiguous ranges of addresses that threadprocs own.
 *
 * Slots stand in the middle of the address space, far below the addresses that the kernel hands out by itself and below
 * those where it puts programs, so nothing of the host comes to lie in one. A slot is not mapped as a whole: that it is
 * taken is written in the table here, its last page is mapped for other hosts of this process to see, and every mapping
 * into it is made with MAP_FIXED_NOREPLACE. The size is a power of two that depends on the machine's address space
 * (16 GiB with 47 bits). The last quarter stays empty: a run-away index ends there and not in the next slot.
 */
#ifndef TPROC_SLOT_H
#define TPROC_SLOT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/address_range.h"
#include "memory/range_set.h"
#include "tproc_core.h"

/**
 * Room for the program break. malloc of glibc asks for more in its first step (M_TOP_PAD and the block), is refused by
 * the fence, and maps from then on. It is enough for a static program's thread-local storage and a little of its own.
 */
#define BREAK_SIZE (128ull << 10)

/** Half of the address space in slots of 1/8192 of it. */
#define SLOT_PLACES_MAX 4096

/** Who has a slot, and what else. */
struct slot_owner {
  void *threadproc; /**< never looked into here */
  /** What it has outside all owned slots: an ET_EXEC image, MAP_FIXED, very large mappings. Under slot_space.lock. */
  struct range_set external;
  bool is_listed;                     /**< in slot_space.external_owners */
  bool changes;                       /**< nothing of it is marked meanwhile. Under slot_space.lock */
  bool never_forks;                   /**< nobody's forked child needs what it has. Under slot_space.lock */
  struct slot_owner *previous, *next; /**< there */
};

/** Hands out slots. Freed ones are reused as late as possible: a stale pointer meets unmapped memory for long. */
struct slot_space {
  pthread_mutex_t lock; /**< guards the owners and their external ranges; no other lock is taken under it */
  uint64_t slot_size;
  uint64_t end;                               /**< of the addresses that the kernel gives to programs */
  uint64_t first;                             /**< address of the first place for a slot */
  uint64_t places;                            /**< number of places, at most SLOT_PLACES_MAX */
  uint64_t next;                              /**< place to try next */
  struct slot_owner *owners[SLOT_PLACES_MAX]; /**< who has each place; NULL: free */
  struct slot_owner *external_owners;         /**< those who have had external ranges: few */
};

/** One reserved slot. */
struct slot {
  struct address_range whole;  /**< what is reserved */
  struct address_range usable; /**< what may be mapped */
};

/** Finds out the address space's size. The first slot's place is random. */
void slot_space_init(struct slot_space *space);

void slot_space_destroy(struct slot_space *space);

/**
 * Takes a free place in which nothing is mapped.
 *
 * @param owner stays the caller's, and valid until slot_release
 * @return 0 or -ENOMEM
 */
int slot_reserve(struct slot_space *space, struct slot_owner *owner, struct slot *slot, struct tproc_error *error);

/** Says that an owner's program never forks. */
void slot_keep_out_of_forks(struct slot_space *space, struct slot_owner *owner);

/** Begins, or ends, a change of what an owner has: what it unmaps may be another's before that is written down. */
void slot_owner_changes(struct slot_space *space, struct slot_owner *owner, bool begins);

/**
 * Finds the next slot whose owner never forks, from an address on.
 *
 * @param slot receives all of it, or the rest of it from that address on
 */
bool slot_next_out_of_forks(struct slot_space *space, uint64_t from, struct address_range *slot);

/**
 * Marks with MADV_DONTFORK what of a range belongs to an owner who never forks, in a slot or outside. Meanwhile nothing
 * changes its owner: so the range is to be one mapping, not all that an owner has.
 */
void slot_mark_out_of_forks(struct slot_space *space, struct address_range range);

/** The page at the end of a place that stays mapped, inaccessible, as long as the place is taken. */
struct address_range slot_claim(struct address_range whole);

/** Unmaps everything in a slot and frees its place. Does nothing to a zeroed struct. */
void slot_release(struct slot_space *space, struct slot *slot);

/**
 * Takes free places side by side, in which nothing is mapped, for what belongs to no threadproc.
 *
 * @param size bytes that are needed
 * @param range receives the places, which are as large or larger; `size` bytes of them are mapped, inaccessible
 * @return 0, -ENOMEM or what mmap says
 */
int slot_space_take(struct slot_space *space, uint64_t size, struct address_range *range, struct tproc_error *error);

/** Frees these places. The caller has unmapped what was there. */
void slot_space_return(struct slot_space *space, struct address_range range);

/** The threadproc in whose slot or external range an address lies, or NULL. It may go away at any time. */
void *slot_threadproc_at(struct slot_space *space, uint64_t address);

/** Whether any part of a range lies in a slot that is taken, by any host of this process. The caller holds the lock. */
bool slot_space_is_owned(const struct slot_space *space, struct address_range range);

/** Makes sure that an owner can have one more external range, or one less. The caller holds the lock. */
bool slot_owner_prepare_external(struct slot_space *space, struct slot_owner *owner);

/** Takes all external ranges off an owner. The caller holds the lock, and releases the set. */
struct range_set slot_owner_take_external(struct slot_space *space, struct slot_owner *owner);

/** Whether any part of a range outside the slots belongs to a threadproc. */
bool slot_space_has_external(struct slot_space *space, struct address_range range);

/** Whether any part of a range is one that an owner has outside the slots. */
bool slot_owner_has_external(struct slot_space *space, const struct slot_owner *owner, struct address_range range);

/** The whole range in which slots may stand. */
struct address_range slot_space_range(const struct slot_space *space);

#endif
