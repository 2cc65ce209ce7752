#include "fork_shield.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "page.h"

void fork_shield_init(struct fork_shield *shield) {
  memset(shield, 0, sizeof *shield);
  pthread_mutex_init(&shield->lock, NULL);
}

void fork_shield_destroy(struct fork_shield *shield) { pthread_mutex_destroy(&shield->lock); }

void fork_shield_keep(struct fork_shield *shield, struct address_range range) {
  const struct address_range pages = {page_floor(range.low), page_ceil(range.high)};
  pthread_mutex_lock(&shield->lock);
  bool known = false;
  for (size_t i = 0; i < shield->kept_count && !known; i++) known = range_covers(shield->kept[i], pages);
  if (!known) {
    shield->kept[shield->kept_next] = pages;
    shield->kept_next = (shield->kept_next + 1) % FORK_SHIELD_KEPT_MAX;
    if (shield->kept_count < FORK_SHIELD_KEPT_MAX) shield->kept_count++;
    madvise((void *)pages.low, range_size(pages), MADV_DOFORK);
  }
  pthread_mutex_unlock(&shield->lock);
}

/* Marks what of the range is not kept: up to the first kept range in it, then the rest behind that. */
static void mark(const struct fork_shield *shield, struct address_range range) {
  while (range.low < range.high) {
    struct address_range first = {range.high, range.high};
    for (size_t i = 0; i < shield->kept_count; i++)
      if (ranges_overlap(shield->kept[i], range) && shield->kept[i].low < first.low) first = shield->kept[i];
    if (first.low > range.low) madvise((void *)range.low, first.low - range.low, MADV_DONTFORK);
    if (first.high <= range.low) return;
    range.low = first.high;
  }
}

struct pass {
  struct fork_shield *shield;
  struct slot_space *slots;
  bool raise;
};

static bool consider(const struct mapping *mapping, void *context) {
  const struct pass *pass = context;
  if (mapping->shared || mapping->has_file) return true;
  /* What was large when it was marked may have been divided since. */
  if (pass->raise && range_size(mapping->range) < FORK_SHIELD_SMALLEST) return true;
  if (strcmp(mapping->name, "[heap]") == 0 || strcmp(mapping->name, "[stack]") == 0) return true;
  if (pass->raise && !slot_space_has_outside(pass->slots, mapping->range)) mark(pass->shield, mapping->range);
  /* The second look is for what a threadproc has mapped meanwhile. */
  if (!pass->raise || slot_space_has_outside(pass->slots, mapping->range))
    madvise((void *)mapping->range.low, range_size(mapping->range), MADV_DOFORK);
  return true;
}

typedef void mapping_visiting(const struct address_space *space, struct address_range range, mapping_visitor *visit,
                              void *context);

static void visit_all(struct pass pass, const struct address_space *space) {
  const struct address_range middle = slot_space_range(pass.slots);
  mapping_visiting *visit = pass.raise ? address_space_visit_writable : address_space_visit;
  visit(space, (struct address_range){0, middle.low}, consider, &pass);
  visit(space, (struct address_range){middle.high, INT64_MAX}, consider, &pass);
}

static bool is_due(struct fork_shield *shield) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  const uint64_t now = (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
  if (shield->raised_at != 0 && now - shield->raised_at < FORK_SHIELD_MILLISECONDS) return false;
  shield->raised_at = now;
  return true;
}

void fork_shield_raise(struct fork_shield *shield, const struct address_space *space, struct slot_space *slots) {
  pthread_mutex_lock(&shield->lock);
  if (is_due(shield)) visit_all((struct pass){shield, slots, true}, space);
  pthread_mutex_unlock(&shield->lock);
}

void fork_shield_lower(struct fork_shield *shield, const struct address_space *space, struct slot_space *slots) {
  pthread_mutex_lock(&shield->lock);
  if (shield->raised_at != 0) visit_all((struct pass){shield, slots, false}, space);
  pthread_mutex_unlock(&shield->lock);
}
