#include "memory/slot.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/error.h"
#include "base/list.h"
#include "base/page.h"
#include "memory/pieces.h"

/* With fewer than 47 bits of addresses (aarch64 with 39: 512 GiB) a slot lies within one 4 GiB. */
#define SMALLEST_SLOT (1ull << 30)

#if defined(__x86_64__)
#define PAGES_KEPT 1 /* the last one is nobody's */
#else
#define PAGES_KEPT 0
#endif

/*
 * The kernel puts argv[0]'s neighbourhood right below the end of user addresses, so the highest bit of such an address
 * tells how many bits there are: 47 on x86_64, 48 or 39 on aarch64. (A larger space, 57 or 52 bits, is only used by
 * those who ask for it with a hint above; we do not.)
 */
static unsigned address_bits(void) {
  const uint64_t near_the_top = getauxval(AT_EXECFN);
  return 64 - (unsigned)__builtin_clzll(near_the_top);
}

/*
 * The lowest eighth holds what programs ask for at fixed or hinted addresses (ET_EXEC images, Go's and Java's heaps,
 * sanitizers' shadows). The kernel loads position-independent programs from two thirds up, so slots end at five
 * eighths.
 */
void slot_space_init(struct slot_space *space) {
  const unsigned bits = address_bits();
  memset(space, 0, sizeof *space);
  pthread_mutex_init(&space->lock, NULL);
  space->end = (1ull << bits) - PAGES_KEPT * page_size();
  space->slot_size = bits >= 47 ? 1ull << (bits - 13) : SMALLEST_SLOT;
  /* AddressSanitizer's shadow reaches 2 GiB beyond the first eighth on x86_64, 64 on aarch64: two slots further. */
  space->first = (1ull << (bits - 3)) + 2 * space->slot_size;
  space->places = (1ull << (bits - 1)) / space->slot_size - 2;
  if (space->places > SLOT_PLACES_MAX) space->places = SLOT_PLACES_MAX;
  uint32_t random = 0;
  if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random) random = (uint32_t)(uintptr_t)space;
  space->next = random % space->places;
}

void slot_space_destroy(struct slot_space *space) { pthread_mutex_destroy(&space->lock); }

struct address_range slot_space_range(const struct slot_space *space) {
  return (struct address_range){space->first, space->first + space->places * space->slot_size};
}

/*
 * Takes a range in which nothing is mapped. A mapping of another owner (another host of this process, which may be
 * another copy of this library, or an allocator with a hint of its own) rules it out.
 *
 * @return 0: it is taken, inaccessible; -EEXIST: something is mapped there; or another negative errno
 */
