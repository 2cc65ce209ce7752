#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "share/reaper.h"
#include "share/small_range.h"
#include "share/stepping.h"
#include "shared/heap.h"

#define SLICES 48
#define STOCK 70

/* No process has it: the kernel's are below 1 << 22. */
#define OTHER_PID (1 << 23)

/* In memory that all share. */
struct results {
  void *kept[2][64];
  uint32_t count[2];
  uint32_t bad;     /* calls that failed */
  uint32_t foreign; /* slices in a ring that are another thread's */
};

struct scene {
  struct small_range range, start;
  struct results *results;
  void *stock[STOCK]; /* of 1,024 bytes, in slices that no thread has */
  enum preemption what;
  int me;
  pid_t pid;                /* as which it attaches */
  struct tproc_cache cache; /* each process has its own copy */
};

static void *alloc(struct scene *scene, size_t size) {
  return tproc_heap_alloc(&scene->range.view, &scene->cache, size);
}

static void release(struct scene *scene, void *block) {
  scene->results->bad += tproc_heap_free(&scene->range.view, &scene->cache, block) != 0;
}

static void keep(struct scene *scene, size_t size) {
  uint64_t *block = alloc(scene, size);
  if (block == NULL) {
    scene->results->bad++;
    return;
  }
  *block = (uint64_t)(uintptr_t)block ^ (uint64_t)scene->me;
  scene->results->kept[scene->me][scene->results->count[scene->me]++] = block;
}

/* Four slices of which two are empty, and the next allocation looks for blocks. */
static void prepare_release(struct scene *scene) {
  void *blocks[32];
  for (int i = 0; i < 32; i++) blocks[i] = alloc(scene, 8192);
  for (int i = 0; i < 32; i++) release(scene, blocks[i]);
  struct tproc_bin *bin = &scene->cache.bins[tproc_size_class_of(8192)];
  bin->skip = bin->skipped = 0;
  for (int i = 0; i < 16; i++) alloc(scene, 8192);
  bin->skip = bin->skipped = 0;
}

static void prepare(void *context) {
  struct scene *scene = context;
  scene->pid = getpid();
  attach_process(&scene->range, &scene->cache, scene->pid);
  if (scene->what == PREEMPT_RELEASE) prepare_release(scene);
}

static void work(void *context) {
  struct scene *scene = context;
  switch (scene->what) {
    case PREEMPT_CLAIM:
      keep(scene, 4096);
      keep(scene, 4096);
      keep(scene, 100000);
      break;
    case PREEMPT_ADOPT:
      for (int i = 0; i < 3; i++) keep(scene, 3072);
      break;
    case PREEMPT_RELEASE:
      for (int i = 0; i < 2; i++) keep(scene, 8192);
      break;
    case PREEMPT_FREE:
      for (int i = scene->me; i < 8; i += 2) release(scene, scene->stock[i]);
      for (int i = 66 + scene->me; i < STOCK; i += 2)
        scene->results->bad += tproc_heap_give(&scene->range.view, scene->stock[i], TPROC_OWNER_HOST) != 0;
      for (int i = 0; i < 5; i++) keep(scene, 1024);
      break;
    case PREEMPT_LARGE:
      keep(scene, 150000);
      release(scene, alloc(scene, 70000));
      keep(scene, 150000);
      break;
    default:
      tproc_cache_detach(&scene->range.view, &scene->cache);
      attach_process(&scene->range, &scene->cache, scene->pid);
      keep(scene, 3072);
      keep(scene, 16);
  }
}

/* After the work, at full speed. */
static void check_rings(struct scene *scene) {
  for (uint32_t c = 1; c < TPROC_CLASS_COUNT; c++) {
    const struct tproc_bin *bin = &scene->cache.bins[c];
    uint32_t slice = bin->cursor;
    for (uint32_t left = bin->slices; left > 0; left--) {
      scene->results->foreign += tproc_slice_owner(&scene->range.view, slice) != scene->cache.token;
      slice = scene->range.view.slices[slice].next;
    }
  }
}

static void work_and_check(void *context) {
  work(context);
  check_rings(context);
}

/* In this process, on the range or on a copy, as one that does not exist. */
static void other(const struct scene *scene, const struct small_range *range) {
  static struct scene second;
  second = *scene;
  second.range = *range;
  second.me = 1;
  second.pid = OTHER_PID;
  attach_process(range, &second.cache, second.pid);
  if (second.what == PREEMPT_RELEASE) prepare_release(&second);
  work_and_check(&second);
}

/* A process that has gone leaves slices, and blocks that are the host's. */
static void leave_a_stock(struct scene *scene) {
  attach_as(&scene->range, &scene->cache, 0, 1);
  const uint32_t owner = scene->cache.owner;
  for (int i = 0; i < 30; i++)
    if (tproc_heap_give(&scene->range.view, alloc(scene, 3072), TPROC_OWNER_HOST) != 0) scene->results->bad++;
  for (int i = 0; i < STOCK; i++) {
    scene->stock[i] = alloc(scene, 1024);
    if (tproc_heap_give(&scene->range.view, scene->stock[i], TPROC_OWNER_HOST) != 0) scene->results->bad++;
  }
  tproc_cache_detach(&scene->range.view, &scene->cache);
  atomic_store(&scene->range.view.owners[owner].pid, 0);
}

