/*
 * One thread of the host waits at many words for others. What the reaper does for a waiting thread of a program, namely
 * to wake it because who would have woken it may be dead, is here told by a count of deaths.
 */
#ifndef TPROC_HOST_WAITS_H
#define TPROC_HOST_WAITS_H

#include <stdatomic.h>

#include "tproc_core.h"

/** All zero: as good as new. */
struct host_waits {
  _Atomic uint32_t bell;   /**< counts up: look at what is waited for again */
  _Atomic uint32_t deaths; /**< counts up, before the bell: a dead one may be waited for in vain */
};

uint64_t host_waits_begin(struct host_waits *waits);
void host_waits_sleep(struct host_waits *waits, uint64_t begun, struct tproc_wait *words, size_t count);
void host_waits_ring(struct host_waits *waits);

/** After the reaper's work. */
void host_waits_note_death(struct host_waits *waits);

#endif
