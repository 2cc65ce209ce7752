/*
 * The program break, as far as it goes: malloc's is refused by the fence, which takes no question (see layout.h). What
 * is left are the few calls of programs for themselves and of static programs that start.
 */
#include <sys/mman.h>

#include "base/page.h"
#include "memory/memory.h"
#include "memory/memory_limits.h"

static bool map(struct address_range range) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  return mmap((void *)range.low, range_size(range), PROT_READ | PROT_WRITE, flags, -1, 0) == (void *)range.low;
}

static bool grow(struct memory *memory, uint64_t old_end, uint64_t end) {
  const int protection = PROT_READ | PROT_WRITE;
  if (!memory_may_grow(memory, end - old_end, protection, MAP_PRIVATE)) return false;
  if (!map((struct address_range){old_end, end})) return false;
  memory_has_grown(memory, end - old_end, protection, MAP_PRIVATE);
  return true;
}

static bool move(struct memory *memory, uint64_t old_end, uint64_t end) {
  if (end > old_end) return grow(memory, old_end, end);
  return end == old_end || munmap((void *)end, old_end - end) == 0;
}

int64_t memory_break(struct memory *memory, uint64_t wanted) {
  pthread_mutex_lock(&memory->lock);
  if (!memory->released && wanted >= memory->heap.low && wanted <= memory->heap.high &&
      move(memory, page_ceil(memory->program_break), page_ceil(wanted)))
    memory->program_break = wanted;
  const uint64_t result = memory->program_break;
  pthread_mutex_unlock(&memory->lock);
  return (int64_t)result;
}
