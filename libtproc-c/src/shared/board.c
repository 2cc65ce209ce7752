#include "board.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "event.h"
#include "futex.h"

#define PHASE_MASK 15u
#define STATUS_SHIFT 4
#define STATUS_MASK 0xfffu
#define OWNER_SHIFT 16
#define OWNER_MASK 0xffffu
#define GENERATION_SHIFT 32

/* After so many defeats a publisher leaves the others longer alone. */
#define BACKOFF_MAX 12

static uint32_t phase_of(uint64_t state) { return (uint32_t)state & PHASE_MASK; }
static uint64_t with_phase(uint64_t state, uint32_t phase) { return (state & ~(uint64_t)PHASE_MASK) | phase; }
static uint32_t owner_of(uint64_t state) { return (uint32_t)(state >> OWNER_SHIFT) & OWNER_MASK; }

static uint64_t id_of(uint32_t number, uint64_t state) { return state >> GENERATION_SHIFT << 32 | (number + 1u); }

static uint64_t freed(uint64_t state) { return state >> GENERATION_SHIFT << GENERATION_SHIFT | TPROC_BOARD_FREE; }

static uint64_t taken(uint64_t state, uint32_t owner) {
  return ((state >> GENERATION_SHIFT) + 1) << GENERATION_SHIFT | (uint64_t)owner << OWNER_SHIFT | TPROC_BOARD_FILLING;
}

static uint64_t state_of(const struct tproc_view *view, uint32_t number) {
  return atomic_load(&view->board[number].state);
}

static bool change(const struct tproc_view *view, uint32_t number, uint64_t from, uint64_t to) {
  return atomic_compare_exchange_strong(&view->board[number].state, &from, to);
}

static uint32_t high_of(const struct tproc_view *view) {
  return tproc_in_use(&view->share->board_high, view->board_count);
}

static uint32_t hash_of(const char *text) {
  uint32_t hash = 2166136261u;
  for (; *text != '\0'; text++) hash = (hash ^ (unsigned char)*text) * 16777619u;
  return hash;
}

/* Whether an entry's fields may be read: they do not change without its state. */
static bool is_readable(uint64_t state) { return phase_of(state) >= TPROC_BOARD_PENDING; }

