/* mremap and System V shared memory: calls that need a place of a known size before they are made. */
#include <errno.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "base/compat.h"
#include "base/page.h"
#include "memory/memory.h"
#include "memory/memory_external.h"
#include "memory/memory_limits.h"
#include "memory/memory_map.h"

static bool to_range(uint64_t address, uint64_t length, struct address_range *range) {
  if (address > INT64_MAX || length > INT64_MAX) return false;
  *range = (struct address_range){address, page_ceil(address + length)};
  return true;
}

static bool covers(const struct memory *memory, uint64_t address, uint64_t length) {
  struct address_range range;
  return to_range(address, length, &range) && range_covers(memory->slot.usable, range);
}

/* An inaccessible mapping that keeps a place of the slot, or outside where that is full, until the real one replaces
 * it.
 */
static struct map_request keeping(uint64_t address, uint64_t length) {
  return (struct map_request){.address = address,
                              .length = length,
                              .protection = PROT_NONE,
                              .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                              .file = -1};
}

static int64_t keep_place(struct memory *memory, uint64_t length) {
  const struct map_request request = keeping(0, length);
  return memory_map_anywhere(memory, &request);
}

static int64_t result_of(const void *got) { return got == MAP_FAILED ? -errno : (int64_t)got; }

static void give_up_place(struct memory *memory, int64_t place, uint64_t length) {
  const struct address_range range = {(uint64_t)place, page_ceil((uint64_t)place + length)};
  munmap((void *)range.low, range_size(range));
  memory_forget_external(memory, range);
}

static int64_t move(struct memory *memory, struct address_range old, uint64_t new_length, int flags) {
  const int64_t place = keep_place(memory, new_length);
  if (place < 0) return place;
  const int64_t result = result_of(
      mremap((void *)old.low, range_size(old), new_length, flags | MREMAP_MAYMOVE | MREMAP_FIXED, (void *)place));
  if (result < 0)
    give_up_place(memory, place, new_length);
  else if ((flags & MREMAP_DONTUNMAP) == 0 && range_size(old) > 0)
    memory_forget_external(memory, old);
  return result;
}

static int64_t remap_to(struct memory *memory, struct address_range old, uint64_t new_length, int flags,
                        uint64_t new_address) {
  struct address_range target;
  if (new_address % page_size() != 0 || !to_range(new_address, new_length, &target)) return -EINVAL;
  const bool owned = memory_covers(memory, target);
  if (!owned) {
    const struct map_request place = keeping(target.low, range_size(target));
    if (memory_is_beside_another(memory, target) || memory_map_external(memory, &place) < 0) return -ENOMEM;
  }
  const int64_t result = result_of(mremap((void *)old.low, range_size(old), new_length, flags, (void *)target.low));
  if (result < 0 && !owned) give_up_place(memory, (int64_t)target.low, range_size(target));
  if (result >= 0 && (flags & MREMAP_DONTUNMAP) == 0 && range_size(old) > 0) memory_forget_external(memory, old);
  return result;
}

/*
 * Of huge pages the kernel keeps the one that is cut, and does not say so: it refuses to unmap a part of one. So the
 * size of the pages is what it takes.
 */
static int64_t shrink_external(struct memory *memory, struct address_range old, uint64_t new_length) {
  if (mremap((void *)old.low, page_size(), page_size(), 0) == MAP_FAILED) return -errno; /* nothing is there */
  for (uint64_t page = page_size();; page *= 2) {
    const struct address_range gone = {align_up(old.low + new_length, page), align_up(old.high, page)};
    if (gone.low >= gone.high) return (int64_t)old.low;
    if (!memory_covers(memory, gone)) return -EINVAL;
    if (munmap((void *)gone.low, range_size(gone)) == 0) {
      memory_forget_external(memory, gone);
      return (int64_t)old.low;
    }
    if (errno != EINVAL) return -errno;
  }
}

/* The kernel has no better question: pages that are locked cannot become cold. (Nor can huge ones, which mlock2 leaves
   alone.) */
static bool is_locked(uint64_t page) { return madvise((void *)page, page_size(), MADV_COLD) != 0 && errno == EINVAL; }

/* mremap fills what it adds to locked memory, and all others would wait. What is locked on fault is not filled. */
static void lock_on_fault(struct memory *memory, struct address_range old) {
  if (is_locked(old.low) && memory_is_one_mapping(memory, old)) mlock2((void *)old.low, range_size(old), MLOCK_ONFAULT);
}

static bool copy_first(const struct mapping *mapping, void *copy) {
  *(struct mapping *)copy = *mapping;
  return false;
}

/* What the kernel looks at of the arguments, in its order. Both lengths are whole pages. */
static int check_arguments(const struct memory *memory, uint64_t address, uint64_t length, uint64_t new_length,
                           int flags, uint64_t new_address) {
  if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0) return -EINVAL;
  if (address % page_size() != 0 || new_length == 0) return -EINVAL;
  if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) == 0) return 0;
  const uint64_t end = memory->slots->end;
  if (new_length > end || new_address > end - new_length || new_address % page_size() != 0) return -EINVAL;
  if ((flags & MREMAP_MAYMOVE) == 0) return -EINVAL;
  if ((flags & MREMAP_DONTUNMAP) != 0 && length != new_length) return -EINVAL;
  return address + length > new_address && new_address + new_length > address ? -EINVAL : 0;
}

