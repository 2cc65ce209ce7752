#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "shared/barrier.h"
#include "shared/event.h"
#include "shared/mutex.h"
#include "shared/semaphore.h"
#include "thread.h"
#include "tproc.h"

_Static_assert(sizeof(struct tproc_mutex) == sizeof(struct tproc_mutex_words), "one layout");
_Static_assert(offsetof(struct tproc_mutex, reserved) == offsetof(struct tproc_mutex_words, lost), "one layout");

_Static_assert(sizeof(struct tproc_semaphore) == sizeof(struct tproc_semaphore_words), "one layout");
_Static_assert(offsetof(struct tproc_semaphore, posted) == offsetof(struct tproc_semaphore_words, posted),
               "one layout");

_Static_assert(sizeof(struct tproc_barrier) == sizeof(struct tproc_barrier_words), "one layout");
_Static_assert(offsetof(struct tproc_barrier, places) == offsetof(struct tproc_barrier_words, places), "one layout");
_Static_assert(TPROC_BARRIER_MAX == TPROC_BARRIER_PLACES && TPROC_BARRIER_SERIAL == TPROC_BARRIER_ENDED, "one number");

/* When a program dies the host knows only of the shared range what to do with it. */
static bool is_shared(const void *object) {
  const uintptr_t offset = (uintptr_t)object - (uintptr_t)tproc_view.share;
  return offset < tproc_view.size && offset % 4 == 0;
}

static int enter(const void *object, struct tproc_waiter *waiter) {
  if (__builtin_expect(tproc_cache->token == 0, 0)) {
    const int failed = tproc_take_part();
    if (failed) return failed;
  }
  *waiter = (struct tproc_waiter){&tproc_view, tproc_cache->token};
  return is_shared(object) ? 0 : EINVAL;
}

static struct tproc_mutex_words *words(struct tproc_mutex *mutex) { return (struct tproc_mutex_words *)mutex; }

int tproc_mutex_lock(struct tproc_mutex *mutex) { return tproc_mutex_timedlock(mutex, NULL); }

int tproc_mutex_timedlock(struct tproc_mutex *mutex, const struct timespec *deadline) {
  struct tproc_waiter waiter;
  const int failed = enter(mutex, &waiter);
  return failed ? failed : tproc_mutex_take(words(mutex), &waiter, deadline);
}

int tproc_mutex_trylock(struct tproc_mutex *mutex) {
  struct tproc_waiter waiter;
  const int failed = enter(mutex, &waiter);
  return failed ? failed : tproc_mutex_try(words(mutex), &waiter);
}

int tproc_mutex_unlock(struct tproc_mutex *mutex) {
  return tproc_cache->token == 0 ? EPERM : tproc_mutex_give(words(mutex), tproc_cache->token);
}

int tproc_mutex_consistent(struct tproc_mutex *mutex) {
  return tproc_cache->token == 0 ? EINVAL : tproc_mutex_set_consistent(words(mutex), tproc_cache->token);
}

static _Atomic uint32_t *word(struct tproc_event *event) { return (_Atomic uint32_t *)&event->word; }

uint32_t tproc_event_prepare(struct tproc_event *event) { return tproc_event_announce(word(event)); }

int tproc_event_wait(struct tproc_event *event, uint32_t key, const struct timespec *deadline) {
  struct tproc_waiter waiter;
  const int failed = enter(event, &waiter);
  return failed ? failed : tproc_event_sleep(word(event), key, &waiter, deadline);
}

void tproc_event_signal(struct tproc_event *event) { tproc_event_wake(word(event)); }

int tproc_cond_wait(struct tproc_cond *condition, struct tproc_mutex *mutex, const struct timespec *deadline) {
  struct tproc_waiter waiter;
  int failed = enter(condition, &waiter);
  if (failed) return failed;
  const uint32_t key = tproc_event_prepare(&condition->changed);
  failed = tproc_mutex_unlock(mutex);
  if (failed) return failed;
  const int waited = tproc_event_sleep(word(&condition->changed), key, &waiter, deadline);
  const int locked = tproc_mutex_lock(mutex);
  return locked ? locked : waited;
}

void tproc_cond_broadcast(struct tproc_cond *condition) { tproc_event_signal(&condition->changed); }

static struct tproc_barrier_words *rounds(struct tproc_barrier *barrier) {
  return (struct tproc_barrier_words *)barrier;
}

