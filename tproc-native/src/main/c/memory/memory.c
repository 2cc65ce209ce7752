#include "memory/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/error.h"
#include "base/page.h"
#include "memory/memory_external.h"
#include "memory/memory_place.h"

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
  memory->program_break = heap.low;
  memory->anonymous = (struct memory_room){.area = anonymous, .cursor = anonymous.high};
  memory->files = (struct memory_room){.area = files, .cursor = files.high};
}

void memory_release(struct memory *memory) {
  if (range_size(memory->slot.whole) == 0) return;
  pthread_mutex_lock(&memory->lock);
  memory->released = true;
  memory_release_external(memory);
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

bool memory_covers(const struct memory *memory, struct address_range range) {
  return range_covers(memory->slot.whole, range) || memory_external_covers(memory, range);
}

static bool stop(const struct mapping *mapping, void *found) {
  (void)mapping;
  *(bool *)found = true;
  return false;
}

bool memory_is_hole(const struct memory *memory, struct address_range range) {
  bool found = false;
  address_space_visit(memory->space, range, stop, &found);
  return !found;
}

bool memory_owns(struct memory *memory, struct address_range range) {
  pthread_mutex_lock(&memory->lock);
  const bool result = memory_covers(memory, range);
  pthread_mutex_unlock(&memory->lock);
  return result;
}

int memory_take_external(struct memory *memory, struct address_range range) {
  pthread_mutex_lock(&memory->lock);
  const int64_t got = memory->released
                          ? -ENOMEM
                          : memory_map_external(memory, &(struct map_request){.address = range.low,
                                                                              .length = range_size(range),
                                                                              .protection = PROT_NONE,
                                                                              .flags = MAP_PRIVATE | MAP_ANONYMOUS,
                                                                              .file = -1});
  pthread_mutex_unlock(&memory->lock);
  return got < 0 ? (int)got : 0;
}

/* What fills pages is left to the caller, who can do it without the lock. */
#define LEFT_OUT (MAP_POPULATE | MAP_LOCKED | MAP_NONBLOCK)

static int64_t map_fixed(struct memory *memory, const struct map_request *request) {
  struct address_range range;
  if (!to_range(request->address, request->length, &range)) return -ENOMEM;
  if (request->address % page_size() != 0) return -EINVAL;
  if (memory_covers(memory, range)) {
    void *got = mmap((void *)range.low, request->length, request->protection, request->flags, request->file,
                     (off_t)request->offset);
    return got == MAP_FAILED ? -errno : (int64_t)got;
  }
  const int64_t got = memory_map_external(memory, request);
  /* MAP_FIXED natively replaces what is there; here that belongs to another, so there is no memory to be had. */
  return got == -EEXIST && (request->flags & MAP_FIXED_NOREPLACE) != MAP_FIXED_NOREPLACE ? -ENOMEM : got;
}

/* MAP_LOCKED without the filling: pages are locked as they come. */
static int64_t lock_pages(struct memory *memory, uint64_t address, uint64_t length) {
  if (mlock2((void *)address, length, MLOCK_ONFAULT) == 0) return (int64_t)address;
  const int code = errno == ENOMEM ? EAGAIN : errno; /* mmap has its own word for RLIMIT_MEMLOCK */
  const struct address_range range = {address, page_ceil(address + length)};
  munmap((void *)range.low, range_size(range));
  memory_forget_external(memory, range);
  return -code;
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
    result = memory_map_anywhere(memory, &request);
  if (result >= 0 && (wanted->flags & MAP_LOCKED) != 0) result = lock_pages(memory, (uint64_t)result, request.length);
  pthread_mutex_unlock(&memory->lock);
  return result;
}

/*
 * Of a hole munmap gives 0 and does nothing, but EINVAL beyond the end of addresses, which differs between machines. A
 * mapping that replaces nothing asks the kernel for both at once.
 */
static int64_t unmap_hole(struct address_range range) {
  void *got = mmap((void *)range.low, range_size(range), PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (got == MAP_FAILED) return errno == ENOMEM ? -EINVAL : errno == EEXIST ? -EPERM : 0;
  munmap(got, range_size(range));
  return (uint64_t)got == range.low ? 0 : -EPERM;
}

int64_t memory_unmap(struct memory *memory, uint64_t address, uint64_t length) {
  struct address_range range;
  if (address % page_size() != 0 || !to_range(address, length, &range)) return -EINVAL;
  int64_t result = -EPERM;
  pthread_mutex_lock(&memory->lock);
  if (memory->released) {
    result = -ENOMEM;
  } else if (memory_covers(memory, range)) {
    result = munmap((void *)range.low, range_size(range)) == 0 ? 0 : -errno;
    if (result == 0) memory_forget_external(memory, range);
  } else if (memory_is_hole(memory, range)) {
    result = unmap_hole(range);
  }
  pthread_mutex_unlock(&memory->lock);
  return result;
}