/* And of the mapping: what the calls made here would not find out. */
static int check_mapping(const struct memory *memory, uint64_t address, uint64_t length, int flags) {
  const bool beyond = address + length < address || address + length > memory->slots->end;
  /* With MREMAP_FIXED, too, the kernel itself says it: since Linux 6.17 several mappings may then move at once. */
  const bool copies = (flags & (MREMAP_DONTUNMAP | MREMAP_FIXED)) == MREMAP_DONTUNMAP;
  if (address > INT64_MAX) return -EFAULT; /* the kernel's half */
  if (!beyond && length != 0 && !copies) return 0;
  const struct address_range first = {address, address + page_size()};
  struct mapping old = {.shared = false};
  if (memory_covers(memory, first)) address_space_visit(memory->space, first, copy_first, &old);
  if (!range_covers(old.range, first)) return -EFAULT;
  if (beyond || (length == 0 && !old.shared)) return -EINVAL;
  return copies && length > old.range.high - address ? -EFAULT : 0;
}

static int64_t remap(struct memory *memory, uint64_t address, uint64_t length, uint64_t new_length, int flags,
                     uint64_t new_address) {
  struct address_range old, smallest;
  if (!to_range(address, length, &old) || !to_range(address, length == 0 ? 1 : length, &smallest)) return -EINVAL;
  if (!memory_covers(memory, smallest)) return -EFAULT;
  if (length != 0 && page_ceil(new_length) > range_size(old)) lock_on_fault(memory, old);
  if ((flags & MREMAP_FIXED) != 0) return remap_to(memory, old, new_length, flags, new_address);
  if ((flags & MREMAP_DONTUNMAP) == 0 && length != 0) {
    const bool shrinks = page_ceil(new_length) <= range_size(old);
    if (shrinks && !range_covers(memory->slot.whole, old)) return shrink_external(memory, old, new_length);
    if (shrinks || covers(memory, address, new_length)) {
      const int64_t result = result_of(mremap((void *)address, length, new_length, 0));
      if (result >= 0 || result != -ENOMEM) return result;
    }
  }
  return (flags & MREMAP_MAYMOVE) != 0 ? move(memory, old, new_length, flags) : -ENOMEM;
}

/* As `remap`, if it is within the program's limits. */
static int64_t remap_within(struct memory *memory, uint64_t address, uint64_t length, uint64_t new_length, int flags,
                            uint64_t new_address) {
  int refused = check_arguments(memory, address, page_ceil(length), page_ceil(new_length), flags, new_address);
  if (refused) return refused;
  /* More than there are addresses: kernels differ in what they say, and do nothing. */
  if (new_length > memory->slots->end)
    return result_of(mremap((void *)address, length, new_length, flags & MREMAP_MAYMOVE));
  refused = check_mapping(memory, address, page_ceil(length), flags);
  if (refused) return refused;
  const uint64_t kept = (flags & MREMAP_DONTUNMAP) != 0 ? 0 : length;
  if (new_length > INT64_MAX || new_length <= kept || !memory_is_counted(memory))
    return remap(memory, address, length, new_length, flags, new_address);
  struct mapping old = {.shared = false};
  address_space_visit(memory->space, (struct address_range){address, address + 1}, copy_first, &old);
  const int protection = old.writable ? PROT_WRITE : PROT_READ, kind = old.shared ? MAP_SHARED : MAP_PRIVATE;
  if (!memory_may_grow(memory, new_length - kept, protection, kind)) return -ENOMEM;
  const int64_t result = remap(memory, address, length, new_length, flags, new_address);
  if (result >= 0) memory_has_grown(memory, new_length - kept, protection, kind);
  return result;
}

int64_t memory_remap(struct memory *memory, uint64_t old_address, uint64_t old_length, uint64_t new_length, int flags,
                     uint64_t new_address) {
  pthread_mutex_lock(&memory->lock);
  slot_owner_changes(memory->slots, &memory->owner, true);
  const int64_t result =
      memory->released ? -ENOMEM : remap_within(memory, old_address, old_length, new_length, flags, new_address);
  slot_owner_changes(memory->slots, &memory->owner, false);
  pthread_mutex_unlock(&memory->lock);
  return result;
}

/* Of huge pages a segment has to be attached at one, and takes whole ones. The segment itself does not tell. */
static int64_t attach_anywhere(struct memory *memory, int id, uint64_t size, int flags, uint64_t page) {
  struct map_request request = keeping(0, align_up(size, page));
  request.huge_page = page;
  const int64_t place = memory_map_anywhere(memory, &request);
  if (place < 0) return place;
  const void *got = shmat(id, (void *)place, flags | SHM_REMAP); /* over the place just kept */
  if (got != (void *)-1) return place;
  const int code = errno;
  give_up_place(memory, place, request.length);
  return -code;
}

static int64_t attach(struct memory *memory, const struct segment *segment, uint64_t address, int flags) {
  if (address == 0) {
    if ((flags & SHM_REMAP) != 0) return -EINVAL;
    const int64_t got = attach_anywhere(memory, segment->id, segment->size, flags, page_size());
    if (got != -EINVAL) return got;
    return attach_anywhere(memory, segment->id, segment->size, flags, memory_default_huge_page());
  }
  /* SHMLBA of the C library is up to four pages on aarch64; the kernel's is one. */
  if ((flags & SHM_RND) != 0) address = page_floor(address);
  if (!covers(memory, address, segment->size)) return -EINVAL;
  const void *got = shmat(segment->id, (void *)address, flags);
  return got == (void *)-1 ? -errno : (int64_t)got;
}

int64_t memory_attach(struct memory *memory, const struct segment *segment, uint64_t address, int flags) {
  pthread_mutex_lock(&memory->lock);
  const bool may = !memory->released && memory_may_grow(memory, segment->size, PROT_READ, MAP_SHARED);
  const int64_t result = may ? attach(memory, segment, address, flags) : -ENOMEM;
  if (result >= 0) memory_has_grown(memory, segment->size, PROT_READ, MAP_SHARED);
  pthread_mutex_unlock(&memory->lock);
  return result;
}
