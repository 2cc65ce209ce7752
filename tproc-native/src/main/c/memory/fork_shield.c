#include "memory/fork_shield.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
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

/*
 * What others had marked before the first host: pinned buffers, secrets. It stays as it is. Under all_lock.
 */
static struct range_set marked_by_others;

/* As madvise, but for what others have marked. */
static void advise(struct address_range range, int advice) {
  struct address_range others;
  while (range_set_lowest(&marked_by_others, range, &others)) {
    if (others.low > range.low) madvise((void *)range.low, others.low - range.low, advice);
    range.low = others.high;
  }
  if (range_size(range) > 0) madvise((void *)range.low, range_size(range), advice);
}

static void mark(struct address_range range) { advise(range, MADV_DONTFORK); }

struct pass {
  struct fork_shield *shield;
  bool raise;
  unsigned left;  /**< so many mappings more, ... */
  uint64_t until; /**< ... or until then (nanoseconds of CLOCK_MONOTONIC); 0: none has been visited yet */
  bool stopped;
  uint64_t reached; /**< the end of the last one */
};

/* The kernel's own ([vdso], [vvar] ...), which a forked child uses, too, and what the kernel grows by itself. */
static bool stays(const char *name) { return strncmp(name, "[v", 2) == 0 || strcmp(name, "[stack]") == 0; }

static void consider(const struct pass *pass, const struct mapping *mapping) {
  if (mapping->shared || stays(mapping->name)) return;
  if (range_contains(slot_space_range(pass->shield->slots), mapping->range.low)) {
    slot_mark_out_of_forks(pass->shield->slots, mapping->range);
    return;
  }
  if (pass->raise) {
    if (is_a_threadprocs(mapping->range)) {
      slot_mark_out_of_forks(pass->shield->slots, mapping->range);
      return;
    }
    range_set_visit_rest(&pass->shield->kept, mapping->range, mark);
    if (!is_a_threadprocs(mapping->range)) return; /* else a threadproc has mapped it meanwhile */
  }
  advise(mapping->range, MADV_DOFORK);
}

/* To mark one takes a microsecond, unless somebody has the kernel's lock on the memory: there is no saying how long. */
static bool visit_one(const struct mapping *mapping, void *context) {
  struct pass *pass = context;
  if (pass->until == 0) pass->until = clock_nanoseconds(CLOCK_MONOTONIC) + pass->shield->nanoseconds_at_once;
  consider(pass, mapping);
  pass->reached = mapping->range.high;
  pass->stopped = --pass->left == 0 || clock_nanoseconds(CLOCK_MONOTONIC) >= pass->until;
  return !pass->stopped;
}

static void visit_slots(struct pass *pass, uint64_t from) {
  struct address_range slot;
  while (!pass->stopped && slot_next_out_of_forks(pass->shield->slots, from, &slot)) {
    address_space_visit(pass->shield->space, slot, visit_one, pass);
    from = slot.high;
  }
}

/* @return where to go on, or 0 when all has been visited */
static uint64_t visit_some(struct pass *pass, uint64_t from) {
  const struct fork_shield *shield = pass->shield;
  const struct address_range middle = slot_space_range(shield->slots);
  if (from < middle.low) {
    address_space_visit(shield->space, (struct address_range){from, middle.low}, visit_one, pass);
    if (pass->stopped) return pass->reached;
    from = middle.low;
  }
  if (pass->raise && from < middle.high) {
    visit_slots(pass, from);
    if (pass->stopped) return pass->reached;
  }
  const uint64_t above = from > middle.high ? from : middle.high;
  address_space_visit(shield->space, (struct address_range){above, INT64_MAX}, visit_one, pass);
  return pass->stopped ? pass->reached : 0;
}

static void visit_all(struct fork_shield *shield, bool raise) {
  struct pass pass = {.shield = shield, .raise = raise, .left = UINT_MAX, .until = UINT64_MAX};
  shield->resume = 0;
  visit_some(&pass, 0);
}

static bool extend(const struct mapping *mapping, void *context) {
  struct address_range *range = context;
  if (range_size(mapping->range) > FORK_SHIELD_KEPT_WHOLE) return true;
  if (mapping->range.low < range->low) range->low = mapping->range.low;
  if (mapping->range.high > range->high) range->high = mapping->range.high;
  return true;
}

