#include "memory/memory_external.h"

#include <errno.h>
#include <linux/mman.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/compat.h"
#include "base/page.h"
#include "memory/pieces.h"

static int64_t map_at(uint64_t address, const struct map_request *request, int how) {
  void *got = mmap((void *)address, request->length, request->protection, (request->flags & ~MAP_FIXED) | how,
                   request->file, (off_t)request->offset);
  return got == MAP_FAILED ? -errno : (int64_t)got;
}

int64_t map_noreplace(uint64_t address, const struct map_request *request) {
  if ((request->flags & MAP_TYPE) != MAP_SHARED_VALIDATE) return map_at(address, request, MAP_FIXED_NOREPLACE);
  /* MAP_SHARED_VALIDATE refuses a flag as young as that one: the place is taken first, and then replaced. */
  const struct map_request taken = {
      .length = request->length, .protection = PROT_NONE, .flags = MAP_PRIVATE | MAP_ANONYMOUS, .file = -1};
  int64_t got = map_at(address, &taken, MAP_FIXED_NOREPLACE);
  if (got < 0) return got;
  struct map_request wanted = *request;
  wanted.flags &= ~MAP_FIXED_NOREPLACE;
  got = map_at(address, &wanted, MAP_FIXED);
  if (got < 0) munmap((void *)address, request->length);
  return got;
}

/*
 * The set is changed by its owner alone, who holds the memory's lock; the slots' lock on top is for those who look at
 * all owners' sets. The owner therefore reads without it.
 */
static bool prepare(struct memory *memory) {
  pthread_mutex_lock(&memory->slots->lock);
  const bool prepared = slot_owner_prepare_external(memory->slots, &memory->owner);
  pthread_mutex_unlock(&memory->slots->lock);
  return prepared;
}

/* Until it is remembered it could be taken for the host's, and hidden from forked children. */
static int64_t remember(struct memory *memory, const struct map_request *request, int64_t got) {
  if (got < 0) return got;
  const struct address_range range = {(uint64_t)got, page_ceil((uint64_t)got + request->length)};
  range_set_add(&memory->owner.external, range);
  madvise((void *)range.low, range_size(range), MADV_DOFORK);
  return got;
}

/* The kernel's stack_guard_gap, at its default: it places nothing nearer to what grows down. */
#define GUARD_PAGES 256
/* Stacks without a limit get no more room than this. */
#define STACK_MAX (1ull << 30)

/* Where the stack of the process's first thread may still grow; AT_RANDOM's bytes are at its top. */
static struct address_range main_stack(uint64_t guard) {
  const uint64_t top = getauxval(AT_RANDOM);
  struct rlimit limit;
  if (top == 0 || getrlimit(RLIMIT_STACK, &limit) != 0) return (struct address_range){0, 0};
  const uint64_t size = (limit.rlim_cur < STACK_MAX ? limit.rlim_cur : STACK_MAX) + guard;
  return (struct address_range){size < top ? top - size : 0, top};
}

struct neighbours {
  struct address_range range;
  struct address_range below, above; /* the nearest mappings; empty: none that near */
};

static bool note_neighbour(const struct mapping *mapping, void *context) {
  struct neighbours *neighbours = context;
  if (mapping->range.high <= neighbours->range.low) {
    neighbours->below = mapping->range;
    return true;
  }
  if (mapping->range.low >= neighbours->range.high) neighbours->above = mapping->range;
  return false; /* or it is in the way, as mmap will say */
}

static bool is_anothers(const struct memory *memory, uint64_t page) {
  return !memory_covers(memory, (struct address_range){page, page + page_size()});
}

bool memory_is_beside_another(const struct memory *memory, struct address_range range) {
  const uint64_t guard = GUARD_PAGES * page_size();
  if (ranges_overlap(main_stack(guard), range)) return true;
  struct neighbours found = {.range = range};
  const struct address_range around = {range.low > guard ? range.low - guard : 0, range.high + guard};
  address_space_visit(memory->space, around, note_neighbour, &found);
  return (found.below.high != 0 && is_anothers(memory, found.below.high - page_size())) ||
         (found.above.high != 0 && is_anothers(memory, found.above.low));
}

/* What grows by itself outside the slot would grow into what is not the program's, and would not be returned. */
static struct map_request without_growth(const struct map_request *request) {
  struct map_request fixed = *request;
  fixed.flags &= ~MAP_GROWSDOWN;
  return fixed;
}

/* Slots are not mapped as a whole, so the kernel alone would find room in a neighbour's. No slot is given away here. */
int64_t memory_map_external(struct memory *memory, const struct map_request *wanted) {
  const struct map_request fixed = without_growth(wanted), *request = &fixed;
  const struct address_range range = {request->address, page_ceil(request->address + request->length)};
  if (range.low < MEMORY_LOWEST_ADDRESS) return -EPERM;
  pthread_mutex_lock(&memory->slots->lock);
  int64_t got = -EEXIST;
  if (!slot_owner_prepare_external(memory->slots, &memory->owner))
    got = -ENOMEM;
  else if (!slot_space_is_owned(memory->slots, range))
    got = remember(memory, request, map_noreplace(request->address, request));
  pthread_mutex_unlock(&memory->slots->lock);
  return got;
}

