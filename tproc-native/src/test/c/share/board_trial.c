#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "share/reaper.h"
#include "share/small_range.h"
#include "share/stepping.h"
#include "shared/board.h"

#define SLICES 4
#define OLD_PID (1 << 23) /* no process's: the kernel's are below 1 << 22 */
#define OTHER_PID (OLD_PID + 1)
#define OLD_STATUS 7

struct scene {
  struct small_range range, copy;
  struct board_results *results; /* shared */
  enum board_race what;
  struct tproc_cache cache; /* each process has its own copy */
  pid_t pid;
};

struct board_results {
  int first; /* what publishing said; -1: not done */
  int second;
  int bad;
};

static struct tproc_publication named(const char *name, pid_t pid, uint32_t flags) {
  struct tproc_publication what = {.address = 4096, .size = strlen(name), .pid = pid, .flags = flags};
  snprintf(what.name, sizeof what.name, "%s", name);
  snprintf(what.type, sizeof what.type, "trial");
  return what;
}

static int publish(const struct small_range *range, const char *name, pid_t pid, uint32_t owner, uint32_t flags,
                   uint64_t *id) {
  struct tproc_publication what = named(name, pid, flags);
  const int failed = tproc_board_publish(&range->view, &what, owner);
  if (id != NULL) *id = what.id;
  return failed;
}

static uint64_t id_of(const struct small_range *range, const char *name) {
  struct tproc_publication found;
  return tproc_board_find(&range->view, name, &found) ? found.id : 0;
}

/* How many of a name there are, and how many of these have ended. */
static unsigned count(const struct small_range *range, const char *name, unsigned *ended) {
  struct tproc_publication each;
  unsigned all = 0;
  *ended = 0;
  for (uint32_t place = 0; tproc_board_next(&range->view, &place, &each);)
    if (strcmp(each.name, name) == 0) {
      all++;
      *ended += each.ended;
    }
  return all;
}

/* Everything there is to do, in each of its ways. */
static void victim(void *context) {
  static struct tproc_cache cache;
  struct scene *scene = context;
  const struct small_range *range = &scene->range;
  uint64_t one = 0;
  attach_as(range, &cache, 0, 1);
  publish(range, "one", getpid(), cache.owner, 0, &one);
  publish(range, "kept", getpid(), cache.owner, TPROC_BOARD_KEPT, NULL);
  publish(range, "host", getpid(), cache.owner, 0, NULL);
  publish(range, "old", getpid(), cache.owner, 0, NULL);
  tproc_board_withdraw(&range->view, one, getpid());
  tproc_board_withdraw(&range->view, id_of(range, "host"), getpid());
  publish(range, "one", getpid(), cache.owner, TPROC_BOARD_KEPT, NULL);
}

static void check_phases(const struct small_range *range, uint64_t k, struct trial *trial) {
  for (uint32_t i = 0; i < range->view.board_count; i++) {
    const uint64_t state = range->view.board[i].state;
    const uint32_t phase = (uint32_t)state & 15;
    const bool hosts = (state >> 16 & 0xffff) == TPROC_OWNER_HOST && phase == TPROC_BOARD_LIVE;
    if (phase != TPROC_BOARD_FREE && phase != TPROC_BOARD_ENDED && !hosts)
      fail_trial(trial, "instruction %llu: entry %u (%s) is left in phase %u", (unsigned long long)k, i,
                 range->view.board[i].name, phase);
  }
}

/* The next process has each name but the one that lives, and afterwards each is there once. */
static void survivors_go_on(const struct small_range *range, uint64_t k, bool has_one, struct trial *trial) {
  static const char *const names[] = {"one", "kept", "old", "host"};
  for (unsigned i = 0; i < 4; i++) {
    unsigned ended = 0;
    const int wanted = i == 3 || (i == 0 && has_one) ? EEXIST : 0;
    const int got = publish(range, names[i], getpid(), TPROC_OWNER_HOST, 0, NULL);
    if (got != wanted)
      fail_trial(trial, "instruction %llu: publishing %s said %d", (unsigned long long)k, names[i], got);
    if (count(range, names[i], &ended) != 1 || ended != 0)
      fail_trial(trial, "instruction %llu: %s is not there once", (unsigned long long)k, names[i]);
  }
}

static void check_kept(const struct small_range *range, pid_t process, uint64_t k, struct trial *trial) {
  struct tproc_publication each;
  for (uint32_t place = 0; tproc_board_next(&range->view, &place, &each);) {
    const bool right = !each.ended || (each.pid == process ? each.status == 256 + 9 : each.status == OLD_STATUS);
    const bool whole = each.size == strlen(each.name) && strcmp(each.type, "trial") == 0 && each.address == 4096;
    if (!right || !whole || (each.pid == process && (each.flags & TPROC_BOARD_KEPT) == 0))
      fail_trial(trial, "instruction %llu: %s of %d is %s, status %u", (unsigned long long)k, each.name, each.pid,
                 each.ended ? "ended" : "there", each.status);
  }
}