int fork_shield_keep(struct fork_shield *shield, struct address_range range) {
  struct address_range kept = {page_floor(range.low), page_ceil(range.high)};
  int failed = 0;
  pthread_mutex_lock(&shield->lock);
  if (!range_set_covers(&shield->kept, kept)) {
    address_space_visit_writable(shield->space, kept, extend, &kept);
    failed = range_set_prepare(&shield->kept) ? 0 : -ENOMEM;
    if (!failed) range_set_add(&shield->kept, kept);
    if (!failed) madvise((void *)kept.low, range_size(kept), MADV_DOFORK);
  }
  pthread_mutex_unlock(&shield->lock);
  return failed;
}

static bool is_due(struct fork_shield *shield) {
  const uint64_t now = clock_milliseconds();
  if (shield->raised_at != 0 && now - shield->raised_at < FORK_SHIELD_MILLISECONDS) return false;
  shield->raised_at = now;
  return true;
}

/* So many mappings are visited while others wait, and for so long. Where the kernel is not asked for each, all at once
 * are quicker. */
#define QUERIED_NANOSECONDS 2000000
#define READ_NANOSECONDS 20000000
static unsigned mappings_at_once(const struct fork_shield *shield) { return shield->space->can_query ? 512 : UINT_MAX; }

/* With all_lock. @return whether there is more to do at once */
static bool raise_some(struct fork_shield *shield) {
  pthread_mutex_lock(&shield->lock);
  struct pass pass = {.shield = shield, .raise = true, .left = mappings_at_once(shield)};
  if (shield->resume != 0 || is_due(shield)) shield->resume = visit_some(&pass, shield->resume);
  const bool more = shield->resume != 0;
  pthread_mutex_unlock(&shield->lock);
  return more;
}

bool fork_shield_raise_some(struct fork_shield *shield) {
  if (pthread_mutex_trylock(&all_lock) != 0) return false;
  const bool more = raise_some(shield);
  pthread_mutex_unlock(&all_lock);
  return more;
}

void fork_shield_raise(struct fork_shield *shield) {
  bool more;
  do {
    pthread_mutex_lock(&all_lock);
    more = raise_some(shield);
    pthread_mutex_unlock(&all_lock);
  } while (more);
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

static void note_marked(struct address_range range) {
  if (range_set_prepare(&marked_by_others)) range_set_add(&marked_by_others, range);
}

/*
 * The kernel tells of each mapping by its flags in smaps: dc (do not copy). Where this thread's own stack has it,
 * another copy of this library has raised a shield: then nothing is known of others.
 */
static void find_marked_by_others(void) {
  FILE *file = fopen("/proc/self/smaps", "re");
  char *line = NULL;
  size_t room = 0;
  struct address_range range = {0, 0}, read;
  if (file == NULL) return;
  while (getline(&line, &room, file) > 0) {
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &read.low, &read.high) == 2) range = read;
    if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " dc") != NULL) note_marked(range);
  }
  free(line);
  fclose(file);
  const struct address_range own = {(uint64_t)&range, (uint64_t)(&range + 1)};
  if (range_set_overlaps(&marked_by_others, own)) range_set_release(&marked_by_others);
}

void fork_shield_init(struct fork_shield *shield, const struct address_space *space, struct slot_space *slots) {
  memset(shield, 0, sizeof *shield);
  shield->space = space;
  shield->slots = slots;
  shield->nanoseconds_at_once = space->can_query ? QUERIED_NANOSECONDS : READ_NANOSECONDS;
  pthread_mutex_init(&shield->lock, NULL);
  pthread_once(&registered, register_handlers);
  pthread_mutex_lock(&all_lock);
  if (all == NULL) find_marked_by_others();
  LIST_PREPEND(all, shield);
  pthread_mutex_unlock(&all_lock);
}

void fork_shield_destroy(struct fork_shield *shield) {
  pthread_mutex_lock(&all_lock);
  LIST_UNLINK(all, shield);
  if (shield->raised_at != 0) visit_all(shield, false);
  if (all == NULL) range_set_release(&marked_by_others);
  pthread_mutex_unlock(&all_lock);
  range_set_release(&shield->kept);
  pthread_mutex_destroy(&shield->lock);
}