static int enter_barrier(struct tproc_barrier *barrier, struct tproc_waiter *waiter) {
  const int failed = enter(barrier, waiter);
  if (failed) return failed;
  return (uintptr_t)barrier % 8 == 0 && barrier->parties - 1 < TPROC_BARRIER_MAX ? 0 : EINVAL;
}

static int await_round(struct tproc_barrier_words *barrier, const struct tproc_waiter *waiter, uint32_t round,
                       const struct timespec *deadline) {
  for (;;) {
    int result = tproc_barrier_look(barrier, waiter->view, round);
    if (result != EAGAIN) return result;
    const uint32_t key = tproc_event_announce(&barrier->passed);
    result = tproc_barrier_look(barrier, waiter->view, round);
    if (result != EAGAIN) return result;
    if (tproc_event_sleep(&barrier->passed, key, waiter, deadline) == ETIMEDOUT)
      return tproc_barrier_give_up(barrier, waiter->view, round);
  }
}

int tproc_barrier_wait(struct tproc_barrier *barrier, const struct timespec *deadline) {
  struct tproc_waiter waiter;
  uint32_t round;
  const int failed = enter_barrier(barrier, &waiter);
  if (failed) return failed;
  int place = tproc_barrier_find(rounds(barrier), waiter.token);
  if (place < 0) place = tproc_barrier_claim(rounds(barrier), &waiter);
  if (place < 0) return EUSERS;
  const int missed = tproc_barrier_arrive(rounds(barrier), (unsigned)place, &round);
  return missed ? missed : await_round(rounds(barrier), &waiter, round, deadline);
}

int tproc_barrier_leave(struct tproc_barrier *barrier) {
  struct tproc_waiter waiter;
  const int failed = enter_barrier(barrier, &waiter);
  if (failed) return failed;
  const int place = tproc_barrier_find(rounds(barrier), waiter.token);
  if (place < 0) return ENOENT;
  tproc_barrier_give_place_up(rounds(barrier), (unsigned)place);
  return 0;
}

static struct tproc_semaphore_words *permits(struct tproc_semaphore *semaphore) {
  return (struct tproc_semaphore_words *)semaphore;
}

int tproc_semaphore_trywait(struct tproc_semaphore *semaphore) { return tproc_semaphore_take(permits(semaphore)); }

int tproc_semaphore_wait(struct tproc_semaphore *semaphore, const struct timespec *deadline) {
  while (tproc_semaphore_trywait(semaphore) != 0) {
    const uint32_t key = tproc_event_prepare(&semaphore->posted);
    if (tproc_semaphore_trywait(semaphore) == 0) return 0;
    const int failed = tproc_event_wait(&semaphore->posted, key, deadline);
    if (failed) return failed;
  }
  return 0;
}

int tproc_semaphore_post(struct tproc_semaphore *semaphore) { return tproc_semaphore_add(permits(semaphore)); }

static _Atomic uint32_t *done_of(struct tproc_once *once) { return (_Atomic uint32_t *)&once->done; }

int tproc_once_begin(struct tproc_once *once) {
  if (atomic_load_explicit(done_of(once), memory_order_acquire) != 0) return EALREADY;
  const int locked = tproc_mutex_lock(&once->mutex);
  if (locked != 0 && locked != EOWNERDEAD) return locked;
  if (locked == EOWNERDEAD) tproc_mutex_consistent(&once->mutex); /* from the start, by this one */
  if (atomic_load_explicit(done_of(once), memory_order_relaxed) == 0) return 0;
  tproc_mutex_unlock(&once->mutex);
  return EALREADY;
}

int tproc_once_end(struct tproc_once *once, int done) {
  const uint32_t word = atomic_load_explicit(&words(&once->mutex)->word, memory_order_relaxed);
  if (tproc_cache->token == 0 || (word & TPROC_MUTEX_TOKEN) != tproc_cache->token) return EPERM;
  if (done) atomic_store_explicit(done_of(once), 1, memory_order_release);
  return tproc_mutex_unlock(&once->mutex);
}

int tproc_once(struct tproc_once *once, void (*function)(void *), void *argument) {
  const int begun = tproc_once_begin(once);
  if (begun != 0) return begun == EALREADY ? 0 : begun;
  function(argument);
  return tproc_once_end(once, 1);
}
