#include "memory/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/page.h"
#include "memory/memory_external.h"
#include "memory/memory_limits.h"
#include "memory/pieces.h"

int memory_open(struct memory *memory, struct slot_space *slots, const struct address_space *space, void *threadproc,
                struct tproc_error *error) {
  memset(memory, 0, sizeof *memory);
  memory->slots = slots;
  memory->space = space;
  memory->owner.threadproc = threadproc;
  memory_limits_init(&memory->limits);
  int failed = slot_reserve(slots, &memory->owner, &memory->slot, error);
  if (failed) return failed;
  pthread_mutex_init(&memory->lock, NULL);
  pthread_cond_init(&memory->changed, NULL);
  return 0;
}

/* The upper quarter of what lies below the stack is taken last: a program may raise its stack's limit, as natively. */
static uint64_t first_cursor(struct address_range anonymous) {
  return page_floor(anonymous.high - range_size(anonymous) / 4);
}

void memory_divide(struct memory *memory, struct address_range heap, struct address_range anonymous,
                   struct address_range files) {
  memory->heap = heap;
  memory->program_break = heap.low;
  memory->anonymous = (struct memory_room){.area = anonymous, .cursor = first_cursor(anonymous)};
  memory->files = (struct memory_room){.area = files, .cursor = files.high};
}

void memory_keep_out_of_forks(struct memory *memory) { slot_keep_out_of_forks(memory->slots, &memory->owner); }

void memory_release(struct memory *memory) {
  if (range_size(memory->slot.whole) == 0) return;
  pthread_mutex_lock(&memory->lock);
  memory->released = true;
  while (memory->in_pieces > 0) pthread_cond_wait(&memory->changed, &memory->lock);
  memory_release_external(memory);
  slot_release(memory->slots, &memory->slot);
  struct aio_contexts aio = memory->aio;
  memory->aio = (struct aio_contexts){0};
  pthread_mutex_unlock(&memory->lock);
  aio_contexts_destroy(&aio);
  pthread_cond_destroy(&memory->changed);
  pthread_mutex_destroy(&memory->lock);
}

bool memory_covers(const struct memory *memory, struct address_range range) {
  return range_covers(memory->slot.whole, range) || memory_external_covers(memory, range);
}

/* So many mappings are looked at before others get the lock: half a millisecond. Where the kernel cannot be asked, all
   maps are read for each portion. */
#define PORTION 256
#define PORTION_READ 16384

struct portion {
  mapping_visitor *visit;
  void *context;
  unsigned left;
  uint64_t next; /* where to go on */
  bool is_over;  /* the visitor wants no more */
};

static bool visit_one(const struct mapping *mapping, void *context) {
  struct portion *portion = context;
  portion->next = mapping->range.high;
  portion->is_over = !portion->visit(mapping, portion->context);
  return !portion->is_over && --portion->left > 0;
}

/* The lowest part of the memory from an address on, with the lock. @return whether there is one */
typedef bool next_part(const struct memory *memory, uint64_t from, struct address_range *part);

static bool next_external(const struct memory *memory, uint64_t from, struct address_range *part) {
  return range_set_lowest(&memory->owner.external, (struct address_range){from, UINT64_MAX}, part);
}

static bool next_of_slot(const struct memory *memory, uint64_t from, struct address_range *part) {
  *part = (struct address_range){memory->slot.whole.low, slot_claim(memory->slot.whole).low};
  if (from > part->low) part->low = from;
  return part->low < part->high;
}

static void visit_parts(struct memory *memory, next_part *next, struct portion *portion) {
  uint64_t from = 0;
  for (bool more = true; more && !portion->is_over;) {
    portion->left = memory->space->can_query ? PORTION : PORTION_READ;
    pthread_mutex_lock(&memory->lock);
    struct address_range part;
    while ((more = !memory->released && next(memory, from, &part)) && portion->left > 0 && !portion->is_over) {
      address_space_visit(memory->space, part, visit_one, portion);
      from = portion->left == 0 ? portion->next : part.high;
    }
    pthread_mutex_unlock(&memory->lock);
    if (more) let_others();
  }
}

void memory_visit(struct memory *memory, mapping_visitor *visit, void *context) {
  struct portion portion = {.visit = visit, .context = context};
  visit_parts(memory, next_external, &portion);
  if (!portion.is_over) visit_parts(memory, next_of_slot, &portion);
}

static bool copy_range(const struct mapping *mapping, void *range) {
  *(struct address_range *)range = mapping->range;
  return false;
}

bool memory_is_one_mapping(const struct memory *memory, struct address_range range) {
  struct address_range first = {0, 0};
  address_space_visit(memory->space, range, copy_range, &first);
  return range_size(range) > 0 && range_covers(first, range);
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