static int take(struct address_range range) {
  void *mapped = mmap((void *)range.low, range_size(range), PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (mapped == MAP_FAILED) return -errno;
  if (mapped == (void *)range.low) return 0;
  munmap(mapped, range_size(range)); /* before Linux 4.17 the flag is only a hint */
  return -EEXIST;
}

struct address_range slot_claim(struct address_range whole) {
  return (struct address_range){whole.high - page_size(), whole.high};
}

/* The last page stays, so that other hosts of this process see at any moment that the place is taken. */
static int claim(struct address_range whole) {
  const int failed = take(whole);
  if (!failed) munmap((void *)whole.low, range_size(whole) - page_size());
  return failed;
}

static bool is_claimed(struct address_range whole) {
  const int failed = take(slot_claim(whole));
  if (!failed) munmap((void *)slot_claim(whole).low, page_size());
  return failed != 0;
}

int slot_reserve(struct slot_space *space, struct slot_owner *owner, struct slot *slot, struct tproc_error *error) {
  int failed = 0;
  memset(slot, 0, sizeof *slot);
  pthread_mutex_lock(&space->lock);
  uint64_t tries = 0;
  for (; tries < space->places; tries++) {
    const uint64_t place = space->next;
    space->next = (space->next + 1) % space->places;
    if (space->owners[place] != NULL) continue;
    const uint64_t low = space->first + place * space->slot_size;
    const struct address_range whole = {low, low + space->slot_size};
    const int code = claim(whole);
    if (code == 0) {
      space->owners[place] = owner;
      slot->whole = whole;
      slot->usable = (struct address_range){low, low + space->slot_size / 4 * 3};
      break;
    }
    if (code != -EEXIST) {
      failed = tproc_fail(error, -code, "take a slot of %llu MiB (ulimit -v, or vm.max_map_count)",
                          (unsigned long long)(space->slot_size >> 20));
      break;
    }
  }
  if (!failed && tries == space->places)
    failed = tproc_fail_because(error, ENOMEM, "take a slot: all %llu places are taken", (unsigned long long)tries);
  pthread_mutex_unlock(&space->lock);
  return failed;
}

void slot_keep_out_of_forks(struct slot_space *space, struct slot_owner *owner) {
  pthread_mutex_lock(&space->lock);
  owner->never_forks = true;
  pthread_mutex_unlock(&space->lock);
}

void slot_owner_changes(struct slot_space *space, struct slot_owner *owner, bool begins) {
  if (!owner->never_forks) return; /* then nothing of it is ever marked */
  pthread_mutex_lock(&space->lock);
  owner->changes = begins;
  pthread_mutex_unlock(&space->lock);
}

static struct address_range place_range(const struct slot_space *space, uint64_t place) {
  const uint64_t low = space->first + place * space->slot_size;
  return (struct address_range){low, low + space->slot_size};
}

static bool never_forks(const struct slot_space *space, uint64_t place) {
  return space->owners[place] != NULL && space->owners[place]->never_forks;
}

bool slot_next_out_of_forks(struct slot_space *space, uint64_t from, struct address_range *slot) {
  const uint64_t first = from > space->first ? (from - space->first) / space->slot_size : 0;
  bool found = false;
  pthread_mutex_lock(&space->lock);
  for (uint64_t place = first; place < space->places && !found; place++) {
    found = never_forks(space, place);
    *slot = place_range(space, place);
  }
  pthread_mutex_unlock(&space->lock);
  if (found && from > slot->low) slot->low = from;
  return found;
}

static void mark_in_slot(const struct slot_space *space, struct address_range range) {
  const uint64_t place = (range.low - space->first) / space->slot_size;
  const uint64_t end = slot_claim(place_range(space, place)).low;
  if (range.high > end) range.high = end;
  if (range.low < range.high && never_forks(space, place)) madvise((void *)range.low, range_size(range), MADV_DONTFORK);
}

/* What an owner has just unmapped, and not yet taken off its set, may be another's already. */
static bool is_anothers(const struct slot_space *space, const struct slot_owner *owner, struct address_range range) {
  for (const struct slot_owner *other = space->external_owners; other != NULL; other = other->next)
    if (other != owner && range_set_overlaps(&other->external, range)) return true;
  return false;
}

static void mark_external(const struct slot_space *space, const struct slot_owner *owner, struct address_range range) {
  struct address_range part;
  while (range_set_lowest(&owner->external, range, &part)) {
    if (!is_anothers(space, owner, part)) madvise((void *)part.low, range_size(part), MADV_DONTFORK);
    range.low = part.high;
  }
}

void slot_mark_out_of_forks(struct slot_space *space, struct address_range range) {
  pthread_mutex_lock(&space->lock);
  if (range_contains(slot_space_range(space), range.low)) {
    mark_in_slot(space, range);
  } else {
    for (const struct slot_owner *owner = space->external_owners; owner != NULL; owner = owner->next)
      if (owner->never_forks && !owner->changes) mark_external(space, owner, range);
  }
  pthread_mutex_unlock(&space->lock);
}

/* The owner of places that belong to no threadproc. */
static struct slot_owner no_threadproc;

static bool are_free(const struct slot_space *space, uint64_t place, uint64_t count) {
  if (count > space->places || place > space->places - count) return false;
  for (uint64_t i = 0; i < count; i++)
    if (space->owners[place + i] != NULL) return false;
  return true;
}

static void mark(struct slot_space *space, uint64_t place, uint64_t count, struct slot_owner *owner) {
  for (uint64_t i = 0; i < count; i++) space->owners[place + i] = owner;
}

int slot_space_take(struct slot_space *space, uint64_t size, struct address_range *range, struct tproc_error *error) {
  const uint64_t count = (size + space->slot_size - 1) / space->slot_size;
  int code = -EEXIST;
  pthread_mutex_lock(&space->lock);
  for (uint64_t tries = 0; tries < space->places && code == -EEXIST; tries++) {
    const uint64_t place = (space->next + tries) % space->places;
    if (!are_free(space, place, count)) continue;
    const uint64_t low = space->first + place * space->slot_size;
    *range = (struct address_range){low, low + count * space->slot_size};
    code = take((struct address_range){low, low + size});
    if (code == 0) mark(space, place, count, &no_threadproc);
  }
  pthread_mutex_unlock(&space->lock);
  if (code == 0) return 0;
  return tproc_fail(error, code == -EEXIST ? ENOMEM : -code, "take %llu MiB side by side (ulimit -v)",
                    (unsigned long long)(size >> 20));
}

void slot_space_return(struct slot_space *space, struct address_range range) {
  pthread_mutex_lock(&space->lock);
  mark(space, (range.low - space->first) / space->slot_size, range_size(range) / space->slot_size, NULL);
  pthread_mutex_unlock(&space->lock);
}

void slot_release(struct slot_space *space, struct slot *slot) {
  if (range_size(slot->whole) == 0) return;
  struct address_range whole = slot->whole;
  const uint64_t place = (whole.low - space->first) / space->slot_size;
  pthread_mutex_lock(&space->lock);
  space->owners[place]->never_forks = false; /* what is unmapped may be another host's before it is free here */
  pthread_mutex_unlock(&space->lock);
  unmap_in_pieces(&whole);
  pthread_mutex_lock(&space->lock);
  space->owners[place] = NULL;
  pthread_mutex_unlock(&space->lock);
  memset(slot, 0, sizeof *slot);
}

bool slot_space_is_owned(const struct slot_space *space, struct address_range range) {
  const struct address_range all = slot_space_range(space);
  if (!ranges_overlap(range, all)) return false;
  const uint64_t low = range.low > all.low ? range.low : all.low, high = range.high < all.high ? range.high : all.high;
  for (uint64_t place = (low - all.low) / space->slot_size; place <= (high - 1 - all.low) / space->slot_size; place++) {
    const uint64_t at = all.low + place * space->slot_size;
    if (space->owners[place] != NULL || is_claimed((struct address_range){at, at + space->slot_size})) return true;
  }
  return false;
}

/* The caller holds the lock. */
static struct slot_owner *owner_of_external(struct slot_space *space, struct address_range range) {
  for (struct slot_owner *owner = space->external_owners; owner != NULL; owner = owner->next)
    if (range_set_overlaps(&owner->external, range)) return owner;
  return NULL;
}

bool slot_owner_prepare_external(struct slot_space *space, struct slot_owner *owner) {
  if (!range_set_prepare(&owner->external)) return false;
  if (!owner->is_listed) LIST_PREPEND(space->external_owners, owner);
  owner->is_listed = true;
  return true;
}

struct range_set slot_owner_take_external(struct slot_space *space, struct slot_owner *owner) {
  const struct range_set all = owner->external;
  owner->external = (struct range_set){0};
  if (owner->is_listed) LIST_UNLINK(space->external_owners, owner);
  owner->is_listed = false;
  return all;
}

void *slot_threadproc_at(struct slot_space *space, uint64_t address) {
  pthread_mutex_lock(&space->lock);
  const struct slot_owner *owner = range_contains(slot_space_range(space), address)
                                       ? space->owners[(address - space->first) / space->slot_size]
                                       : NULL;
  if (owner == NULL && address < UINT64_MAX) /* a free slot's addresses, too, may be asked for */
    owner = owner_of_external(space, (struct address_range){address, address + 1});
  void *threadproc = owner != NULL ? owner->threadproc : NULL;
  pthread_mutex_unlock(&space->lock);
  return threadproc;
}

bool slot_owner_has_external(struct slot_space *space, const struct slot_owner *owner, struct address_range range) {
  pthread_mutex_lock(&space->lock);
  const bool has = range_set_overlaps(&owner->external, range);
  pthread_mutex_unlock(&space->lock);
  return has;
}

bool slot_space_has_external(struct slot_space *space, struct address_range range) {
  pthread_mutex_lock(&space->lock);
  const bool found = owner_of_external(space, range) != NULL;
  pthread_mutex_unlock(&space->lock);
  return found;
}
