#include "barrier.h"

#include <errno.h>

#include "thread_record.h"

#define TOKEN 0x3fffffffu
#define LEFT 0x40000000u

static uint32_t token_of(uint64_t place) { return (uint32_t)place & TOKEN; }

static uint32_t due_of(uint64_t place) { return (uint32_t)(place >> 32); }

static uint64_t place_of(uint32_t token, uint32_t due) { return (uint64_t)due << 32 | token; }

static bool is_before(uint32_t round, uint32_t other) { return (int32_t)(round - other) < 0; }

static uint32_t round_of(uint64_t state) { return (uint32_t)state; }

static uint32_t round_now(const struct tproc_barrier_words *barrier) { return round_of(atomic_load(&barrier->state)); }

/* Of a round that has ended, and that the caller had arrived at: after it none can have passed without the caller. */
static bool has_passed(uint64_t state, uint32_t round) { return state >> 32 == (uint32_t)(round + 1); }

static bool swap_place(struct tproc_barrier_words *barrier, unsigned number, uint64_t from, uint64_t to) {
  return atomic_compare_exchange_strong(&barrier->places[number], &from, to);
}

/* A program may write anything there, at any time. */
static unsigned parties_of(const struct tproc_barrier_words *barrier) {
  const uint32_t parties = *(const volatile uint32_t *)&barrier->parties;
  return parties < TPROC_BARRIER_PLACES ? parties : TPROC_BARRIER_PLACES;
}

int tproc_barrier_find(const struct tproc_barrier_words *barrier, uint32_t token) {
  for (unsigned i = 0; i < parties_of(barrier); i++)
    if (token_of(atomic_load(&barrier->places[i])) == token) return (int)i;
  return -1;
}

/* A dead party's place is free once no round has to be told of its death, or to count its arrival. */
static bool is_free(const struct tproc_view *view, uint64_t place, uint32_t round) {
  const uint32_t token = token_of(place);
  return token == 0 || (tproc_token_is_dead(view, token) && is_before(due_of(place), round));
}

static int claim(struct tproc_barrier_words *barrier, const struct tproc_waiter *waiter, uint32_t round) {
  for (unsigned i = 0; i < parties_of(barrier); i++) {
    const uint64_t place = atomic_load(&barrier->places[i]);
    if (is_free(waiter->view, place, round) && swap_place(barrier, i, place, place_of(waiter->token, round)))
      return (int)i;
  }
  return -1;
}

int tproc_barrier_claim(struct tproc_barrier_words *barrier, const struct tproc_waiter *waiter) {
  const uint32_t round = round_now(barrier);
  const int place = claim(barrier, waiter, round);
  if (place >= 0) return place;
  /* One who has died on its way to this round gives its place free once that is known. */
  const int ended = tproc_barrier_look(barrier, waiter->view, round);
  return ended == EAGAIN ? -1 : claim(barrier, waiter, round_now(barrier));
}

int tproc_barrier_arrive(struct tproc_barrier_words *barrier, unsigned place, uint32_t *round) {
  const uint64_t before = atomic_load(&barrier->places[place]);
  *round = round_now(barrier);
  const uint32_t due = due_of(before);
  /* Only its own thread changes a living party's place. */
  const bool missed = is_before(due, *round);
  atomic_store(&barrier->places[place], place_of(token_of(before), (missed ? due : *round) + 1));
  return missed ? ECANCELED : 0;
}

enum outlook { AWAITED, COMPLETE, BROKEN };

static enum outlook outlook_of(const struct tproc_barrier_words *barrier, const struct tproc_view *view,
                               uint32_t round) {
  enum outlook outlook = COMPLETE;
  for (unsigned i = 0; i < parties_of(barrier); i++) {
    const uint64_t place = atomic_load(&barrier->places[i]);
    const uint32_t token = token_of(place), due = due_of(place);
    if ((place & LEFT) != 0 || (token != 0 && due == round + 1)) continue;
    if (token == 0 || !tproc_token_is_dead(view, token))
      outlook = AWAITED;
    else if (due == round)
      return BROKEN;
  }
  return outlook;
}

/* The state is one and the same until the round ends. @return whether this call has ended it */
static bool end_round(struct tproc_barrier_words *barrier, uint64_t state, bool broken) {
  const uint32_t next = round_of(state) + 1;
  const uint64_t passed = broken ? state >> 32 : next;
  if (!atomic_compare_exchange_strong(&barrier->state, &state, passed << 32 | next)) return false;
  tproc_event_wake(&barrier->passed);
  return true;
}

int tproc_barrier_look(struct tproc_barrier_words *barrier, const struct tproc_view *view, uint32_t round) {
  for (;;) {
    const uint64_t now = atomic_load(&barrier->state);
    if (round_of(now) != round) return has_passed(now, round) ? 0 : ECANCELED;
    switch (outlook_of(barrier, view, round)) {
      case COMPLETE:
        if (end_round(barrier, now, false)) return TPROC_BARRIER_ENDED;
        break;
      case BROKEN:
        if (end_round(barrier, now, true)) return ECANCELED;
        break;
      default:
        return EAGAIN;
    }
  }
}

int tproc_barrier_give_up(struct tproc_barrier_words *barrier, const struct tproc_view *view, uint32_t round) {
  for (;;) {
    const int result = tproc_barrier_look(barrier, view, round);
    if (result != EAGAIN) return result;
    const uint64_t now = atomic_load(&barrier->state);
    if (round_of(now) == round && end_round(barrier, now, true)) return ETIMEDOUT;
  }
}

void tproc_barrier_give_place_up(struct tproc_barrier_words *barrier, unsigned place) {
  atomic_store(&barrier->places[place], LEFT);
  tproc_event_wake(&barrier->passed);
}
