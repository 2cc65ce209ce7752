#include "share/wild_writes_part.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "share/heap_usage.h"
#include "share/reaper.h"
#include "share/small_range.h"
#include "shared/channel.h"
#include "shared/heap.h"

#define SLICES 512
#define GONE 0x3ffff0
#define NOTE 77
#define CELLS 8
#define GUARD (64u << 20)
#define GUARD_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE)

static uint64_t next(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static void free_block(const struct tproc_party *party, void *block) {
  tproc_heap_free(party->view, party->context, block);
}

/* Blocks of all sizes, and a channel in which some of them are under way. */
static void use(const struct small_range *range) {
  struct tproc_cache cache;
  attach_process(range, &cache, GONE);
  for (size_t size = 8; size < (1u << 20); size = size * 3 / 2)
    if (tproc_heap_alloc(&range->view, &cache, size) == NULL) abort();
  const struct tproc_party party = {&range->view, cache.token, cache.owner, free_block, &cache};
  struct tproc_queue *queue = tproc_heap_alloc(&range->view, &cache, tproc_queue_size(CELLS));
  struct tproc_channel_end end;
  tproc_queue_format(queue, CELLS, 0, 0);
  if (tproc_channel_make(&party, queue, TPROC_ROLE_SENDER | TPROC_ROLE_RECEIVER, &end) != 0) abort();
  for (int i = 0; i < CELLS / 2; i++) {
    const struct tproc_parcel parcel = {.length = 1, .block = tproc_heap_alloc(&range->view, &cache, 100)};
    if (tproc_channel_put(&party, &end, &parcel) != 0) abort();
  }
}

/* What leads elsewhere: large, small and plausible numbers, anywhere in the header's hints and the tables. */
static void scribble(const struct small_range *range, uint64_t state, unsigned words) {
  const uint64_t tables = (uint64_t)range->view.data - (uint64_t)range->base;
  for (unsigned i = 0; i < words; i++) {
    const uint64_t at = next(&state) % 4 == 0 ? next(&state) % 4096 : next(&state) % tables;
    uint64_t *word = (uint64_t *)(range->base + (at & ~7ull));
    switch (next(&state) % 6) {
      case 0:
        *word = UINT64_MAX;
        break;
      case 1:
        *word = next(&state) % range->size;
        break;
      case 2:
        *word = next(&state);
        break;
      case 3:
        *word ^= 1ull << (next(&state) % 64);
        break;
      case 4:
        *word = next(&state) & 0x01ffffffffffull;
        break;
      default:
        *word = (uint64_t)(uint32_t)-GONE | (uint64_t)GONE << 32;
    }
  }
}

static uint64_t in_use(const struct small_range *range) {
  static unsigned char pages[1 << 20];
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), count = range->size / page;
  uint64_t bytes = 0;
  if (count > sizeof pages || mincore(range->base, range->size, pages) != 0) abort();
  for (size_t i = 0; i < count; i++) bytes += (pages[i] & 1) * page;
  return bytes;
}

uint64_t bury_after_wild_writes(uint64_t seed, unsigned words) {
  struct small_range range;
  small_range_open(&range, SLICES);
  /* Where there is nothing beside it yet: who goes too far ends. */
  void *guards[] = {mmap(range.base + range.size, GUARD, PROT_NONE, GUARD_FLAGS, -1, 0),
                    mmap(range.base - GUARD, GUARD, PROT_NONE, GUARD_FLAGS, -1, 0)};
  use(&range);
  scribble(&range, seed, words);
  reaper_process_ended(&range.view, GONE, 0, NOTE);
  reaper_forget(&range.view, NOTE);
  const uint32_t owners = tproc_owners_in_use(&range.view);
  struct heap_use *uses = calloc(owners, sizeof *uses);
  if (uses == NULL) abort();
  heap_usage_count(&range.view, uses, owners);
  free(uses);
  const uint64_t bytes = in_use(&range);
  for (int i = 0; i < 2; i++)
    if (guards[i] != MAP_FAILED) munmap(guards[i], GUARD);
  small_range_close(&range);
  return bytes;
}
