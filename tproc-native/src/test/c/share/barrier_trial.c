#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "share/reaper.h"
#include "share/small_range.h"
#include "share/stepping.h"
#include "shared/barrier.h"

#define SLICES 4

/* A new one's places: the victim's, and the survivor's. */
#define VICTIMS 0u
#define SURVIVORS 1u

/* Rounds that the survivor may need until it gets through alone: one that is broken, one that it has missed. */
#define ROUNDS_MAX 4

struct scene {
  struct small_range range, copy;
  struct tproc_cache host;
};

/* Where entries of the board would be, which are copied with the tables, and which this trial has no use for. */
static struct tproc_barrier_words *barrier_of(const struct small_range *range) {
  return (struct tproc_barrier_words *)&range->view.board[8];
}

/* The survivor's part of a round, done by the victim, so that both have arrived: only places are looked at. */
static void arrive_for_survivor(struct tproc_barrier_words *barrier) {
  uint32_t round;
  tproc_barrier_arrive(barrier, SURVIVORS, &round);
}

static void victim(void *context) {
  static struct tproc_cache cache;
  struct scene *scene = context;
  struct tproc_barrier_words *barrier = barrier_of(&scene->range);
  attach_as(&scene->range, &cache, 0, 1);
  const struct tproc_waiter self = {&scene->range.view, cache.token};
  uint32_t round;
  int place = tproc_barrier_find(barrier, self.token);
  if (place < 0) place = tproc_barrier_claim(barrier, &self);
  if (place != VICTIMS) _exit(3);
  for (int i = 0; i < 2; i++) {
    arrive_for_survivor(barrier);
    tproc_barrier_arrive(barrier, VICTIMS, &round);
    if (tproc_barrier_look(barrier, self.view, round) != TPROC_BARRIER_ENDED) _exit(4);
  }
  tproc_barrier_arrive(barrier, VICTIMS, &round);
  if (tproc_barrier_look(barrier, self.view, round) != EAGAIN) _exit(5);
  if (tproc_barrier_give_up(barrier, self.view, round) != ETIMEDOUT) _exit(6);
  arrive_for_survivor(barrier);
  tproc_barrier_give_place_up(barrier, VICTIMS);
}

/* Arrives again and again. @return whether it has got through a round */
static bool gets_through(const struct small_range *range) {
  struct tproc_barrier_words *barrier = barrier_of(range);
  for (int i = 0; i < ROUNDS_MAX; i++) {
    uint32_t round;
    int result = tproc_barrier_arrive(barrier, SURVIVORS, &round);
    if (result == 0) result = tproc_barrier_look(barrier, &range->view, round);
    if (result == 0 || result == TPROC_BARRIER_ENDED) return true;
    if (result == EAGAIN) return false; /* it would sleep for ever */
  }
  return false;
}

static bool another_gets_in(const struct small_range *range, struct trial *trial) {
  static struct tproc_cache cache;
  attach_as(range, &cache, TPROC_OWNER_HOST, 2);
  const struct tproc_waiter another = {&range->view, cache.token};
  const int place = tproc_barrier_claim(barrier_of(range), &another);
  if (place != VICTIMS)
    fail_trial(trial, "instruction %llu: another was given place %d", (unsigned long long)trial->instructions, place);
  return place == VICTIMS;
}

static void kill_here(void *context, pid_t process, struct trial *trial) {
  struct scene *scene = context;
  small_range_copy(&scene->range, &scene->copy);
  struct tproc_barrier_words *barrier = barrier_of(&scene->copy);
  const bool was_party = barrier->places[VICTIMS] != 0;
  reaper_process_ended(&scene->copy.view, process, 0, 1);
  trial->checks++;
  /* Without the victim in it, the first round waits for a second party. */
  if (was_party && !gets_through(&scene->copy))
    fail_trial(trial, "instruction %llu: the survivor waits for the dead, round %x, place %llx",
               (unsigned long long)trial->instructions, (unsigned)barrier->state,
               (unsigned long long)barrier->places[VICTIMS]);
  if (!another_gets_in(&scene->copy, trial)) return;
  uint32_t round;
  tproc_barrier_arrive(barrier, VICTIMS, &round);
  if (!gets_through(&scene->copy))
    fail_trial(trial, "instruction %llu: with another party it does not go on",
               (unsigned long long)trial->instructions);
}

struct trial kill_with_barrier(void) {
  static struct scene scene;
  struct trial trial = {0};
  memset(&scene, 0, sizeof scene);
  small_range_open(&scene.range, SLICES);
  small_range_open(&scene.copy, SLICES);
  attach_as(&scene.range, &scene.host, TPROC_OWNER_HOST, 1);
  struct tproc_barrier_words *barrier = barrier_of(&scene.range);
  barrier->parties = 2;
  barrier->places[SURVIVORS] = scene.host.token;
  step_through(nothing, victim, kill_here, &scene, &trial);
  small_range_close(&scene.copy);
  small_range_close(&scene.range);
  return trial;
}
