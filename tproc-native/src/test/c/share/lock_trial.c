#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "share/reaper.h"
#include "share/small_range.h"
#include "share/stepping.h"
#include "shared/event.h"
#include "shared/mutex.h"

#define SLICES 4

/* In the range's head, which is copied with the tables. */
struct objects {
  struct tproc_mutex_words mutex;   /* the victim's to take */
  struct tproc_mutex_words foreign; /* the host's, all the time */
  _Atomic uint32_t event;
};

struct scene {
  struct small_range range, copy;
  struct tproc_cache host;
};

static struct objects *objects_of(const struct small_range *range) {
  return (struct objects *)range->view.share->reserved_board;
}

static void victim(void *context) {
  static struct tproc_cache cache;
  struct scene *scene = context;
  struct objects *objects = objects_of(&scene->range);
  const struct timespec passed = {0, 0};
  attach_as(&scene->range, &cache, 0, 1);
  const struct tproc_waiter self = {&scene->range.view, cache.token};
  for (int i = 0; i < 2; i++) {
    tproc_mutex_take(&objects->mutex, &self, NULL);
    tproc_mutex_give(&objects->mutex, self.token);
  }
  tproc_mutex_try(&objects->mutex, &self);
  atomic_fetch_or(&objects->mutex.word, TPROC_MUTEX_WAITERS); /* as a waiting thread does */
  tproc_mutex_give(&objects->mutex, self.token);
  tproc_mutex_take(&objects->foreign, &self, &passed);
  tproc_event_sleep(&objects->event, tproc_event_announce(&objects->event), &self, &passed);
  tproc_event_wake(&objects->event);
}

/* A survivor that sleeps on the word would be woken, and get on. */
static void expect_passed_on(struct scene *scene, bool was_the_victims, struct trial *trial) {
  struct objects *objects = objects_of(&scene->copy);
  const struct tproc_waiter survivor = {&scene->copy.view, scene->host.token};
  const unsigned long long k = trial->instructions;
  if (was_the_victims && objects->mutex.word != (TPROC_MUTEX_DIED | TPROC_MUTEX_WAITERS))
    fail_trial(trial, "instruction %llu: the reaper left the lock at %x", k, objects->mutex.word);
  const int got = tproc_mutex_try(&objects->mutex, &survivor);
  if (got != (was_the_victims ? EOWNERDEAD : 0)) fail_trial(trial, "instruction %llu: locking said %d", k, got);
  if (was_the_victims && tproc_mutex_set_consistent(&objects->mutex, survivor.token) != 0)
    fail_trial(trial, "instruction %llu: it cannot be made consistent", k);
  if (tproc_mutex_give(&objects->mutex, survivor.token) != 0 || tproc_mutex_try(&objects->mutex, &survivor) != 0)
    fail_trial(trial, "instruction %llu: it cannot be locked again", k);
  if (tproc_mutex_try(&objects->foreign, &survivor) != EDEADLK)
    fail_trial(trial, "instruction %llu: the host's own lock is not its own any more", k);
}

static void kill_here(void *context, pid_t process, struct trial *trial) {
  struct scene *scene = context;
  small_range_copy(&scene->range, &scene->copy);
  struct objects *objects = objects_of(&scene->copy);
  const struct tproc_waiter survivor = {&scene->copy.view, scene->host.token};
  const uint32_t owner = objects->mutex.word & TPROC_MUTEX_TOKEN, event = objects->event;
  /* One survivor sleeps on the lock, and one on the event. */
  static struct tproc_cache second;
  attach_as(&scene->copy, &second, TPROC_OWNER_HOST, 2);
  const struct tproc_waiter sleeper = {&scene->copy.view, second.token};
  tproc_waits_on(&survivor, &objects->mutex, TPROC_WAIT_MUTEX);
  tproc_waits_on(&sleeper, &objects->event, TPROC_WAIT_EVENT);
  const struct reaped reaped = reaper_process_ended(&scene->copy.view, process, 0, 1);
  if (reaped.threads > 0 && (reaped.woken != 2 || objects->event == event))
    fail_trial(trial, "instruction %llu: %u sleepers were woken", (unsigned long long)trial->instructions,
               reaped.woken);
  expect_passed_on(scene, owner != 0, trial);
}

struct trial kill_with_locks(void) {
  static struct scene scene;
  struct trial trial = {0};
  memset(&scene, 0, sizeof scene);
  small_range_open(&scene.range, SLICES);
  small_range_open(&scene.copy, SLICES);
  attach_as(&scene.range, &scene.host, TPROC_OWNER_HOST, 1);
  const struct tproc_waiter host = {&scene.range.view, scene.host.token};
  tproc_mutex_take(&objects_of(&scene.range)->foreign, &host, NULL);
  step_through(nothing, victim, kill_here, &scene, &trial);
  small_range_close(&scene.copy);
  small_range_close(&scene.range);
  return trial;
}
