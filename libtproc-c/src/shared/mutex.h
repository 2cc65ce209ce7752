/* A lock that outlives its owner: its word names the owner, so the next one can tell that it is dead. */
#ifndef TPROC_SRC_SHARED_MUTEX_H
#define TPROC_SRC_SHARED_MUTEX_H

#include <stdbool.h>
#include <time.h>

#include "waiting.h"

#pragma GCC visibility push(hidden)

/** The lock's word: the owner's token, and these. */
#define TPROC_MUTEX_WAITERS 0x80000000u /**< a thread may sleep on it */
#define TPROC_MUTEX_DIED 0x40000000u    /**< an owner died, and its data were not declared right yet */
#define TPROC_MUTEX_TOKEN 0x3fffffffu

/** As struct tproc_mutex of tproc.h. All zero: free. */
struct tproc_mutex_words {
  _Atomic uint32_t word;
  _Atomic uint32_t lost; /**< 1: given up after a death without tproc_mutex_set_consistent */
};

/** @return 0, EOWNERDEAD (locked), ENOTRECOVERABLE, EDEADLK (it is the caller's), ETIMEDOUT */
int tproc_mutex_take(struct tproc_mutex_words *mutex, const struct tproc_waiter *waiter,
                     const struct timespec *deadline);

/** @return as tproc_mutex_take; EBUSY when a living thread has it */
int tproc_mutex_try(struct tproc_mutex_words *mutex, const struct tproc_waiter *waiter);

/**
 * As tproc_mutex_try, of one who sleeps elsewhere than in tproc_mutex_take.
 *
 * @param slept whether it has slept since it wants the lock: then others may sleep, too, and are not forgotten
 */
int tproc_mutex_try_again(struct tproc_mutex_words *mutex, const struct tproc_waiter *waiter, bool slept);

/** Says in the word that a thread sleeps. @return whether there is a reason to: as long as the word is *value */
bool tproc_mutex_announce(struct tproc_mutex_words *mutex, const struct tproc_view *view, uint32_t *value);

/** @return 0; EPERM when it is not the caller's */
int tproc_mutex_give(struct tproc_mutex_words *mutex, uint32_t token);

/** @return 0; EINVAL when it is not the caller's, or no owner has died */
int tproc_mutex_set_consistent(struct tproc_mutex_words *mutex, uint32_t token);

/** The reaper's: frees a lock whose owner is dead. */
void tproc_mutex_bury_owner(const struct tproc_view *view, _Atomic uint32_t *word);

#pragma GCC visibility pop

#endif
