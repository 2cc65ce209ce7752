#include "share/huge_pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/page.h"
#include "base/small_file.h"
#include "base/thread.h"

#define STACK_SIZE (128u << 10)

#define SETTINGS "/sys/kernel/mm/transparent_hugepage/"

/* A larger one is too much for a heap, and the tables are not laid out for it (arm64 with pages of 64 KiB: 512 MiB). */
#define HUGE_SIZE_MAX SHARED_RANGE_ALIGNMENT

/* How many are looked at, and made, at a time: a heap of many GiB takes its turns. */
#define LOOKS_MAX 1024
#define MADE_MAX 8

/* So often the kernel says at first that it does not do it; of one place it may say so in passing. */
#define REFUSALS_MAX 4

/* Between looks: when there was something new, and at most, when there was nothing for long. */
#define SOON_MILLISECONDS 250u
#define LATE_MILLISECONDS 4000u

/* 0: there are none, or nobody is to have one. */
static uint64_t size_here(void) {
  char text[64];
  if (!small_file_read(SETTINGS "enabled", text, sizeof text) || strstr(text, "[never]") != NULL) return 0;
  return small_file_read(SETTINGS "hpage_pmd_size", text, sizeof text) ? strtoull(text, NULL, 10) : 0;
}

bool huge_pages_open(struct huge_pages *pages, const struct shared_range *range) {
  *pages = (struct huge_pages){0};
  if (range->view.share == NULL) return false;
  const uint64_t size = size_here();
  if (size == 0 || size < page_size() || size > HUGE_SIZE_MAX || range->places.low % size != 0) return false;
  const struct tproc_share *share = range->view.share; /* what programs may write to later is read once */
  pages->count = share->size / size;
  pages->done = calloc(pages->count, 1);
  if (pages->done == NULL) return false;
  pages->range = range;
  pages->size = size;
  pages->slices = share->slices;
  pages->tags = share->tags;
  pages->data = share->data;
  return true;
}

void huge_pages_close(struct huge_pages *pages) {
  free(pages->done);
  *pages = (struct huge_pages){0};
}

/* ---- looking */

/* mincore says of each page whether it is in memory, for whomever. */
static bool is_worth_it(const struct huge_pages *pages, uint64_t address) {
  unsigned char present[HUGE_SIZE_MAX / 4096];
  const uint64_t count = pages->size / page_size();
  uint64_t found = 0;
  if (mincore((void *)address, pages->size, present) != 0) return false;
  for (uint64_t i = 0; i < count; i++) found += present[i] & 1;
  return found >= count / HUGE_PAGES_PART;
}

/* @return whether it was tried */
static bool make(struct huge_pages *pages, uint64_t number) {
  const uint64_t address = pages->range->places.low + number * pages->size;
  if (pages->done[number] || !is_worth_it(pages, address)) return false;
  if (madvise((void *)address, pages->size, MADV_COLLAPSE) == 0) {
    pages->done[number] = 1;
    pages->any = true;
  } else if (errno == EINVAL) { /* never: an older kernel, or not for this process (PR_SET_THP_DISABLE) */
    pages->done[number] = 1;
    pages->refused = !pages->any && ++pages->refusals == REFUSALS_MAX;
  } else { /* memory is short, or in pieces: not before there is something new */
    pages->left = 0;
  }
  return true;
}

/* What is in use of a table, in huge pages. */
struct area {
  uint64_t first, count;
};

/* The last part of the range may be less than a huge page. */
static struct area area_of(const struct huge_pages *pages, uint64_t offset, uint64_t length) {
  const uint64_t first = offset / pages->size, count = (length + pages->size - 1) / pages->size;
  return (struct area){first, first + count <= pages->count ? count : pages->count - first};
}

static bool has_changed(struct huge_pages *pages) {
  struct stat status;
  if (fstat(pages->range->file, &status) != 0) return false;
  const uint64_t resident = (uint64_t)status.st_blocks * 512;
  const bool changed = resident != pages->resident;
  pages->resident = resident;
  return changed;
}

bool huge_pages_look(struct huge_pages *pages) {
  const uint64_t slices = tproc_slices_in_use(&pages->range->view);
  const struct area areas[] = {area_of(pages, pages->slices, slices * sizeof(struct tproc_slice)),
                               area_of(pages, pages->tags, slices * TPROC_TAG_STRIDE * sizeof(uint16_t)),
                               area_of(pages, pages->data, slices * TPROC_SLICE_SIZE)};
  const uint64_t all = areas[0].count + areas[1].count + areas[2].count;
  const bool changed = has_changed(pages);
  if (changed) pages->left = all;
  unsigned made = 0;
  for (unsigned looks = 0; looks < LOOKS_MAX && made < MADE_MAX && pages->left > 0 && !pages->refused; looks++) {
    pages->left--;
    uint64_t at = pages->next++ % all;
    const struct area *area = areas;
    while (at >= area->count) at -= area++->count;
    made += make(pages, area->first + at);
  }
  return changed || pages->left > 0;
}

/* ---- the thread */

static void *serve(void *argument) {
  struct huge_pages *pages = argument;
  unsigned pause = SOON_MILLISECONDS;
  pthread_mutex_lock(&pages->lock);
  while (!pages->stopping && !pages->refused) {
    const struct timespec at = clock_after(pause * 1000000ull);
    int code = 0;
    while (code == 0 && !pages->stopping) code = pthread_cond_timedwait(&pages->changed, &pages->lock, &at);
    if (pages->stopping) break;
    pthread_mutex_unlock(&pages->lock);
    if (huge_pages_look(pages))
      pause = SOON_MILLISECONDS;
    else if (pause < LATE_MILLISECONDS)
      pause *= 2;
    pthread_mutex_lock(&pages->lock);
  }
  pthread_mutex_unlock(&pages->lock);
  return NULL;
}

void huge_pages_start(struct huge_pages *pages, const struct shared_range *range) {
  if (!huge_pages_open(pages, range)) return;
  pthread_mutex_init(&pages->lock, NULL);
  thread_condition_init(&pages->changed);
  if (thread_start(&pages->thread, STACK_SIZE, "tproc-pages", serve, pages) == 0) return;
  pthread_cond_destroy(&pages->changed);
  pthread_mutex_destroy(&pages->lock);
  huge_pages_close(pages);
}

void huge_pages_stop(struct huge_pages *pages) {
  if (pages->range == NULL) return;
  pthread_mutex_lock(&pages->lock);
  pages->stopping = true;
  pthread_cond_signal(&pages->changed);
  pthread_mutex_unlock(&pages->lock);
  pthread_join(pages->thread, NULL);
  pthread_cond_destroy(&pages->changed);
  pthread_mutex_destroy(&pages->lock);
  huge_pages_close(pages);
}
