#include "share/small_range.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "share/range.h"
#include "shared/heap.h"

void small_range_open(struct small_range *range, uint32_t slices) {
  const struct shared_range_counts counts = {
      .owners = 64, .threads = 64, .names = 16, .channels = 4, .accounts = 4, .slices = slices};
  range->size = shared_range_size(&counts);
  range->base = mmap(NULL, range->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range->base == MAP_FAILED) abort();
  shared_range_format(range->base, &counts);
  if (tproc_view_open(&range->view, range->base, range->size) != 0) abort();
}

void small_range_close(struct small_range *range) { munmap(range->base, range->size); }

void small_range_copy(const struct small_range *from, struct small_range *to) {
  const struct tproc_share *share = from->view.share;
  /* What follows has never been used in the one, but perhaps in the other. */
  const uint32_t most =
      share->slices_high > to->view.share->slices_high ? share->slices_high : to->view.share->slices_high;
  memcpy(to->base, from->base, sizeof *share);
  to->view.share->base = (uint64_t)(uintptr_t)to->base;
  memcpy(to->base + share->owners, from->base + share->owners, share->owner_count * sizeof(struct tproc_owner));
  memcpy(to->base + share->threads, from->base + share->threads,
         share->thread_count * sizeof(struct tproc_thread_record));
  memcpy(to->base + share->board, from->base + share->board, share->board_count * sizeof(struct tproc_board_entry));
  memcpy(to->base + share->channels, from->base + share->channels,
         share->channel_count * sizeof(struct tproc_channel_entry));
  memcpy(to->base + share->accounts, from->base + share->accounts, share->account_count * sizeof(struct tproc_account));
  memcpy(to->base + share->slices, from->base + share->slices, share->slice_count * sizeof(struct tproc_slice));
  memcpy(to->base + share->tags, from->base + share->tags, (size_t)most * TPROC_TAG_STRIDE * sizeof(uint16_t));
}

void attach_as(const struct small_range *range, struct tproc_cache *cache, uint32_t owner, int thread) {
  memset(cache, 0, sizeof *cache);
  if (tproc_cache_attach(&range->view, cache, owner, getpid(), thread) != 0) abort();
}

void attach_process(const struct small_range *range, struct tproc_cache *cache, pid_t pid) {
  memset(cache, 0, sizeof *cache);
  if (tproc_cache_attach(&range->view, cache, 0, pid, 1) != 0) abort();
}

static __attribute__((format(printf, 2, 3))) void note(struct findings *findings, const char *format, ...) {
  if (findings->count++ > 0) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(findings->first, sizeof findings->first, format, arguments);
  va_end(arguments);
}

/* They do not change: plain loads, which the compiler makes fast. */
static const uint16_t *tags_of(const struct small_range *range, uint32_t slice) {
  return (const uint16_t *)tproc_slice_tags(&range->view, slice);
}

static bool any_tag(const struct small_range *range, uint32_t slice, uint32_t from) {
  uint16_t any = 0;
  const uint16_t *tags = tags_of(range, slice);
  for (uint32_t i = from; i < TPROC_TAG_STRIDE; i++) any |= tags[i];
  return any != 0;
}

static uint32_t count_tags(const struct small_range *range, uint32_t slice, uint32_t blocks, uint32_t owner) {
  uint32_t count = 0;
  const uint16_t *tags = tags_of(range, slice);
  for (uint32_t i = 0; i < blocks; i++) count += owner == 0 ? tags[i] != 0 : tags[i] == owner;
  return count;
}

static void check_large(const struct small_range *range, uint32_t number, struct findings *findings) {
  const struct tproc_slice *slice = &range->view.slices[number];
  if (slice->size_class != TPROC_CLASS_LARGE || slice->run == 0)
    note(findings, "large block in slice %u: class %u, run %u", number, slice->size_class, slice->run);
  for (uint32_t i = 1; i < slice->run; i++)
    if (tproc_slice_owner(&range->view, number + i) != (TPROC_SLICE_TAIL | number))
      note(findings, "slice %u is not of the large block in %u", number + i, number);
}

static void check_tail(const struct small_range *range, uint32_t number, uint32_t owner, struct findings *findings) {
  const uint32_t head = owner & ~TPROC_SLICE_TAIL;
  if (head >= number || !tproc_is_large(tproc_slice_owner(&range->view, head)) ||
      head + range->view.slices[head].run <= number)
    note(findings, "slice %u says it is of a large block in %u", number, head);
}

static void check_small(const struct small_range *range, uint32_t number, uint32_t owner, struct findings *findings) {
  const uint32_t size_class = range->view.slices[number].size_class;
  if (size_class == 0 && tproc_is_token(owner)) return; /* its thread is about to give it a class */
  if (size_class == 0 || size_class >= TPROC_CLASS_COUNT)
    note(findings, "slice %u of %x has class %u", number, owner, size_class);
  else if (any_tag(range, number, tproc_size_classes[size_class].blocks))
    note(findings, "slice %u has tags after its last block", number);
}

struct findings small_range_check(const struct small_range *range) {
  struct findings findings = {0};
  for (uint32_t i = 1; i < range->view.slice_count; i++) {
    if (i >= range->view.share->slices_high && tproc_slice_owner(&range->view, i) == TPROC_SLICE_FREE) continue;
    const uint32_t owner = tproc_slice_owner(&range->view, i);
    if (owner == TPROC_SLICE_FREE) {
      if (range->view.slices[i].size_class != 0) note(&findings, "free slice %u has a class", i);
      if (any_tag(range, i, 0)) note(&findings, "free slice %u has tags", i);
    } else if (tproc_is_large(owner)) {
      check_large(range, i, &findings);
    } else if (owner != TPROC_SLICE_ABANDONED && owner >= TPROC_SLICE_TAIL) {
      check_tail(range, i, owner, &findings);
    } else {
      check_small(range, i, owner, &findings);
    }
    if (owner != TPROC_SLICE_FREE && i >= range->view.share->slices_high) note(&findings, "slice %u is too high", i);
  }
  return findings;
}

uint64_t small_range_blocks(const struct small_range *range, uint32_t owner) {
  uint64_t count = 0;
  for (uint32_t i = 1; i < range->view.share->slices_high; i++) {
    const uint32_t word = tproc_slice_owner(&range->view, i);
    const uint32_t size_class = range->view.slices[i].size_class;
    if (tproc_is_large(word))
      count += owner == 0 || (word & ~TPROC_SLICE_LARGE) == owner;
    else if (size_class < TPROC_CLASS_COUNT)
      count += count_tags(range, i, tproc_size_classes[size_class].blocks, owner);
  }
  return count;
}

uint32_t small_range_slices(const struct small_range *range) {
  uint32_t count = 0;
  for (uint32_t i = 1; i < range->view.slice_count; i++)
    count += tproc_slice_owner(&range->view, i) != TPROC_SLICE_FREE;
  return count;
}
