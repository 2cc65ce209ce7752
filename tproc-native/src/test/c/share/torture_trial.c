#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "share/reaper.h"
#include "share/small_range.h"
#include "share/stepping.h"
#include "shared/heap.h"

#define SLICES 4096
#define HAND_OVERS 256
#define LIVE 400
#define WORKERS_MAX 16

struct scene {
  struct small_range range;
  _Atomic(void *) hand_over[HAND_OVERS];
  _Atomic bool is_swapping[WORKERS_MAX];
  _Atomic uint64_t operations, errors;
  char first_error[100];
  unsigned ended_in_a_swap;
};

struct block {
  uint64_t id;
  uint32_t size, check;
};

static uint64_t next(uint64_t *random) {
  *random ^= *random << 13;
  *random ^= *random >> 7;
  *random ^= *random << 17;
  return *random;
}

static void complain(struct scene *scene, const char *what) {
  if (atomic_fetch_add(&scene->errors, 1) == 0) snprintf(scene->first_error, sizeof scene->first_error, "%s", what);
}

static size_t a_size(uint64_t random) {
  if ((random >> 20) % 16 == 0) return 16 + (random >> 24) % 33000;
  if ((random >> 20) % 512 == 1) return 33000 + (random >> 24) % 600000;
  return 16 + random % 100;
}

static uint32_t check_of(const struct block *block) { return (uint32_t)((uintptr_t)block ^ block->size ^ block->id); }

static size_t written(const struct block *block) { return block->size < 256 ? block->size : 256; }

static void *make(struct scene *scene, struct tproc_cache *cache, uint64_t *random, uint64_t id) {
  const size_t size = a_size(next(random));
  struct block *block = tproc_heap_alloc(&scene->range.view, cache, size);
  if (block == NULL) return NULL;
  *block = (struct block){.id = id, .size = (uint32_t)size};
  block->check = check_of(block);
  memset(block + 1, (unsigned char)id, written(block) - sizeof *block);
  ((unsigned char *)block)[size - 1] = size > sizeof *block ? (unsigned char)id : ((unsigned char *)block)[size - 1];
  return block;
}

static void drop(struct scene *scene, struct tproc_cache *cache, struct block *block) {
  if (block->check != check_of(block)) complain(scene, "a block's head was overwritten");
  for (size_t i = sizeof *block; i < written(block); i++)
    if (((unsigned char *)block)[i] != (unsigned char)block->id) complain(scene, "a block was overwritten");
  if (block->size > sizeof *block && ((unsigned char *)block)[block->size - 1] != (unsigned char)block->id)
    complain(scene, "a block's end was overwritten");
  block->check = ~block->check;
  if (tproc_heap_free(&scene->range.view, cache, block) != 0) complain(scene, "a free was refused");
}

/*
 * A worker killed within takes one block along, never two: the one that it gave and did not put, or the one that it
 * took and was not given. Both are the host's then, and stand nowhere.
 */
static void *swap(struct scene *scene, const struct tproc_cache *cache, unsigned worker, uint64_t random, void *block) {
  atomic_store(&scene->is_swapping[worker], true);
  if (tproc_heap_give(&scene->range.view, block, TPROC_OWNER_HOST) != 0) complain(scene, "a gift was refused");
  void *got = atomic_exchange(&scene->hand_over[random % HAND_OVERS], block);
  if (got != NULL && tproc_heap_give(&scene->range.view, got, cache->owner) != 0) complain(scene, "taking was refused");
  atomic_store(&scene->is_swapping[worker], false);
  return got;
}

static _Noreturn void work(struct scene *scene, unsigned worker, uint64_t random) {
  static struct tproc_cache cache;
  static void *own[LIVE];
  const struct tproc_view *view = &scene->range.view;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  attach_as(&scene->range, &cache, 0, 1);
  for (uint64_t operations = 1;; operations++) {
    const uint64_t r = next(&random);
    void **place = &own[r % LIVE];
    if (*place == NULL)
      *place = make(scene, &cache, &random, operations);
    else if ((r >> 32) % 4 != 0)
      drop(scene, &cache, *place), *place = NULL;
    if ((r >> 40) % 8 == 0 && *place != NULL) *place = swap(scene, &cache, worker, r >> 16, *place);
    if (operations % 1024 == 0) atomic_fetch_add(&scene->operations, 1024);
    if (operations % (1 << 18) == 0) { /* its thread ends, and another begins */
      tproc_cache_detach(view, &cache);
      attach_as(&scene->range, &cache, 0, 1);
    }
  }
}

static pid_t start(struct scene *scene, unsigned worker, uint64_t seed) {
  fflush(NULL);
  const pid_t process = fork();
  if (process == 0) work(scene, worker, seed * 0x9e3779b97f4a7c15u | 1);
  return process;
}

static void end(struct scene *scene, unsigned worker, pid_t process, struct trial *trial) {
  int status;
  kill(process, SIGKILL);
  waitpid(process, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) fail_trial(trial, "a worker ended with %x", status);
  if (atomic_exchange(&scene->is_swapping[worker], false)) scene->ended_in_a_swap++;
  reaper_process_ended(&scene->range.view, process, 256 + SIGKILL, 1);
  reaper_forget(&scene->range.view, 1);
}

static void drain(struct scene *scene) {
  static struct tproc_cache cache;
  attach_as(&scene->range, &cache, TPROC_OWNER_HOST, 1);
  for (int i = 0; i < HAND_OVERS; i++)
    if (scene->hand_over[i] != NULL) drop(scene, &cache, scene->hand_over[i]);
  tproc_cache_detach(&scene->range.view, &cache);
}

static void judge(struct scene *scene, struct trial *trial) {
  const struct findings findings = small_range_check(&scene->range);
  const uint64_t left = small_range_blocks(&scene->range, 0);
  trial->checks = left;
  if (scene->errors > 0) fail_trial(trial, "%s", scene->first_error);
  if (findings.count > 0) fail_trial(trial, "%s", findings.first);
  if (left > scene->ended_in_a_swap)
    fail_trial(trial, "%llu blocks are lost by %u", (unsigned long long)left, scene->ended_in_a_swap);
  if (scene->operations == 0) fail_trial(trial, "no process has done anything");
}

struct trial torture(unsigned kills, unsigned workers, uint64_t seed) {
  struct trial trial = {0};
  pid_t process[WORKERS_MAX];
  struct scene *scene = mmap(NULL, sizeof *scene, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (scene == MAP_FAILED || workers > WORKERS_MAX) abort();
  small_range_open(&scene->range, SLICES);
  for (unsigned i = 0; i < workers; i++) process[i] = start(scene, i, seed + i);
  for (unsigned k = 0; k < kills && scene->errors == 0; k++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    usleep((unsigned)(seed >> 33) % 4000); /* where the kill falls is chance */
    const unsigned victim = (unsigned)(seed >> 50) % workers;
    end(scene, victim, process[victim], &trial);
    process[victim] = start(scene, victim, seed + k);
  }
  for (unsigned i = 0; i < workers; i++) end(scene, i, process[i], &trial);
  drain(scene);
  judge(scene, &trial);
  trial.instructions = scene->operations;
  small_range_close(&scene->range);
  munmap(scene, sizeof *scene);
  return trial;
}
