/*
 * The memory of one threadproc: its slot, its heap (the program break), and what it was allowed to map elsewhere.
 *
 * The functions here do what the system calls of the same name do, for a threadproc that cannot do them itself without
 * reaching beyond its slot. They return the call's own result: an address or 0, or a negative errno.
 */
#ifndef TPROC_MEMORY_H
#define TPROC_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address_range.h"
#include "memory/address_space.h"
#include "memory/slot.h"
#include "tproc_core.h"

/** A part of the slot that mmap may map into. */
struct memory_room {
  struct address_range area;
  uint64_t cursor;           /**< new mappings end at or below; moves down, and back up when it has reached the end */
  struct address_range last; /**< the newest mapping: its place is tried again, since most large blocks come and go */
  unsigned reuse_successes;  /**< how often that went well lately */
  uint64_t crowded;          /**< for as many requests there is no search; each search costs as many obstacles */
  uint64_t crowded_size;     /**< of the last request that found no room: smaller ones are searched for */
};

/** Contexts of asynchronous I/O that a threadproc has, by which the kernel calls them. */
struct aio_contexts {
  uint64_t *all;
  size_t count, room;
};

/** What a program may have of a kind of memory, and has at most. */
struct memory_counted {
  struct tproc_limit limit;
  uint64_t bytes;
};

/** Of memory_limits.h. */
struct memory_limits {
  struct memory_counted all;  /**< RLIMIT_AS */
  struct memory_counted data; /**< RLIMIT_DATA: what is private and writable */
  uint64_t uncounted;         /**< so many bytes are mapped for the host's sake */
  uint64_t not_before;        /**< nanoseconds of CLOCK_MONOTONIC, before which is not counted again */
};

struct memory {
  pthread_mutex_t lock;   /**< guards all below while memory is mapped or released; then the slots' lock */
  bool released;          /**< nothing may be mapped any more */
  unsigned in_pieces;     /**< so many ranges are worked at in pieces; memory_release waits for that ... */
  pthread_cond_t changed; /**< ... here */
  struct slot_space *slots;
  const struct address_space *space;
  struct slot slot;

  struct memory_room anonymous; /**< for mappings without a file */
  struct memory_room files;     /**< for mappings of files */

  struct address_range heap; /**< low is where the break started, high the furthest it may go */
  uint64_t program_break;

  struct memory_limits limits;

  struct aio_contexts aio;

  struct slot_owner owner; /**< with what is mapped outside the slot */
};

/** Takes a slot. @return 0 or -ENOMEM */
int memory_open(struct memory *memory, struct slot_space *slots, const struct address_space *space, void *threadproc,
                struct tproc_error *error);

/** Says where in the slot the heap may grow and where mmap may map. */
void memory_divide(struct memory *memory, struct address_range heap, struct address_range anonymous,
                   struct address_range files);

/** What setrlimit has set, or the launch: RLIMIT_AS or RLIMIT_DATA. The kernel knows of no limit. */
struct tproc_limit memory_limit(struct memory *memory, int resource);

/** Whether any is set. */
bool memory_is_limited(struct memory *memory);

/**
 * As setrlimit, for RLIMIT_AS or RLIMIT_DATA.
 *
 * @param may_raise whether the hard limit may become higher
 * @return 0, -EINVAL (the soft limit is above the hard one) or -EPERM
 */
int memory_set_limit(struct memory *memory, int resource, const struct tproc_limit *limit, bool may_raise);

/** So many bytes of what is mapped, private and writable, count for no limit. */
void memory_leave_uncounted(struct memory *memory, uint64_t bytes);

/** Says that its program never forks: no forked child needs what it has. */
void memory_keep_out_of_forks(struct memory *memory);

/**
 * Unmaps everything, once; safe against a call that is under way in another thread. Waits for asynchronous I/O of the
 * program's, as its own end natively would.
 */
void memory_release(struct memory *memory);

