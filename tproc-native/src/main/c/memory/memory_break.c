/*
 * The program break. More than the program asked for is mapped behind it, for calls that a signal interrupts before the
 * broker has heard of them: the kernel then returns -EINTR, which brk(2) never does, and libc takes that for a high
 * break: it believes to have the memory, and uses it. So it is there.
 */
#include <sys/mman.h>

#include "base/page.h"
#include "memory/memory.h"

/* Less than a huge page, so that a small heap does not become one; malloc grows by a fifth of it at a time. */
#define AHEAD (1ull << 20)

static void *map_at(uint64_t low, uint64_t high, int flags) {
  return mmap((void *)low, high - low, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static uint64_t ahead_of(const struct memory *memory, uint64_t end) {
  return memory->heap.high - end > AHEAD ? end + AHEAD : memory->heap.high;
}

static bool map_up_to(struct memory *memory, uint64_t end, int flags) {
  if (end <= memory->heap_mapped) return true;
  void *got = map_at(memory->heap_mapped, end, MAP_FIXED_NOREPLACE | flags);
  if (got != (void *)memory->heap_mapped) return false;
  memory->heap_mapped = end;
  return true;
}

static bool grow(struct memory *memory, uint64_t end) {
  if (end + AHEAD / 2 <= memory->heap_mapped) return true;
  return map_up_to(memory, ahead_of(memory, end), 0) || map_up_to(memory, end, 0);
}

/* What comes back later has to be zero, and accessible again if the program had protected it: a new mapping is both. */
static bool shrink(struct memory *memory, uint64_t old_end, uint64_t end) {
  const uint64_t kept = ahead_of(memory, end) < memory->heap_mapped ? ahead_of(memory, end) : memory->heap_mapped;
  const uint64_t used = old_end < kept ? old_end : kept;
  if (used > end && map_at(end, used, MAP_FIXED) != (void *)end) return false;
  if (kept < memory->heap_mapped && munmap((void *)kept, memory->heap_mapped - kept) == 0) memory->heap_mapped = kept;
  return true;
}

int64_t memory_break(struct memory *memory, uint64_t wanted) {
  pthread_mutex_lock(&memory->lock);
  if (!memory->released && wanted >= memory->heap.low && wanted <= memory->heap.high) {
    const uint64_t old_end = page_ceil(memory->program_break), end = page_ceil(wanted);
    const bool moved = end > old_end ? grow(memory, end) : end == old_end || shrink(memory, old_end, end);
    if (moved) memory->program_break = wanted;
  }
  const uint64_t result = memory->program_break;
  pthread_mutex_unlock(&memory->lock);
  return (int64_t)result;
}
