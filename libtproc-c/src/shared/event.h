/*
 * Waiting for a condition that is somewhere else: a waiter announces itself, looks at the condition, and sleeps; the
 * thread that has changed the condition signals. A word that counts up by 2 with each signal that has found a thread
 * waiting; bit 0 says that one waits.
 */
#ifndef TPROC_SRC_SHARED_EVENT_H
#define TPROC_SRC_SHARED_EVENT_H

#include <time.h>

#include "waiting.h"

#pragma GCC visibility push(hidden)

/** Announces a wait. What the caller then sees of the condition is no older. @return the key for tproc_event_sleep */
uint32_t tproc_event_announce(_Atomic uint32_t *word);

/** Sleeps until a signal that came after the announcement. @return 0, also without a reason: look again; ETIMEDOUT */
int tproc_event_sleep(_Atomic uint32_t *word, uint32_t key, const struct tproc_waiter *waiter,
                      const struct timespec *deadline);

/** Wakes all who wait. The condition has been changed before. */
void tproc_event_wake(_Atomic uint32_t *word);

/** The reaper's: as if the dead had signalled. */
void tproc_event_wake_for_the_dead(_Atomic uint32_t *word);

#pragma GCC visibility pop

#endif