/**
 * Every mapping of this threadproc, those outside its slot first, each from the lowest on. Its memory calls wait for
 * one portion of them at most: what they change meanwhile may be there or not. Nothing once the memory is released.
 */
void memory_visit(struct memory *memory, mapping_visitor *visit, void *context);

/** Whether all of a range belongs to this threadproc, mapped or not. */
bool memory_owns(struct memory *memory, struct address_range range);

/** Whether nothing at all is mapped in a range. */
bool memory_is_hole(const struct memory *memory, struct address_range range);

/** Whether one mapping covers all of a range. */
bool memory_is_one_mapping(const struct memory *memory, struct address_range range);

/**
 * Takes [low, high) outside the slot, if nothing is mapped there: inaccessible, and remembered as the threadproc's.
 *
 * @return 0, or -EEXIST when something is mapped there or it is some threadproc's slot
 */
int memory_take_external(struct memory *memory, struct address_range range);

/** A request of mmap(2); `file` is a descriptor of the host. */
struct map_request {
  uint64_t address, length;
  int protection, flags, file;
  uint64_t offset;
  uint64_t huge_page; /**< found out by memory_map: the size of its pages when they are huge; 0: they are not */
};

/** Fills no pages, whatever the flags say; MAP_LOCKED locks those that come. */
int64_t memory_map(struct memory *memory, const struct map_request *request);

int64_t memory_unmap(struct memory *memory, uint64_t address, uint64_t length);

/**
 * The first half of memory_unmap for a range of which unmapping may keep others waiting.
 *
 * @return 1 and *range, which memory_end_unmap has to get on any thread; or what memory_unmap returns
 */
int64_t memory_begin_unmap(struct memory *memory, uint64_t address, uint64_t length, struct address_range *range);
int64_t memory_end_unmap(struct memory *memory, struct address_range range);

/**
 * The same for mremap to less: what goes, from the next multiple of 2 MiB on. The rest is left to a memory_remap from
 * there.
 *
 * @return false: it is not begun, and memory_remap says what is wrong
 */
bool memory_begin_shrink(struct memory *memory, uint64_t address, uint64_t length, uint64_t new_length,
                         struct address_range *range);

/** For memory_end_advise: munlock. */
#define ADVICE_UNLOCK (-1)

/** Asked before each piece, with the memory's lock: a call that is asked anew finds its work over. */
struct still_wanted {
  bool (*ask)(const void *context);
  const void *context;
};

/**
 * madvise in pieces, for advice that lets pages go. The threadproc's memory calls wait for one piece at most, and what
 * is not its own any more is left alone. Called between a memory_begin_advise and its end, on any thread.
 */
bool memory_begin_advise(struct memory *memory, struct address_range range);
int64_t memory_end_advise(struct memory *memory, struct address_range range, int advice,
                          const struct still_wanted *wanted);

/** Fills nothing: what is added to locked memory is locked as it is touched, as by mlock2 with MLOCK_ONFAULT. */
int64_t memory_remap(struct memory *memory, uint64_t old_address, uint64_t old_length, uint64_t new_length, int flags,
                     uint64_t new_address);

/** A System V segment that the program may attach. */
struct segment {
  int id;
  uint64_t size; /**< in bytes */
};

int64_t memory_attach(struct memory *memory, const struct segment *segment, uint64_t address, int flags);

/** io_setup(2): a context that the release of the memory destroys. @return 0 or a negative errno */
int memory_open_aio(struct memory *memory, unsigned events, uint64_t *context);

/** Whether it is this threadproc's, which from here on destroys it itself. */
bool memory_forget_aio(struct memory *memory, uint64_t context);

/** What a released memory still had. Waits for the I/O under way in them; with no lock held. */
void aio_contexts_destroy(struct aio_contexts *contexts);

/** brk(2) as the system call: returns the break, the old one when it could not be moved. */
int64_t memory_break(struct memory *memory, uint64_t wanted);

#endif