static void check_kept(const struct scene *scene, const struct small_range *range, int me, uint64_t k,
                       struct trial *trial) {
  for (uint32_t i = 0; i < scene->results->count[me]; i++) {
    const uint64_t *block = scene->results->kept[me][i];
    if (*block != ((uint64_t)(uintptr_t)block ^ (uint64_t)me))
      fail_trial(trial, "instruction %llu: a block was given to both", (unsigned long long)k);
    if (tproc_heap_owner_of(&range->view, block) == 0)
      fail_trial(trial, "instruction %llu: an allocated block is free", (unsigned long long)k);
  }
}

static void check_results(const struct scene *scene, uint64_t k, struct trial *trial) {
  if (scene->results->bad > 0) fail_trial(trial, "instruction %llu: a call failed", (unsigned long long)k);
  if (scene->results->foreign > 0)
    fail_trial(trial, "instruction %llu: a slice is in two rings", (unsigned long long)k);
}

static void check_range(const struct small_range *range, uint64_t k, const char *when, struct trial *trial) {
  const struct findings findings = small_range_check(range);
  if (findings.count > 0) fail_trial(trial, "instruction %llu, %s: %s", (unsigned long long)k, when, findings.first);
}

static void end(const struct small_range *range, pid_t process) {
  reaper_process_ended(&range->view, process, 0, 1);
  reaper_forget(&range->view, 1);
}

static void check_nothing_left(const struct small_range *range, uint64_t k, struct trial *trial) {
  check_range(range, k, "after all", trial);
  if (small_range_blocks(range, 0) != small_range_blocks(range, TPROC_OWNER_HOST))
    fail_trial(trial, "instruction %llu: blocks of the dead are left", (unsigned long long)k);
}

static void set_up(struct scene *scene, enum preemption what) {
  memset(scene, 0, sizeof *scene);
  scene->what = what;
  small_range_open(&scene->range, SLICES);
  small_range_open(&scene->start, SLICES);
  scene->results = mmap(NULL, sizeof *scene->results, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  leave_a_stock(scene);
  small_range_copy(&scene->range, &scene->start);
}

static void tear_down(struct scene *scene) {
  munmap(scene->results, sizeof *scene->results);
  small_range_close(&scene->start);
  small_range_close(&scene->range);
}

/* Of the stock, which lies at the same place in the copy. */
static void move_stock(struct scene *scene, const struct small_range *from, const struct small_range *to) {
  for (int i = 0; i < STOCK; i++) scene->stock[i] = to->base + ((unsigned char *)scene->stock[i] - from->base);
}

/* What the first has done so far, in a copy, where it does not go on. */
static void kill_here(void *context, pid_t first, struct trial *trial) {
  struct scene *scene = context;
  const uint64_t k = trial->instructions;
  const struct results so_far = *scene->results;
  struct small_range *copy = &scene->start;
  small_range_copy(&scene->range, copy);
  move_stock(scene, &scene->range, copy);
  scene->results->bad = 0;
  other(scene, copy);
  move_stock(scene, copy, &scene->range);
  check_results(scene, k, trial);
  check_kept(scene, copy, 1, k, trial);
  end(copy, first);
  check_range(copy, k, "after its end", trial);
  check_kept(scene, copy, 1, k, trial);
  end(copy, OTHER_PID);
  check_nothing_left(copy, k, trial);
  *scene->results = so_far;
}

struct trial preempt_and_kill(enum preemption what) {
  static struct scene scene;
  struct trial trial = {0};
  set_up(&scene, what);
  step_through(prepare, work, kill_here, &scene, &trial);
  tear_down(&scene);
  return trial;
}

/* @return whether the first had done all its work within k instructions */
static bool try_at(struct scene *scene, uint64_t k, struct trial *trial) {
  bool done = false;
  small_range_copy(&scene->start, &scene->range);
  memset(scene->results, 0, sizeof *scene->results);
  const pid_t first = start_stepped(prepare, work_and_check, scene);
  for (uint64_t i = 0; i < k && !done; i++) done = !step(first);
  other(scene, &scene->range);
  if (!run_on(first, done)) fail_trial(trial, "instruction %llu: it did not end well", (unsigned long long)k);
  check_results(scene, k, trial);
  check_kept(scene, &scene->range, 0, k, trial);
  check_kept(scene, &scene->range, 1, k, trial);
  check_range(&scene->range, k, "with both", trial);
  end(&scene->range, first);
  check_range(&scene->range, k, "after its end", trial);
  end(&scene->range, OTHER_PID);
  check_nothing_left(&scene->range, k, trial);
  return done;
}

struct trial preempt_and_go_on(enum preemption what, uint64_t first, uint64_t stride) {
  static struct scene scene;
  struct trial trial = {.instructions = first};
  set_up(&scene, what);
  while (trial.failures == 0 && !try_at(&scene, trial.instructions, &trial)) {
    trial.instructions += stride;
    trial.checks++;
  }
  tear_down(&scene);
  return trial;
}