#define END_OF_32BIT (1ull << 31)

/* With MAP_32BIT, too, where it keeps to that: the lowest 2 GiB. */
static bool is_hint(const struct map_request *request) {
  const uint64_t hint = page_floor(request->address);
  const uint64_t end = (request->flags & MAP_32BIT) != 0 ? END_OF_32BIT : INT64_MAX;
  return hint != 0 && request->length <= end && hint <= end - request->length;
}

struct gap {
  uint64_t size;             /**< wanted */
  struct address_range last; /**< the last place found, so the highest; empty if none is large enough */
  uint64_t end;              /**< of the mapping before */
};

static bool note_gap(const struct mapping *mapping, void *context) {
  struct gap *gap = context;
  const uint64_t low = mapping->range.low < END_OF_32BIT ? mapping->range.low : END_OF_32BIT;
  if (low >= gap->end && low - gap->end >= gap->size) gap->last = (struct address_range){low - gap->size, low};
  gap->end = mapping->range.high;
  return true;
}

/*
 * The kernel looks at [1 GiB, 2 GiB) only. Newer JVMs put 1 GiB for their classes at a random place below 4 GiB, and
 * may leave no room just there.
 */
static int64_t map_below_window(struct memory *memory, const struct map_request *request) {
  if (request->length > END_OF_32BIT) return -ENOMEM;
  struct gap gap = {.size = page_ceil(request->length), .end = MEMORY_LOWEST_ADDRESS};
  address_space_visit(memory->space, (struct address_range){MEMORY_LOWEST_ADDRESS, END_OF_32BIT}, note_gap, &gap);
  note_gap(&(struct mapping){.range = {END_OF_32BIT, END_OF_32BIT}}, &gap);
  if (range_size(gap.last) == 0) return -ENOMEM;
  struct map_request there = *request;
  there.address = gap.last.low;
  const int64_t got = memory_map_external(memory, &there);
  return got == -EEXIST ? -ENOMEM : got;
}

/* The kernel sees holes in slots, and fills them when nothing else is left. */
static bool is_in_a_slot(const struct memory *memory, int64_t address, uint64_t length) {
  return slot_space_is_owned(memory->slots, (struct address_range){(uint64_t)address, (uint64_t)address + length});
}

/* A hint is honoured where it leads to free room outside the slots, as ZGC's search for its heap relies on. */
int64_t memory_map_where_kernel_likes(struct memory *memory, const struct map_request *wanted) {
  const struct map_request fixed = without_growth(wanted), *request = &fixed;
  if (is_hint(request)) {
    struct map_request there = *request;
    there.address = page_floor(request->address);
    const int64_t got = memory_map_external(memory, &there);
    if (got >= 0) return got;
  }
  if (!prepare(memory)) return -ENOMEM;
  int64_t got = map_at(0, request, 0); /* without the hint, which could lead into a slot */
  pthread_mutex_lock(&memory->slots->lock);
  if (got >= 0 && is_in_a_slot(memory, got, request->length)) {
    munmap((void *)got, request->length);
    got = -ENOMEM;
  }
  remember(memory, request, got);
  pthread_mutex_unlock(&memory->slots->lock);
  return got == -ENOMEM && (request->flags & MAP_32BIT) != 0 ? map_below_window(memory, request) : got;
}

void memory_regain_external(struct memory *memory, struct address_range range) {
  pthread_mutex_lock(&memory->slots->lock);
  if (slot_owner_prepare_external(memory->slots, &memory->owner)) range_set_add(&memory->owner.external, range);
  pthread_mutex_unlock(&memory->slots->lock);
}

void memory_forget_external(struct memory *memory, struct address_range gone) {
  pthread_mutex_lock(&memory->slots->lock);
  range_set_prepare(&memory->owner.external); /* without memory for a second part too much beats too little */
  range_set_remove(&memory->owner.external, gone);
  pthread_mutex_unlock(&memory->slots->lock);
}

bool memory_external_covers(const struct memory *memory, struct address_range range) {
  return range_set_covers(&memory->owner.external, range);
}

void memory_release_external(struct memory *memory) {
  pthread_mutex_lock(&memory->slots->lock);
  struct range_set gone = slot_owner_take_external(memory->slots, &memory->owner);
  pthread_mutex_unlock(&memory->slots->lock);
  for (size_t i = 0; i < gone.count; i++) unmap_in_pieces(&gone.ranges[i]);
  range_set_release(&gone);
}
