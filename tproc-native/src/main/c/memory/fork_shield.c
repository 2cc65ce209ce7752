#include "memory/fork_shield.h"

#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/page.h"

/*
 * All shields of this process, for two reasons: what belongs to the threadprocs of another host is to stay, and
 * pthread_atfork passes no context. Its lock is taken before any shield's own (docs/concurrency.md).
 */
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fork_shield *all;

/* The caller holds all_lock. */
static bool is_a_threadprocs(struct address_range range) {
  for (const struct fork_shield *shield = all; shield != NULL; shield = shield->next)
    if (slot_space_has_external(shield->slots, range)) return true;
  return false;
}

/* Marks what of the range is not kept: up to the first kept range in it, then the rest after that. */
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
  bool raise;
};

/* The kernel's own ([vdso], [vvar] ...), which a forked child uses, too, and what the kernel grows by itself. */
static bool stays(const char *name) { return strncmp(name, "[v", 2) == 0 || strcmp(name, "[stack]") == 0; }

static bool consider(const struct mapping *mapping, void *context) {
  const struct pass *pass = context;
  if (mapping->shared || stays(mapping->name)) return true;
  if (pass->raise) {
    if (is_a_threadprocs(mapping->range)) return true;
    mark(pass->shield, mapping->range);
    if (!is_a_threadprocs(mapping->range)) return true; /* else a threadproc has mapped it meanwhile */
  }
  madvise((void *)mapping->range.low, range_size(mapping->range), MADV_DOFORK);
  return true;
}

static void visit_all(struct fork_shield *shield, bool raise) {
  const struct address_range middle = slot_space_range(shield->slots);
  struct pass pass = {shield, raise};
  address_space_visit(shield->space, (struct address_range){0, middle.low}, consider, &pass);
  address_space_visit(shield->space, (struct address_range){middle.high, INT64_MAX}, consider, &pass);
}

static bool extend(const struct mapping *mapping, void *context) {
  struct address_range *range = context;
  if (range_size(mapping->range) > FORK_SHIELD_KEPT_WHOLE) return true;
  if (mapping->range.low < range->low) range->low = mapping->range.low;
  if (mapping->range.high > range->high) range->high = mapping->range.high;
  return true;
}

void fork_shield_keep(struct fork_shield *shield, struct address_range range) {
  const struct address_range pages = {page_floor(range.low), page_ceil(range.high)};
  pthread_mutex_lock(&shield->lock);
  bool known = false;
  for (size_t i = 0; i < shield->kept_count && !known; i++) known = range_covers(shield->kept[i], pages);
  if (!known) {
    struct address_range kept = pages;
    address_space_visit_writable(shield->space, pages, extend, &kept);
    size_t at = 0;
    while (at < shield->kept_count && !ranges_overlap(shield->kept[at], kept)) at++;
    if (at < shield->kept_count) { /* an arena that has grown */
      if (shield->kept[at].low < kept.low) kept.low = shield->kept[at].low;
      if (shield->kept[at].high > kept.high) kept.high = shield->kept[at].high;
    } else {
      at = shield->kept_next;
      shield->kept_next = (shield->kept_next + 1) % FORK_SHIELD_KEPT_MAX;
      if (shield->kept_count < FORK_SHIELD_KEPT_MAX) shield->kept_count++;
    }
    shield->kept[at] = kept;
    madvise((void *)kept.low, range_size(kept), MADV_DOFORK);
  }
  pthread_mutex_unlock(&shield->lock);
}

static bool is_due(struct fork_shield *shield) {
  const uint64_t now = clock_milliseconds();
  if (shield->raised_at != 0 && now - shield->raised_at < FORK_SHIELD_MILLISECONDS) return false;
  shield->raised_at = now;
  return true;
}

void fork_shield_raise(struct fork_shield *shield) {
  pthread_mutex_lock(&all_lock);
  pthread_mutex_lock(&shield->lock);
  if (is_due(shield)) visit_all(shield, true);
  pthread_mutex_unlock(&shield->lock);
  pthread_mutex_unlock(&all_lock);
}

/*
 * The host's own forks. Between the two handlers no thread can raise a shield: their locks are held. (A hosted program
 * has a libc of its own and comes by none of this; vfork and posix_spawn share the memory and need nothing.)
 */
static pthread_once_t registered = PTHREAD_ONCE_INIT;

static void before_fork(void) {
  pthread_mutex_lock(&all_lock);
  for (struct fork_shield *shield = all; shield != NULL; shield = shield->next) {
    pthread_mutex_lock(&shield->lock);
    if (shield->raised_at != 0) visit_all(shield, false);
  }
}

static void after_fork_in_child(void) {
  for (struct fork_shield *shield = all; shield != NULL; shield = shield->next) pthread_mutex_unlock(&shield->lock);
  pthread_mutex_unlock(&all_lock);
}

static void after_fork_in_parent(void) {
  for (struct fork_shield *shield = all; shield != NULL; shield = shield->next)
    if (shield->raised_at != 0) visit_all(shield, true);
  after_fork_in_child();
}

static void register_handlers(void) { pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); }

void fork_shield_init(struct fork_shield *shield, const struct address_space *space, struct slot_space *slots) {
  memset(shield, 0, sizeof *shield);
  shield->space = space;
  shield->slots = slots;
  pthread_mutex_init(&shield->lock, NULL);
  pthread_once(&registered, register_handlers);
  pthread_mutex_lock(&all_lock);
  LIST_PREPEND(all, shield);
  pthread_mutex_unlock(&all_lock);
}

void fork_shield_destroy(struct fork_shield *shield) {
  pthread_mutex_lock(&all_lock);
  LIST_UNLINK(all, shield);
  if (shield->raised_at != 0) visit_all(shield, false);
  pthread_mutex_unlock(&all_lock);
  pthread_mutex_destroy(&shield->lock);
}
