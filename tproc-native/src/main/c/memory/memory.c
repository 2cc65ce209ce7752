#include "memory/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "memory/memory_external.h"

int memory_open(struct memory *memory, struct slot_space *slots, const struct address_space *space, void *threadproc,
                struct tproc_error *error) {
  memset(memory, 0, sizeof *memory);
  memory->slots = slots;
  memory->space = space;
  memory->owner.threadproc = threadproc;
  int failed = slot_reserve(slots, &memory->owner, &memory->slot, error);
  if (failed) return failed;
  pthread_mutex_init(&memory->lock, NULL);
  pthread_cond_init(&memory->changed, NULL);
  return 0;
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

void memory_visit(struct memory *memory, mapping_visitor *visit, void *context) {
  const struct range_set *external = &memory->owner.external;
  pthread_mutex_lock(&memory->lock);
  for (size_t i = 0; i < external->count; i++) address_space_visit(memory->space, external->ranges[i], visit, context);
  const struct address_range slot = {memory->slot.whole.low, slot_claim(memory->slot.whole).low};
  address_space_visit(memory->space, slot, visit, context);
  pthread_mutex_unlock(&memory->lock);
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
