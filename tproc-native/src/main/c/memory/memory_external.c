#include "memory/memory_external.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/compat.h"
#include "base/page.h"
#include "memory/map_noreplace.h"

/*
 * The list is changed by its owner alone, who holds the memory's lock; the slots' lock on top is for those who look at
 * all owners' lists. The owner therefore reads without it.
 */
static void add(struct memory *memory, struct external_range *entry) {
  pthread_mutex_lock(&memory->slots->lock);
  entry->next = memory->owner.external;
  memory->owner.external = entry;
  pthread_mutex_unlock(&memory->slots->lock);
}

static int64_t map_where_kernel_likes(const struct map_request *request) {
  /* A hint could lead into a slot. */
  void *got = mmap(NULL, request->length, request->protection, request->flags, request->file, (off_t)request->offset);
  return got == MAP_FAILED ? -errno : (int64_t)got;
}

static int64_t map_and_remember(struct memory *memory, const struct map_request *request, bool there) {
  struct external_range *entry = malloc(sizeof *entry);
  if (entry == NULL) return -ENOMEM;
  const int64_t got = there ? map_noreplace(request->address, request) : map_where_kernel_likes(request);
  if (got < 0) {
    free(entry);
    return got;
  }
  const uint64_t address = (uint64_t)got;
  entry->range = (struct address_range){address, page_ceil(address + request->length)};
  add(memory, entry);
  /* Until it was remembered it could be taken for the host's, and hidden from forked children. */
  madvise((void *)address, range_size(entry->range), MADV_DOFORK);
  return got;
}

int64_t memory_map_external(struct memory *memory, const struct map_request *request) {
  const struct address_range range = {request->address, page_ceil(request->address + request->length)};
  /* Slots are not mapped as a whole, so the kernel alone would find room in a neighbour's. */
  if (ranges_overlap(range, slot_space_range(memory->slots))) return -EEXIST;
  return map_and_remember(memory, request, true);
}

/* A hint is honoured where it leads to free room outside the slots, as ZGC's search for its heap relies on. */
int64_t memory_map_where_kernel_likes(struct memory *memory, const struct map_request *request) {
  struct map_request there = *request;
  there.address = page_floor(request->address);
  if (there.address != 0 && there.address <= INT64_MAX - request->length && (request->flags & MAP_32BIT) == 0) {
    const int64_t got = memory_map_external(memory, &there);
    if (got >= 0) return got;
  }
  return map_and_remember(memory, request, false);
}

void memory_forget_external(struct memory *memory, struct address_range gone) {
  struct external_range *spare = malloc(sizeof *spare); /* for a hole in the middle */
  pthread_mutex_lock(&memory->slots->lock);
  for (struct external_range **at = &memory->owner.external; *at != NULL;) {
    struct external_range *entry = *at;
    const struct address_range range = entry->range;
    if (ranges_overlap(range, gone) && gone.low <= range.low && gone.high >= range.high) {
      *at = entry->next;
      free(entry);
      continue;
    }
    if (ranges_overlap(range, gone)) {
      if (gone.low <= range.low) {
        entry->range.low = gone.high;
      } else if (gone.high >= range.high) {
        entry->range.high = gone.low;
      } else if (spare !=
                 NULL) { /* without memory for the second part the first keeps all: too much beats too little */
        *spare = (struct external_range){.range = {gone.high, range.high}, .next = entry->next};
        entry->range.high = gone.low;
        entry->next = spare;
        spare = NULL;
      }
    }
    at = &entry->next;
  }
  pthread_mutex_unlock(&memory->slots->lock);
  free(spare);
}

bool memory_external_covers(const struct memory *memory, struct address_range range) {
  /* Ranges may touch: each pass moves the start over the one that holds it. */
  uint64_t from = range.low;
  bool progress = true;
  while (from < range.high && progress) {
    progress = false;
    for (const struct external_range *entry = memory->owner.external; entry != NULL; entry = entry->next)
      if (range_contains(entry->range, from)) {
        from = entry->range.high;
        progress = true;
      }
  }
  return from >= range.high;
}

void memory_release_external(struct memory *memory) {
  pthread_mutex_lock(&memory->slots->lock);
  struct external_range *entry = memory->owner.external;
  memory->owner.external = NULL;
  pthread_mutex_unlock(&memory->slots->lock);
  while (entry != NULL) {
    struct external_range *next = entry->next;
    munmap((void *)entry->range.low, range_size(entry->range));
    free(entry);
    entry = next;
  }
}
