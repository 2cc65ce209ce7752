#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

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

/* When a program dies the host knows only of the shared range what to do with it. */
static bool is_shared(const void *object) {
  const uintptr_t offset = (uintptr_t)object - (uintptr_t)tproc_view.share;
  return offset < tproc_view.share->size && offset % 4 == 0;
}

static int enter(const void *object, struct tproc_waiter *waiter) {
  if (__builtin_expect(tproc_cache->token == 0, 0)) {
    const int failed = tproc_attach();
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

int tproc_once(struct tproc_once *once, void (*function)(void *), void *argument) {
  _Atomic uint32_t *done = (_Atomic uint32_t *)&once->done;
  if (atomic_load_explicit(done, memory_order_acquire) != 0) return 0;
  const int locked = tproc_mutex_lock(&once->mutex);
  if (locked != 0 && locked != EOWNERDEAD) return locked;
  if (locked == EOWNERDEAD) tproc_mutex_consistent(&once->mutex); /* from the start, by this one */
  if (atomic_load_explicit(done, memory_order_relaxed) == 0) {
    function(argument);
    atomic_store_explicit(done, 1, memory_order_release);
  }
  return tproc_mutex_unlock(&once->mutex);
}
