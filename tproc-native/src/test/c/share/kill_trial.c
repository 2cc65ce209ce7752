#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "share/accounts.h"
#include "share/reaper.h"
#include "share/small_range.h"
#include "share/stepping.h"
#include "shared/account.h"
#include "shared/heap.h"

#define SLICES 40
#define GIVEN 103
#define SURVIVORS_EVERY 16
#define OTHER_PID 999999
#define LIMIT (1u << 20)
#define LARGEST (4u << 16) /* bytes that one call of the victim's may be about */

struct scene {
  struct small_range range, copy;
  struct tproc_cache other;               /* the host, or another process: it dies last */
  struct tproc_account_of_launch account; /* somebody's, or none */
  void *given[GIVEN];                     /* the other's blocks */
  uint64_t others;                        /* how many blocks it had at the last look */
};

/* All there is to do with the heap, each at least once in each of its ways. */
static void victim(void *context) {
  static struct tproc_cache cache;
  struct scene *scene = context;
  const struct tproc_view *view = &scene->range.view;
  void *own[240];
  attach_as(&scene->range, &cache, 0, 1);
  for (int i = 0; i < 70; i++) own[i] = tproc_heap_alloc(view, &cache, 64); /* a slice, and a second group */
  for (int i = 0; i < 20; i++) tproc_heap_free(view, &cache, scene->given[i]);
  for (int i = 20; i < 25; i++) tproc_heap_give(view, scene->given[i], cache.owner);
  for (int i = 0; i < 5; i++) tproc_heap_give(view, own[i], scene->other.owner);
  for (int i = 5; i < 70; i += 2) tproc_heap_free(view, &cache, own[i]);
  void *large = tproc_heap_alloc(view, &cache, 200000), *kept = tproc_heap_alloc(view, &cache, 70000);
  tproc_heap_free(view, &cache, large);
  large = tproc_heap_alloc(view, &cache, 140000);
  tproc_heap_give(view, large, scene->other.owner);
  for (int i = 0; i < 40; i++) own[100 + i] = tproc_heap_alloc(view, &cache, 4096); /* several slices */
  for (int i = 0; i < 40; i++) tproc_heap_free(view, &cache, own[100 + i]);
  for (int i = 0; i < 36; i++) own[100 + i] = tproc_heap_alloc(view, &cache, 4096); /* gives some back on its way */
  for (int i = 0; i < 16; i++) tproc_heap_free(view, &cache, own[120 + i]);
  tproc_cache_detach(view, &cache);
  attach_as(&scene->range, &cache, 0, 2);
  for (int i = 0; i < 20; i++) own[120 + i] = tproc_heap_alloc(view, &cache, 4096); /* adopts */
  for (int i = 0; i < 40; i++) tproc_heap_free(view, &cache, own[100 + i]);
  tproc_heap_free(view, &cache, kept);
  if (cache.account != 0 && tproc_heap_alloc(view, &cache, LIMIT) != NULL) _exit(9); /* there is some more */
}

/* The count may be too high by what the dead one was about to do, and only until it matters. */
static void expect_a_right_account(const struct scene *scene, struct trial *trial) {
  const struct tproc_view *view = &scene->copy.view;
  const uint32_t account = scene->account.number;
  const int64_t counted = tproc_account_used(view, account), owned = (int64_t)tproc_account_count(view, account);
  if (counted < owned || counted - owned > LARGEST)
    fail_trial(trial, "instruction %llu: %lld bytes are counted, %lld owned", (unsigned long long)trial->instructions,
               (long long)counted, (long long)owned);
  const bool refused = !tproc_account_charge(view, account, LIMIT + 16);
  const int64_t anew = tproc_account_used(view, account);
  if (!refused || anew != owned)
    fail_trial(trial, "instruction %llu: %lld bytes are owned, %lld were counted, and then %lld",
               (unsigned long long)trial->instructions, (long long)owned, (long long)counted, (long long)anew);
}

