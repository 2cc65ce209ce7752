/*
 * mmap and munmap. The fence lets a threadproc unmap within its slot without asking, so the host does not know which
 * places are free. The kernel does: MAP_FIXED_NOREPLACE maps or says EEXIST. A cursor goes down through the area and
 * starts over at its upper end; what is in its way is skipped in one step, because the kernel can be asked where it
 * begins.
 */
#include "memory/memory_map.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mman.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <time.h>

#include "base/compat.h"
#include "base/page.h"
#include "memory/memory_external.h"
#include "memory/memory_limits.h"
#include "memory/pieces.h"

/* [address, address + length) rounded to whole pages, if it is a range at all. */
static bool to_range(uint64_t address, uint64_t length, struct address_range *range) {
  if (length == 0 || length > INT64_MAX || address > INT64_MAX) return false;
  *range = (struct address_range){address, page_ceil(address + length)};
  return true;
}

/* A mapping of more than this part of the room for it (1 GiB with 47 address bits) goes elsewhere. */
#define SHARE_MAX 4

/* A page table covers 2 MiB with 4-KiB pages, and so does a huge page: larger blocks are worth the alignment. With
   larger pages it is only a usual alignment. */
#define HUGE_PAGE (2ull << 20)

/* After this many failures in a row the place of the newest mapping is only tried now and then. */
#define REUSE_TRUST 4

uint64_t memory_default_huge_page(void) {
  unsigned long long kilobytes = HUGE_PAGE >> 10;
  char line[128];
  FILE *file = fopen("/proc/meminfo", "re");
  if (file == NULL) return HUGE_PAGE;
  while (fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "Hugepagesize: %llu kB", &kilobytes) == 1) break;
  fclose(file);
  return kilobytes << 10;
}

/* Of a hugetlb file, 0 of any other. Only files that are in memory have seals, so no file system is asked. */
static uint64_t huge_page_of_file(int file) {
  struct statfs status;
  if (file < 0 || fcntl(file, F_GET_SEALS) < 0 || fstatfs(file, &status) != 0) return 0;
  return (uint64_t)status.f_type == HUGETLBFS_MAGIC ? (uint64_t)status.f_bsize : 0;
}

