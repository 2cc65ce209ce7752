#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"
#include "memory_outside.h"
#include "memory_place.h"
#include "page.h"

int memory_open(struct memory *memory, struct slot_space *slots, const struct address_space *space, void *threadproc,
                struct tproc_error *error) {
  memset(memory, 0, sizeof *memory);
  memory->slots = slots;
  memory->space = space;
  memory->owner.threadproc = threadproc;
  int failed = slot_reserve(slots, &memory->owner, &memory->slot, error);
  if (!failed) pthread_mutex_init(&memory->lock, NULL);
  return failed;
}

void memory_divide(struct memory *memory, struct address_range heap, struct address_range anonymous,
                   struct address_range files) {
  memory->heap = heap;
  memory->program_break = memory->heap_mapped = heap.low;
  memory->anonymous = (struct memory_room){.area = anonymous, .cursor = anonymous.high};
  memory->files = (struct memory_room){.area = files, .cursor = files.high};
}

void memory_release(struct memory *memory) {
  if (range_size(memory->slot.whole) == 0) return;
  pthread_mutex_lock(&memory->lock);
  memory->released = true;
  memory_release_outside(memory);
  slot_release(memory->slots, &memory->slot);
  pthread_mutex_unlock(&memory->lock);
  pthread_mutex_destroy(&memory->lock);
}

/* [address, address + length) rounded to whole pages, if it is a range at all. */
static bool to_range(uint64_t address, uint64_t length, struct address_range *range) {
  if (length == 0 || length > INT64_MAX || address > INT64_MAX) return false;
  *range = (struct address_range){address, page_ceil(address + length)};
  return true;
}

static bool owns(const struct memory *memory, struct address_range range) {
  return range_covers(memory->slot.usable, range) || memory_outside_covers(memory, range);
}

bool memory_owns(struct memory *memory, struct address_range range) {
  pthread_mutex_lock(&memory->lock);
  const bool result = owns(memory, range);
  pthread_mutex_unlock(&memory->lock);
  return result;
}

int memory_take_outside(struct memory *memory, struct address_range range) {
  pthread_mutex_lock(&memory->lock);
  const int64_t got = memory->released
                          ? -ENOMEM
                          : memory_map_outside(memory, &(struct map_request){.address = range.low,
                                                                             .length = range_size(range),
                                                                             .protection = PROT_NONE,
                                                                             .flags = MAP_PRIVATE | MAP_ANONYMOUS,
                                                                             .file = -1});
  pthread_mutex_unlock(&memory->lock);
  return got < 0 ? (int)got : 0;
}

/* What the kernel would do at once is left out: filling and locking pages would stop the broker for everybody. */
#define LEFT_OUT (MAP_POPULATE | MAP_LOCKED | MAP_NONBLOCK)

/* A mapping of more than this part of the room for it (1 GiB with 47 address bits) goes elsewhere. */
#define LARGEST_SHARE 4

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

static int64_t map_fixed(struct memory *memory, const struct map_request *request) {
  struct address_range range;
  if (request->address % page_size() != 0 || !to_range(request->address, request->length, &range)) return -EINVAL;
  if (owns(memory, range)) {
    void *got = mmap((void *)range.low, request->length, request->protection, request->flags, request->file,
                     (off_t)request->offset);
    return got == MAP_FAILED ? -errno : (int64_t)got;
  }
  if (ranges_overlap(range, memory->slot.whole)) return -ENOMEM;
  const int64_t got = memory_map_outside(memory, request);
  /* MAP_FIXED natively replaces what is there; here that is somebody else's, and there is no memory to be had. */
  return got == -EEXIST && (request->flags & MAP_FIXED_NOREPLACE) != MAP_FIXED_NOREPLACE ? -ENOMEM : got;
}

/* Reserving this much at an address of one's choice is no way to ask for any memory. */
#define LARGE_RESERVATION (64ull << 20)

/*
 * A hint is only a hint, and leaving the slot costs: each later call there goes to the broker. But who reserves a large
 * range below the slots needs it there. HotSpot on aarch64 has its class space at a multiple of 4 GiB below 1 TiB or
 * does not start.
 */
static bool is_reservation_below(const struct memory *memory, const struct map_request *request) {
  const uint64_t end = slot_space_range(memory->slots).low;
  return request->address != 0 && request->length >= LARGE_RESERVATION && request->protection == PROT_NONE &&
         (request->flags & MAP_ANONYMOUS) != 0 && (request->flags & MAP_NORESERVE) != 0 && request->address < end &&
         request->length < end - request->address;
}

/* What would fill the slot is mapped where the kernel likes, as what no longer fits into it. */
static int64_t map_anywhere(struct memory *memory, const struct map_request *request) {
  if (is_reservation_below(memory, request)) {
    struct map_request there = *request;
    there.address = page_floor(request->address);
    const int64_t got = memory_map_outside(memory, &there);
    if (got >= 0) return got; /* otherwise it is taken: as for the kernel, any other place will do */
  }
  if (request->length <= range_size(memory->anonymous.area) / LARGEST_SHARE) {
    const int64_t got = memory_place(memory, request);
    if (got != -ENOMEM) return got;
  }
  return memory_map_where_kernel_likes(memory, request);
}

int64_t memory_map(struct memory *memory, const struct map_request *wanted) {
  struct map_request request = *wanted;
  request.flags &= ~LEFT_OUT;
  if (request.length == 0) return -EINVAL;
  int64_t result;
  pthread_mutex_lock(&memory->lock);
  if (memory->released)
    result = -ENOMEM;
  else if ((request.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0)
    result = map_fixed(memory, &request);
  else if ((request.flags & MAP_32BIT) != 0)
    result = memory_map_where_kernel_likes(memory, &request);
  else
    result = map_anywhere(memory, &request);
  pthread_mutex_unlock(&memory->lock);
  return result;
}

int64_t memory_unmap(struct memory *memory, uint64_t address, uint64_t length) {
  struct address_range range;
  if (address % page_size() != 0 || !to_range(address, length, &range)) return -EINVAL;
  int64_t result = -EPERM;
  pthread_mutex_lock(&memory->lock);
  if (memory->released) {
    result = -ENOMEM;
  } else if (owns(memory, range)) {
    result = munmap((void *)range.low, range_size(range)) == 0 ? 0 : -errno;
    if (result == 0) memory_forget_outside(memory, range);
  }
  pthread_mutex_unlock(&memory->lock);
  return result;
}
