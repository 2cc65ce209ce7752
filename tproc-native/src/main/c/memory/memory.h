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

struct memory {
  pthread_mutex_t lock; /**< guards all below while memory is mapped or released; then the slots' lock */
  bool released;        /**< nothing may be mapped any more */
  struct slot_space *slots;
  const struct address_space *space;
  struct slot slot;

  struct memory_room anonymous; /**< for mappings without a file */
  struct memory_room files;     /**< for mappings of files */

  struct address_range heap; /**< low is where the break started, high the furthest it may go */
  uint64_t program_break;

  struct slot_owner owner; /**< with what is mapped outside the slot */
};

/** Takes a slot. @return 0 or -ENOMEM */
int memory_open(struct memory *memory, struct slot_space *slots, const struct address_space *space, void *threadproc,
                struct tproc_error *error);

/** Says where in the slot the heap may grow and where mmap may map. */
void memory_divide(struct memory *memory, struct address_range heap, struct address_range anonymous,
                   struct address_range files);

/** Unmaps everything, once; safe against a call that is under way in another thread. */
void memory_release(struct memory *memory);

/** Every mapping of this threadproc, those outside its slot first. Its memory calls wait meanwhile. */
void memory_visit(struct memory *memory, mapping_visitor *visit, void *context);

/** Whether all of a range belongs to this threadproc, mapped or not. */
bool memory_owns(struct memory *memory, struct address_range range);

/** Whether nothing at all is mapped in a range. */
bool memory_is_hole(const struct memory *memory, struct address_range range);

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
};

/** Fills no pages, whatever the flags say; MAP_LOCKED locks those that come. */
int64_t memory_map(struct memory *memory, const struct map_request *request);

int64_t memory_unmap(struct memory *memory, uint64_t address, uint64_t length);
int64_t memory_remap(struct memory *memory, uint64_t old_address, uint64_t old_length, uint64_t new_length, int flags,
                     uint64_t new_address);
int64_t memory_attach(struct memory *memory, int id, uint64_t address, int flags);

/** brk(2) as the system call: returns the break, the old one when it could not be moved. */
int64_t memory_break(struct memory *memory, uint64_t wanted);

#endif