/* The page of a mapping, by which the kernel rounds its length up; 0 where it is the usual one. */
static uint64_t huge_page_of(const struct map_request *request) {
  if ((request->flags & MAP_ANONYMOUS) == 0) return huge_page_of_file(request->file);
  if ((request->flags & MAP_HUGETLB) == 0) return 0;
  const unsigned bits = ((unsigned)request->flags >> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;
  return bits >= 12 && bits <= 34 ? 1ull << bits : memory_default_huge_page();
}

static uint64_t alignment_of(const struct map_request *request) {
  const uint64_t usual = request->length >= HUGE_PAGE ? HUGE_PAGE : page_size();
  return request->huge_page > usual ? request->huge_page : usual;
}

static int64_t placed(struct memory_room *room, int64_t address, uint64_t size) {
  room->last = (struct address_range){(uint64_t)address, (uint64_t)address + size};
  return address;
}

/* A hint inside the own slot is honoured if it is free, as the kernel does; any other hint would lead out of it. */
static int64_t at_hint(const struct memory *memory, const struct map_request *request, uint64_t size) {
  const uint64_t hint = page_floor(request->address);
  if (hint == 0 || size > INT64_MAX - hint ||
      !range_covers(memory->slot.usable, (struct address_range){hint, hint + size}))
    return -EEXIST;
  return map_noreplace(hint, request);
}

/* malloc's large blocks and thread stacks often come and go at the same place: with it their page tables stay warm. */
static int64_t at_last_place(struct memory_room *room, const struct map_request *request, uint64_t size,
                             uint64_t alignment) {
  if (range_size(room->last) < size) return -EEXIST;
  if (room->reuse_successes == 0 && room->cursor / page_size() % 16 != 0) return -EEXIST;
  const uint64_t address = align_down(room->last.high - size, alignment);
  if (address < room->last.low) return -EEXIST;
  const int64_t got = map_noreplace(address, request);
  if (got >= 0)
    room->reuse_successes = REUSE_TRUST;
  else if (room->reuse_successes > 0)
    room->reuse_successes--;
  return got;
}

/* So often a place may be taken and seen to be free before it is passed over. */
#define UNSEEN_MAX 16

static bool take_first(const struct mapping *mapping, void *context) {
  *(struct address_range *)context = mapping->range;
  return false;
}

/* A search that meets more than so many goes on with the next request: all others wait meanwhile. */
static uint64_t obstacles_max(const struct memory *memory) { return memory->space->can_query ? 1024 : 32; }

/* -EAGAIN: there are more obstacles than one search may meet. */
static int64_t below_cursor(const struct memory *memory, struct memory_room *room, const struct map_request *request,
                            uint64_t size, uint64_t alignment, uint64_t *obstacles) {
  unsigned unseen = 0;
  while (room->cursor - room->area.low >= size) {
    if (*obstacles >= obstacles_max(memory)) return -EAGAIN;
    const uint64_t address = align_down(room->cursor - size, alignment);
    if (address < room->area.low) break;
    const int64_t got = map_noreplace(address, request);
    if (got != -EEXIST) {
      if (got >= 0) room->cursor = address;
      return got;
    }
    /* The lowest mapping in the way: everything down to its start is of no use for this size or is tried next. */
    struct address_range obstacle = {0, 0};
    ++*obstacles;
    address_space_visit(memory->space, (struct address_range){address, address + size}, take_first, &obstacle);
    if (obstacle.high == 0) {
      /* Unmapped in between; or the kernel cannot be asked, and then only this place is known to be taken. */
      if (++unseen < UNSEEN_MAX) continue;
      obstacle.low = address;
    }
    room->cursor = obstacle.low > room->area.low ? obstacle.low : room->area.low;
  }
  return -ENOMEM;
}

static int64_t place_in_slot(struct memory *memory, const struct map_request *request) {
  struct memory_room *room = (request->flags & MAP_ANONYMOUS) != 0 ? &memory->anonymous : &memory->files;
  if (request->length > range_size(room->area)) return -ENOMEM;
  const uint64_t alignment = alignment_of(request);
  const uint64_t size = page_ceil(request->length);
  int64_t got = at_hint(memory, request, size);
  if (got != -EEXIST) return got < 0 ? got : placed(room, got, size);
  got = at_last_place(room, request, size, alignment);
  if (got != -EEXIST) return got < 0 ? got : placed(room, got, size);
  if (room->crowded > 0 && size >= room->crowded_size) {
    room->crowded--;
    return -ENOMEM;
  }
  uint64_t obstacles = 0;
  got = below_cursor(memory, room, request, size, alignment, &obstacles);
  if (got == -ENOMEM && room->cursor != room->area.high) {
    room->cursor = room->area.high;
    got = below_cursor(memory, room, request, size, alignment, &obstacles);
  }
  if (got != -ENOMEM && got != -EAGAIN) return got < 0 ? got : placed(room, got, size);
  room->crowded = obstacles;
  room->crowded_size = size;
  return -ENOMEM;
}

/* Reserving this much at an address of one's choice is no way to ask for any memory. */
#define LARGE_RESERVATION (64ull << 20)

/*
 * A hint is only a hint, and leaving the slot costs: each later call there goes to the broker. But a program
 * that reserves a large range below the slots needs it there. HotSpot on aarch64 has its class space at a multiple of
 * 4 GiB below 1 TiB or does not start.
 */
static bool is_reservation_below(const struct memory *memory, const struct map_request *request) {
  const uint64_t end = slot_space_range(memory->slots).low;
  return request->address != 0 && request->length >= LARGE_RESERVATION && request->protection == PROT_NONE &&
         (request->flags & MAP_ANONYMOUS) != 0 && (request->flags & MAP_NORESERVE) != 0 && request->address < end &&
         request->length < end - request->address;
}

int64_t memory_map_anywhere(struct memory *memory, const struct map_request *request) {
  if (is_reservation_below(memory, request)) {
    struct map_request there = *request;
    there.address = page_floor(request->address);
    const int64_t got = memory_map_external(memory, &there);
    if (got >= 0) return got; /* otherwise it is taken: as for the kernel, any other place will do */
  }
  if (request->length <= range_size(memory->anonymous.area) / SHARE_MAX) {
    const int64_t got = place_in_slot(memory, request);
    /* io_uring's rings refuse every place that is not the kernel's choice. */
    if (got != -ENOMEM && (got != -EINVAL || request->file < 0)) return got;
  }
  return memory_map_where_kernel_likes(memory, request);
}

/* What fills pages is left to the caller, who can do it without the lock. */
#define LEFT_OUT (MAP_POPULATE | MAP_LOCKED | MAP_NONBLOCK)

static int64_t at_fixed_address(struct memory *memory, const struct map_request *request) {
  struct address_range range;
  if (!to_range(request->address, request->length, &range) || range.high > memory->slots->end) return -ENOMEM;
  if (request->address % page_size() != 0) return -EINVAL;
  if (memory_covers(memory, range)) {
    void *got = mmap((void *)range.low, request->length, request->protection, request->flags, request->file,
                     (off_t)request->offset);
    return got == MAP_FAILED ? -errno : (int64_t)got;
  }
  const bool beside = range.low >= MEMORY_LOWEST_ADDRESS && memory_is_beside_another(memory, range);
  const int64_t got = beside ? -EEXIST : memory_map_external(memory, request);
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

/* What takes the place of the program's own, as loaders do it, is not counted; nor is what passes the fence. */
static uint64_t added(const struct memory *memory, const struct map_request *request) {
  struct address_range range;
  const bool fixed = (request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
  if (!to_range(request->address, request->length, &range)) return fixed ? 0 : request->length;
  return fixed && memory_covers(memory, range) ? 0 : request->length;
}

int64_t memory_map(struct memory *memory, const struct map_request *wanted) {
  struct map_request request = *wanted;
  request.flags &= ~LEFT_OUT;
  if (request.length == 0) return -EINVAL;
  if ((wanted->flags & MAP_GROWSDOWN) != 0 && request.file >= 0) return -EINVAL; /* a file does not grow */
  request.huge_page = huge_page_of(&request);
  if (request.huge_page > 0 && request.length <= INT64_MAX)
    request.length = align_up(request.length, request.huge_page); /* what is mapped, and is to be remembered */
  int64_t result;
  pthread_mutex_lock(&memory->lock);
  slot_owner_changes(memory->slots, &memory->owner, true);
  if (memory->released || !memory_may_grow(memory, added(memory, &request), request.protection, request.flags))
    result = -ENOMEM;
  else if ((request.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0)
    result = at_fixed_address(memory, &request);
  else if ((request.flags & MAP_32BIT) != 0)
    result = memory_map_where_kernel_likes(memory, &request);
  else
    result = memory_map_anywhere(memory, &request);
  if (result >= 0) memory_has_grown(memory, added(memory, &request), request.protection, request.flags);
  if (result >= 0 && (wanted->flags & MAP_LOCKED) != 0) result = lock_pages(memory, (uint64_t)result, request.length);
  slot_owner_changes(memory->slots, &memory->owner, false);
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

/* With the lock. @return 1 for what is the threadproc's, or the answer */
static int64_t judge_unmap(struct memory *memory, struct address_range range) {
  if (memory->released) return -ENOMEM;
  if (range.high > memory->slots->end) return -EINVAL;
  if (memory_covers(memory, range)) return 1;
  return memory_is_hole(memory, range) ? unmap_hole(range) : -EPERM;
}

int64_t memory_unmap(struct memory *memory, uint64_t address, uint64_t length) {
  struct address_range range;
  if (address % page_size() != 0 || !to_range(address, length, &range)) return -EINVAL;
  pthread_mutex_lock(&memory->lock);
  int64_t result = judge_unmap(memory, range);
  slot_owner_changes(memory->slots, &memory->owner, true);
  if (result == 1) {
    result = munmap((void *)range.low, range_size(range)) == 0 ? 0 : -errno;
    if (result == 0) memory_forget_external(memory, range);
  }
  slot_owner_changes(memory->slots, &memory->owner, false);
  pthread_mutex_unlock(&memory->lock);
  return result;
}

/* From here on no thread may touch what lies outside: no longer the threadproc's, and not free yet. */
int64_t memory_begin_unmap(struct memory *memory, uint64_t address, uint64_t length, struct address_range *range) {
  if (address % page_size() != 0 || !to_range(address, length, range)) return -EINVAL;
  pthread_mutex_lock(&memory->lock);
  const int64_t result = judge_unmap(memory, *range);
  if (result == 1) {
    memory->in_pieces++;
    memory_forget_external(memory, *range);
  }
  pthread_mutex_unlock(&memory->lock);
  return result;
}

/* The smallest part that munmap takes whole where pages are huge, unless they are larger still. */
#define CUT (2ull << 20)

bool memory_begin_shrink(struct memory *memory, uint64_t address, uint64_t length, uint64_t new_length,
                         struct address_range *range) {
  if (address % page_size() != 0 || !to_range(address, length, range)) return false;
  pthread_mutex_lock(&memory->lock);
  /* Where nothing is mapped nothing is to go. */
  const bool begun = !memory->released && memory_covers(memory, *range) &&
                     mremap((void *)address, page_size(), page_size(), 0) != MAP_FAILED;
  if (begun) {
    range->low = align_up(address + new_length, CUT);
    memory->in_pieces++;
    memory_forget_external(memory, *range);
  }
  pthread_mutex_unlock(&memory->lock);
  return begun;
}

static void end_pieces(struct memory *memory) {
  memory->in_pieces--;
  pthread_cond_broadcast(&memory->changed);
}

int64_t memory_end_unmap(struct memory *memory, struct address_range range) {
  const int64_t result = unmap_in_pieces(&range);
  pthread_mutex_lock(&memory->lock);
  if (result != 0 && !range_covers(memory->slot.whole, range)) memory_regain_external(memory, range);
  end_pieces(memory);
  pthread_mutex_unlock(&memory->lock);
  return result;
}

bool memory_begin_advise(struct memory *memory, struct address_range range) {
  pthread_mutex_lock(&memory->lock);
  const bool owned = !memory->released && memory_covers(memory, range);
  if (owned) memory->in_pieces++;
  pthread_mutex_unlock(&memory->lock);
  return owned;
}

static int advise(struct address_range piece, int advice) {
  void *address = (void *)piece.low;
  return advice == ADVICE_UNLOCK ? munlock(address, range_size(piece)) : madvise(address, range_size(piece), advice);
}

int64_t memory_end_advise(struct memory *memory, struct address_range range, int advice,
                          const struct still_wanted *wanted) {
  struct pieces pieces = advised_pieces(range);
  struct address_range piece;
  int64_t result = 0;
  const bool skips_holes = advice != ADVICE_UNLOCK;
  while ((result == 0 || (skips_holes && result == -ENOMEM)) && pieces_next(&pieces, &piece)) {
    pthread_mutex_lock(&memory->lock);
    if (!wanted->ask(wanted->context))
      result = -EINTR;
    else if (!memory_covers(memory, piece))
      result = -EPERM; /* no longer */
    else if (advise(piece, advice) != 0)
      result = -errno;
    pthread_mutex_unlock(&memory->lock);
  }
  pthread_mutex_lock(&memory->lock);
  end_pieces(memory);
  pthread_mutex_unlock(&memory->lock);
  return result;
}
