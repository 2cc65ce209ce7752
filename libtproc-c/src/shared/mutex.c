#include "mutex.h"

#include <errno.h>

#include "futex.h"
#include "thread_record.h"

#define SPINS 100

/* The lock is the caller's; `before` is what its word was. */
static int taken(struct tproc_mutex_words *mutex, uint32_t token, uint32_t before) {
  if (atomic_load_explicit(&mutex->lost, memory_order_relaxed) != 0) {
    tproc_mutex_give(mutex, token);
    return ENOTRECOVERABLE;
  }
  return (before & TPROC_MUTEX_DIED) != 0 ? EOWNERDEAD : 0;
}

static bool swap(struct tproc_mutex_words *mutex, uint32_t *from, uint32_t to) {
  return atomic_compare_exchange_strong_explicit(&mutex->word, from, to, memory_order_acquire, memory_order_relaxed);
}

/*
 * One try. `mark` stays set once this thread has slept: others may, and the one that frees the lock must wake one of
 * them.
 *
 * @return whether it is the caller's now; *word is what it was
 */
static bool try_once(struct tproc_mutex_words *mutex, const struct tproc_waiter *waiter, uint32_t mark,
                     uint32_t *word) {
  *word = atomic_load_explicit(&mutex->word, memory_order_relaxed);
  const uint32_t owner = *word & TPROC_MUTEX_TOKEN;
  if (owner == 0) return swap(mutex, word, waiter->token | (*word & ~TPROC_MUTEX_TOKEN) | mark);
  if (!tproc_token_is_dead(waiter->view, owner)) return false;
  if (!swap(mutex, word, waiter->token | TPROC_MUTEX_WAITERS | TPROC_MUTEX_DIED)) return false;
  *word |= TPROC_MUTEX_DIED;
  return true;
}

/* While the word says that `owner` has it and a thread waits. */
static int sleep_on(struct tproc_mutex_words *mutex, const struct tproc_waiter *waiter, uint32_t word,
                    const struct timespec *deadline) {
  int result = 0;
  if ((word & TPROC_MUTEX_WAITERS) == 0 && !swap(mutex, &word, word | TPROC_MUTEX_WAITERS)) return 0;
  const uint64_t before = tproc_waits_on(waiter, mutex, TPROC_WAIT_MUTEX);
  /* Dead since the last look: the reaper may have come by before the word was published. */
  if (!tproc_token_is_dead(waiter->view, word & TPROC_MUTEX_TOKEN))
    result = tproc_futex_wait(&mutex->word, word | TPROC_MUTEX_WAITERS, deadline);
  tproc_waits_no_more(waiter, before);
  return result;
}

int tproc_mutex_take(struct tproc_mutex_words *mutex, const struct tproc_waiter *waiter,
                     const struct timespec *deadline) {
  uint32_t word = 0, mark = 0;
  if (swap(mutex, &word, waiter->token)) return taken(mutex, waiter->token, 0);
  for (unsigned spins = 0;;) {
    if (try_once(mutex, waiter, mark, &word)) return taken(mutex, waiter->token, word);
    const uint32_t owner = word & TPROC_MUTEX_TOKEN;
    if (owner == waiter->token) return EDEADLK;
    if (owner == 0) continue;
    if (spins++ < SPINS) {
      tproc_pause();
      continue;
    }
    /* Woken, it has to try: the wake-up was for one, and this is the one. */
    if (sleep_on(mutex, waiter, word, deadline) == ETIMEDOUT) return ETIMEDOUT;
    mark = TPROC_MUTEX_WAITERS;
  }
}

int tproc_mutex_try_again(struct tproc_mutex_words *mutex, const struct tproc_waiter *waiter, bool slept) {
  uint32_t word = 0;
  if (try_once(mutex, waiter, slept ? TPROC_MUTEX_WAITERS : 0, &word)) return taken(mutex, waiter->token, word);
  return (word & TPROC_MUTEX_TOKEN) == waiter->token ? EDEADLK : EBUSY;
}

int tproc_mutex_try(struct tproc_mutex_words *mutex, const struct tproc_waiter *waiter) {
  return tproc_mutex_try_again(mutex, waiter, false);
}

bool tproc_mutex_announce(struct tproc_mutex_words *mutex, const struct tproc_view *view, uint32_t *value) {
  uint32_t word = atomic_load_explicit(&mutex->word, memory_order_relaxed);
  const uint32_t owner = word & TPROC_MUTEX_TOKEN;
  if (owner == 0 || tproc_token_is_dead(view, owner)) return false;
  *value = word | TPROC_MUTEX_WAITERS;
  return (word & TPROC_MUTEX_WAITERS) != 0 || swap(mutex, &word, *value);
}

int tproc_mutex_give(struct tproc_mutex_words *mutex, uint32_t token) {
  uint32_t word = token;
  if (atomic_compare_exchange_strong_explicit(&mutex->word, &word, 0, memory_order_release, memory_order_relaxed))
    return 0;
  if ((word & TPROC_MUTEX_TOKEN) != token) return EPERM;
  if ((word & TPROC_MUTEX_DIED) != 0) atomic_store_explicit(&mutex->lost, 1, memory_order_relaxed);
  word = atomic_exchange_explicit(&mutex->word, 0, memory_order_release);
  if ((word & TPROC_MUTEX_WAITERS) != 0) tproc_futex_wake(&mutex->word, 1);
  return 0;
}

int tproc_mutex_set_consistent(struct tproc_mutex_words *mutex, uint32_t token) {
  const uint32_t word = atomic_load_explicit(&mutex->word, memory_order_relaxed);
  if ((word & TPROC_MUTEX_TOKEN) != token || (word & TPROC_MUTEX_DIED) == 0) return EINVAL;
  atomic_fetch_and_explicit(&mutex->word, ~TPROC_MUTEX_DIED, memory_order_relaxed);
  return 0;
}

void tproc_mutex_bury_owner(const struct tproc_view *view, _Atomic uint32_t *word) {
  uint32_t now = atomic_load(word);
  const uint32_t owner = now & TPROC_MUTEX_TOKEN;
  if (owner != 0 && tproc_token_is_dead(view, owner))
    atomic_compare_exchange_strong(word, &now, TPROC_MUTEX_DIED | TPROC_MUTEX_WAITERS);
}