static bool is_unchanged(const struct tproc_view *view, uint32_t number, uint64_t state) {
  atomic_thread_fence(memory_order_acquire); /* what has been read, and then the look */
  return atomic_load_explicit(&view->board[number].state, memory_order_relaxed) == state;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

/* Another thread may write while this reads; then the state has changed, and what was read is thrown away. */
static bool read_entry(const struct tproc_view *view, uint32_t number, uint64_t state,
                       struct tproc_publication *found) {
  const struct tproc_board_entry *entry = &view->board[number];
  *found = (struct tproc_publication){.id = id_of(number, state),
                                      .address = entry->address,
                                      .size = entry->size,
                                      .pid = entry->pid,
                                      .version = entry->version,
                                      .flags = entry->flags,
                                      .ended = phase_of(state) == TPROC_BOARD_ENDED,
                                      .status = (uint32_t)state >> STATUS_SHIFT & STATUS_MASK};
  memcpy(found->name, entry->name, sizeof found->name);
  memcpy(found->type, entry->type, sizeof found->type);
  found->name[sizeof found->name - 1] = found->type[sizeof found->type - 1] = '\0';
  return is_unchanged(view, number, state);
}

static bool is_published(uint64_t state) { return phase_of(state) >= TPROC_BOARD_LIVE; }

/* Reads an entry as it is now, if it is published. */
static bool read_published(const struct tproc_view *view, uint32_t number, struct tproc_publication *found) {
  uint64_t state = state_of(view, number);
  while (is_published(state)) {
    if (read_entry(view, number, state, found)) return true;
    state = state_of(view, number);
  }
  return false;
}

static bool may_be(const struct tproc_view *view, uint32_t number, uint32_t hash) {
  return is_published(state_of(view, number)) && view->board[number].name_hash == hash;
}

bool tproc_board_find(const struct tproc_view *view, const char *name, struct tproc_publication *found) {
  const uint32_t high = high_of(view), hash = hash_of(name);
  bool any = false;
  for (uint32_t i = 0; i < high; i++) {
    struct tproc_publication each;
    if (!may_be(view, i, hash) || !read_published(view, i, &each) || strcmp(each.name, name) != 0) continue;
    if (any && each.ended) continue;
    *found = each;
    any = true;
    if (!each.ended) break;
  }
  return any;
}

static bool number_of(const struct tproc_view *view, uint64_t id, uint32_t *number) {
  *number = (uint32_t)id - 1;
  return *number < view->board_count;
}

bool tproc_board_read(const struct tproc_view *view, uint64_t id, struct tproc_publication *found) {
  uint32_t number;
  return number_of(view, id, &number) && read_published(view, number, found) && found->id == id;
}

bool tproc_board_next(const struct tproc_view *view, uint32_t *place, struct tproc_publication *found) {
  const uint32_t high = high_of(view);
  while (*place < high)
    if (read_published(view, (*place)++, found)) return true;
  return false;
}

/* ---- publishing ------------------------------------------------------------------------------------------------ */

static bool take(const struct tproc_view *view, uint32_t number, uint32_t phase, uint32_t owner, uint64_t *state) {
  const uint64_t now = state_of(view, number);
  if (phase_of(now) != phase) return false;
  tproc_raise(&view->share->board_high, number + 1);
  *state = taken(now, owner);
  return change(view, number, now, *state);
}

/* A free one; when there is none, one that was kept although its owner has ended. @return board_count: none */
static uint32_t take_any(const struct tproc_view *view, uint32_t owner, uint64_t *state) {
  for (uint32_t i = 0; i < view->board_count; i++)
    if (take(view, i, TPROC_BOARD_FREE, owner, state)) return i;
  for (uint32_t i = 0; i < view->board_count; i++)
    if (take(view, i, TPROC_BOARD_ENDED, owner, state)) return i;
  return view->board_count;
}

static void fill(struct tproc_board_entry *entry, const struct tproc_publication *what) {
  atomic_thread_fence(memory_order_seq_cst); /* that it is FILLING, and then the fields */
  entry->address = what->address;
  entry->size = what->size;
  entry->pid = what->pid;
  entry->version = what->version;
  entry->flags = what->flags;
  entry->name_hash = hash_of(what->name);
  memcpy(entry->name, what->name, sizeof entry->name);
  memcpy(entry->type, what->type, sizeof entry->type);
}

/* Whether an entry that is, or is about to be, published has a name; *state is what its state was then. */
static bool has_name(const struct tproc_view *view, uint32_t number, const char *name, uint64_t *state) {
  const struct tproc_board_entry *entry = &view->board[number];
  bool equal;
  do {
    *state = state_of(view, number);
    if (!is_readable(*state)) return false;
    equal = strncmp(entry->name, name, sizeof entry->name) == 0;
  } while (!is_unchanged(view, number, *state));
  return equal;
}

/*
 * With the own entry PENDING, and so for all to see: a living one with the name wins, one that is PENDING, too, is sent
 * back. Of two that do this at a time, the one that came second sees the first.
 */
static bool is_anothers(const struct tproc_view *view, uint32_t own, const char *name) {
  const uint32_t high = high_of(view);
  for (uint32_t i = 0; i < high; i++) {
    uint64_t state;
    while (i != own && has_name(view, i, name, &state) && phase_of(state) != TPROC_BOARD_ENDED) {
      if (phase_of(state) == TPROC_BOARD_LIVE) return true;
      if (change(view, i, state, with_phase(state, TPROC_BOARD_FILLING))) break;
    }
  }
  return false;
}

/* So that two do not send each other back without end. */
static void back_off(unsigned defeats, uint32_t own) {
  const unsigned most = defeats < BACKOFF_MAX ? defeats : BACKOFF_MAX;
  for (uint32_t left = (own % 7 + 1) << most; left > 0; left--) tproc_pause();
}

static void forget_ended(const struct tproc_view *view, const char *name) {
  const uint32_t high = high_of(view);
  uint64_t state;
  for (uint32_t i = 0; i < high; i++)
    if (has_name(view, i, name, &state) && phase_of(state) == TPROC_BOARD_ENDED) change(view, i, state, freed(state));
}

/* From FILLING to LIVE. */
static int go_live(const struct tproc_view *view, uint32_t own, uint64_t filling, const char *name) {
  const uint64_t pending = with_phase(filling, TPROC_BOARD_PENDING);
  for (unsigned defeats = 0;; defeats++) {
    atomic_store(&view->board[own].state, pending);
    atomic_thread_fence(memory_order_seq_cst); /* for all to see, and then the look at the others */
    if (is_anothers(view, own, name)) {
      atomic_store(&view->board[own].state, freed(filling));
      return EEXIST;
    }
    if (change(view, own, pending, with_phase(filling, TPROC_BOARD_LIVE))) return 0; /* published */
    back_off(defeats, own);
  }
}

static void tell(const struct tproc_view *view) { tproc_event_wake(&view->share->board_event); }

int tproc_board_publish(const struct tproc_view *view, struct tproc_publication *what, uint32_t owner) {
  uint64_t state;
  if (what->name[0] == '\0' || memchr(what->name, '\0', sizeof what->name) == NULL ||
      memchr(what->type, '\0', sizeof what->type) == NULL)
    return EINVAL;
  const uint32_t own = take_any(view, owner, &state);
  if (own == view->board_count) return ENOSPC;
  fill(&view->board[own], what);
  const int failed = go_live(view, own, state, what->name);
  if (failed) return failed;
  forget_ended(view, what->name);
  what->id = id_of(own, state);
  tell(view);
  return 0;
}

/* ---- the end of it --------------------------------------------------------------------------------------------- */

int tproc_board_withdraw(const struct tproc_view *view, uint64_t id, pid_t pid) {
  uint32_t number;
  struct tproc_publication now;
  if (!number_of(view, id, &number)) return ESTALE;
  const uint64_t state = state_of(view, number);
  if (!is_published(state) || id_of(number, state) != id || !read_entry(view, number, state, &now)) return ESTALE;
  if (pid != 0 && !now.ended && now.pid != pid) return EPERM;
  /* It may have ended meanwhile, and been kept. */
  if (!change(view, number, state, freed(state))) return tproc_board_withdraw(view, id, pid);
  tell(view);
  return 0;
}

static uint64_t buried(const struct tproc_board_entry *entry, uint64_t state, uint32_t status) {
  if (phase_of(state) != TPROC_BOARD_LIVE || (entry->flags & TPROC_BOARD_KEPT) == 0) return freed(state);
  return with_phase(state & ~((uint64_t)STATUS_MASK << STATUS_SHIFT), TPROC_BOARD_ENDED) |
         (uint64_t)(status & STATUS_MASK) << STATUS_SHIFT;
}

uint32_t tproc_board_bury_owner(const struct tproc_view *view, uint32_t owner, uint32_t status) {
  const uint32_t high = high_of(view);
  uint32_t count = 0;
  for (uint32_t i = 0; i < high; i++) {
    uint64_t state = state_of(view, i);
    while (phase_of(state) != TPROC_BOARD_FREE && phase_of(state) != TPROC_BOARD_ENDED && owner_of(state) == owner) {
      if (change(view, i, state, buried(&view->board[i], state, status))) {
        count++;
        break;
      }
      state = state_of(view, i); /* another publisher has sent it back */
    }
  }
  if (count > 0) tell(view);
  return count;
}