/* What the others allocate now meets nothing that is allocated. */
static void survivors_go_on(struct scene *scene, struct trial *trial) {
  static struct tproc_cache cache;
  const struct tproc_view *view = &scene->copy.view;
  const uint64_t before = small_range_blocks(&scene->copy, 0);
  unsigned allocated = 0;
  attach_as(&scene->copy, &cache, TPROC_OWNER_HOST, 99);
  for (int i = 0; i < 150; i++) allocated += tproc_heap_alloc(view, &cache, 64) != NULL;
  for (int i = 0; i < 20; i++) allocated += tproc_heap_alloc(view, &cache, 4096) != NULL;
  allocated += tproc_heap_alloc(view, &cache, 150000) != NULL;
  const uint64_t after = small_range_blocks(&scene->copy, 0);
  if (allocated != 171 || after != before + allocated)
    fail_trial(trial, "instruction %llu: survivors got %u blocks, %llu became %llu",
               (unsigned long long)trial->instructions, allocated, (unsigned long long)before,
               (unsigned long long)after);
  trial->checks++;
}

static void expect_nothing_of_the_dead(const struct scene *scene, struct trial *trial) {
  for (uint32_t i = 1; i < SLICES; i++) {
    const uint32_t owner = tproc_slice_owner(&scene->copy.view, i);
    if (tproc_is_token(owner) && owner != scene->other.token)
      fail_trial(trial, "instruction %llu: slice %u is still %x's", (unsigned long long)trial->instructions, i, owner);
  }
}

/* As if it had been killed here. */
static void kill_here(void *context, pid_t process, struct trial *trial) {
  struct scene *scene = context;
  small_range_copy(&scene->range, &scene->copy);
  reaper_process_ended(&scene->copy.view, process, 256 + 9, 1);
  struct findings findings = small_range_check(&scene->copy);
  expect_nothing_of_the_dead(scene, trial);
  reaper_forget(&scene->copy.view, 1);
  if (findings.count == 0) findings = small_range_check(&scene->copy);
  if (findings.count > 0)
    fail_trial(trial, "instruction %llu: %s", (unsigned long long)trial->instructions, findings.first);
  const uint64_t all = small_range_blocks(&scene->copy, 0);
  const uint64_t others = small_range_blocks(&scene->copy, scene->other.owner);
  const int64_t change = (int64_t)(others - scene->others);
  if (all != others || change < -1 || change > 1)
    fail_trial(trial, "instruction %llu: %llu blocks, the other's %llu, just now %llu",
               (unsigned long long)trial->instructions, (unsigned long long)all, (unsigned long long)others,
               (unsigned long long)scene->others);
  scene->others = others;
  if (scene->account.number != 0) expect_a_right_account(scene, trial);
  if (trial->instructions % SURVIVORS_EVERY == 0) survivors_go_on(scene, trial);
}

/* Before anybody attaches who is to be in it. */
static void open_account(struct scene *scene) {
  if (accounts_open(&scene->range.view, LIMIT, &scene->account) != 0) abort();
  scene->range.view.own = scene->account;
}

static void attach_other(struct scene *scene, enum limited whose) {
  if (whose == LIMITED_OTHER) {
    open_account(scene);
    attach_process(&scene->range, &scene->other, OTHER_PID);
    scene->range.view.own = (struct tproc_account_of_launch){0};
    return;
  }
  attach_as(&scene->range, &scene->other, TPROC_OWNER_HOST, 1);
  if (whose == LIMITED_VICTIM) open_account(scene);
}

struct trial kill_at_every_instruction(enum limited whose) {
  static struct scene scene;
  struct trial trial = {0};
  memset(&scene, 0, sizeof scene);
  small_range_open(&scene.range, SLICES);
  small_range_open(&scene.copy, SLICES);
  attach_other(&scene, whose);
  for (int i = 0; i < 100; i++) scene.given[i] = tproc_heap_alloc(&scene.range.view, &scene.other, 64);
  for (int i = 100; i < GIVEN; i++) scene.given[i] = tproc_heap_alloc(&scene.range.view, &scene.other, 1000);
  scene.others = GIVEN;
  step_through(nothing, victim, kill_here, &scene, &trial);
  const uint64_t left = GIVEN - 25 + 5 + 1;
  if (scene.others != left)
    fail_trial(&trial, "the other has %llu blocks in the end, not %llu", (unsigned long long)scene.others,
               (unsigned long long)left);
  small_range_close(&scene.copy);
  small_range_close(&scene.range);
  return trial;
}