/* A process wants a name while the other stands still: what stands in the way is a living one alone. */
static bool want_one(const struct small_range *range, uint64_t k, struct trial *trial) {
  struct tproc_publication found;
  const bool there = tproc_board_find(&range->view, "one", &found) && !found.ended;
  const int got = publish(range, "one", getpid(), TPROC_OWNER_HOST, 0, NULL);
  if (got != (there ? EEXIST : 0))
    fail_trial(trial, "instruction %llu: publishing beside it said %d", (unsigned long long)k, got);
  return got == 0;
}

static void kill_here(void *context, pid_t process, struct trial *trial) {
  struct scene *scene = context;
  const uint64_t k = trial->instructions;
  const struct small_range *copy = &scene->copy;
  small_range_copy(&scene->range, &scene->copy);
  const bool has_one = k % 2 == 1 && want_one(copy, k, trial);
  const uint32_t before = copy->view.share->board_event;
  copy->view.share->board_event = before | 1; /* a thread waits for a name */
  const bool published = id_of(copy, "one") != 0 || id_of(copy, "kept") != 0;
  const struct reaped reaped = reaper_process_ended(&copy->view, process, 256 + 9, 1);
  if (published && !has_one && reaped.owners > 0 && copy->view.share->board_event == (before | 1))
    fail_trial(trial, "instruction %llu: no thread was told", (unsigned long long)k);
  check_phases(copy, k, trial);
  check_kept(copy, process, k, trial);
  survivors_go_on(copy, k, has_one, trial);
  trial->checks++;
}

/* One who has ended, and is remembered; and the host's. */
static void set_up(struct scene *scene) {
  struct tproc_cache old;
  memset(scene, 0, sizeof *scene);
  small_range_open(&scene->range, SLICES);
  small_range_open(&scene->copy, SLICES);
  scene->results = mmap(NULL, sizeof *scene->results, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  attach_process(&scene->range, &old, OLD_PID);
  publish(&scene->range, "old", OLD_PID, old.owner, TPROC_BOARD_KEPT, NULL);
  publish(&scene->range, "host", getpid(), TPROC_OWNER_HOST, 0, NULL);
  reaper_process_ended(&scene->range.view, OLD_PID, OLD_STATUS, 2);
}

static void tear_down(struct scene *scene) {
  munmap(scene->results, sizeof *scene->results);
  small_range_close(&scene->copy);
  small_range_close(&scene->range);
}

struct trial kill_with_registry(void) {
  static struct scene scene;
  struct trial trial = {0};
  set_up(&scene);
  step_through(nothing, victim, kill_here, &scene, &trial);
  tear_down(&scene);
  return trial;
}

/* ---- two at a time --------------------------------------------------------------------------------------------- */

static void prepare(void *context) {
  struct scene *scene = context;
  scene->pid = getpid();
  attach_process(&scene->range, &scene->cache, scene->pid);
}

static void first(void *context) {
  struct scene *scene = context;
  uint64_t id = 0;
  scene->results->first = publish(&scene->range, "old", scene->pid, scene->cache.owner, 0, &id);
  if (scene->what != RACE_WITHDRAW || scene->results->first != 0) return;
  scene->results->bad += tproc_board_withdraw(&scene->range.view, id, scene->pid) != 0;
  scene->results->first = publish(&scene->range, "old", scene->pid, scene->cache.owner, 0, NULL);
}

static void second(struct scene *scene) {
  struct tproc_cache cache;
  attach_process(&scene->range, &cache, OTHER_PID);
  scene->results->second = publish(&scene->range, "old", OTHER_PID, cache.owner, 0, NULL);
}

static void check_race(const struct scene *scene, uint64_t k, struct trial *trial) {
  struct tproc_publication found;
  unsigned ended = 0;
  const struct board_results *results = scene->results;
  const unsigned all = count(&scene->range, "old", &ended);
  const bool one_won =
      (results->first == 0 && results->second == EEXIST) || (results->first == EEXIST && results->second == 0);
  if (!one_won || results->bad > 0 || all != 1 || ended != 0)
    fail_trial(trial, "instruction %llu: publishing said %d and %d, and %u are there", (unsigned long long)k,
               results->first, results->second, all);
  if (!tproc_board_find(&scene->range.view, "old", &found) || (found.pid == OTHER_PID) != (results->second == 0))
    fail_trial(trial, "instruction %llu: the wrong one is there", (unsigned long long)k);
}

/* @return whether the first had done all its work within k instructions */
static bool try_at(struct scene *scene, uint64_t k, struct trial *trial) {
  bool done = false;
  small_range_copy(&scene->copy, &scene->range);
  *scene->results = (struct board_results){.first = -1, .second = -1};
  const pid_t process = start_stepped(prepare, first, scene);
  for (uint64_t i = 0; i < k && !done; i++) done = !step(process);
  second(scene);
  if (!run_on(process, done)) fail_trial(trial, "instruction %llu: it did not end well", (unsigned long long)k);
  check_race(scene, k, trial);
  return done;
}

struct trial race_for_a_name(enum board_race what, uint64_t from, uint64_t stride) {
  static struct scene scene;
  struct trial trial = {.instructions = from};
  set_up(&scene);
  scene.what = what;
  small_range_copy(&scene.range, &scene.copy);
  while (trial.failures == 0 && !try_at(&scene, trial.instructions, &trial)) {
    trial.instructions += stride;
    trial.checks++;
  }
  tear_down(&scene);
  return trial;
}
