/*
 * A barrier: rounds that end when all parties have arrived. Each party has a place that names it, so one that dies on
 * its way is found: then the round is broken, and the next ones go on without it. No lock: an arrival is one
 * compare-and-swap, and so is the end of a round, by whoever finds that it is due.
 */
#ifndef TPROC_SRC_SHARED_BARRIER_H
#define TPROC_SRC_SHARED_BARRIER_H

#include "event.h"

#pragma GCC visibility push(hidden)

/** Most parties. */
#define TPROC_BARRIER_PLACES 64u

/** What tproc_barrier_look says to the one that has ended the round. */
#define TPROC_BARRIER_ENDED (-1)

/** As struct tproc_barrier of tproc.h. */
struct tproc_barrier_words {
  uint32_t parties;
  _Atomic uint32_t passed; /**< event */
  /**
   * Bits 0-31: the number of the round; 32-63: the one after the round that has passed last. A broken round ends
   * without those who still have to look at the one before, so whether it was broken itself would not tell them.
   */
  _Atomic uint64_t state;
  /** Bits 0-29: a party's token; 30: who had the place has left. 32-63: the number of the round that it is due at. */
  _Atomic uint64_t places[TPROC_BARRIER_PLACES];
};

/** The place of a token. @return -1 when it has none */
int tproc_barrier_find(const struct tproc_barrier_words *barrier, uint32_t token);

/**
 * Takes a place: one that no party has had yet, or whose party has left, or has died.
 *
 * @return -1 when all are taken
 */
int tproc_barrier_claim(struct tproc_barrier_words *barrier, const struct tproc_waiter *waiter);

/** Arrives. @param round receives which @return 0; ECANCELED: the round that was due was broken, and has ended */
int tproc_barrier_arrive(struct tproc_barrier_words *barrier, unsigned place, uint32_t *round);

/**
 * Looks how it is with a round that the caller has arrived at, and ends it if that is due.
 *
 * @return 0, or TPROC_BARRIER_ENDED: it has ended; ECANCELED: it was broken; EAGAIN: others are awaited
 */
int tproc_barrier_look(struct tproc_barrier_words *barrier, const struct tproc_view *view, uint32_t round);

/** As tproc_barrier_look, but breaks a round that has not ended. @return ETIMEDOUT when it has done so */
int tproc_barrier_give_up(struct tproc_barrier_words *barrier, const struct tproc_view *view, uint32_t round);

/** Gives a place up. Those that wait look again. */
void tproc_barrier_give_place_up(struct tproc_barrier_words *barrier, unsigned place);

#pragma GCC visibility pop

#endif
