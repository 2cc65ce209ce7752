#include "queue.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "heap.h"
#include "thread_record.h"

#define PHASE_SHIFT 30
#define POSITION_SHIFT 32
#define TOKEN_MASK 0x3fffffffu
#define LENGTH_MASK 0xffu
#define OFFSET_SHIFT 8
#define SPINS 1000

_Static_assert(TPROC_TOKEN_LIMIT == 1u << PHASE_SHIFT, "a token leaves room for the phase");

static uint32_t position_of(uint64_t state) { return (uint32_t)(state >> POSITION_SHIFT); }
static uint32_t phase_of(uint64_t state) { return (uint32_t)state >> PHASE_SHIFT; }
static uint64_t state_of(uint32_t position, uint32_t phase, uint32_t token) {
  return (uint64_t)position << POSITION_SHIFT | (uint64_t)phase << PHASE_SHIFT | token;
}

static struct tproc_cell *cell_at(const struct tproc_queue *queue, uint32_t position) {
  return (struct tproc_cell *)(queue + 1) + (position & queue->mask);
}

/* Empty, for the next position. */
static void vacate(const struct tproc_queue *queue, struct tproc_cell *cell, uint32_t position) {
  atomic_store_explicit(&cell->state, state_of(position + queue->mask + 1, TPROC_CELL_EMPTY, 0), memory_order_release);
}

/*
 * A hint goes on by one, from where it is: so it never passes what is not done, and never goes back. Who sees that head
 * has passed a cell may write into it without a look at it: hence the release.
 */
static void advance(_Atomic uint32_t *hint, uint32_t position) {
  atomic_compare_exchange_strong_explicit(hint, &position, position + 1, memory_order_release, memory_order_relaxed);
}

static bool claim(struct tproc_cell *cell, uint64_t from, uint64_t to) {
  return atomic_compare_exchange_strong_explicit(&cell->state, &from, to, memory_order_acquire, memory_order_relaxed);
}

/* The one thread that sends, or receives, needs no compare-and-swap: no other changes a cell that is its to claim. */
static void claim_alone(struct tproc_cell *cell, uint64_t to) {
  atomic_store_explicit(&cell->state, to, memory_order_relaxed);
  atomic_thread_fence(memory_order_release); /* the claim, and then what is written into the cell */
}

static void *block_of(const struct tproc_view *view, uint64_t what) {
  const uint64_t offset = what >> OFFSET_SHIFT;
  return offset == 0 ? NULL : (unsigned char *)view->share + offset;
}

static bool is_in_channel(const struct tproc_view *view, uint64_t what) {
  const void *block = block_of(view, what);
  return block != NULL && tproc_heap_owner_of(view, block) == TPROC_OWNER_CHANNELS;
}

uint32_t tproc_queue_spins(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) == 1 ? 0 : SPINS;
}

size_t tproc_queue_size(uint32_t cells) {
  return sizeof(struct tproc_queue) + (size_t)cells * sizeof(struct tproc_cell);
}

void tproc_queue_format(struct tproc_queue *queue, uint32_t cells, uint32_t flags, uint32_t spins) {
  memset(queue, 0, tproc_queue_size(cells));
  queue->mask = cells - 1;
  queue->flags = flags;
  queue->spins = spins;
  for (uint32_t i = 0; i < cells; i++) atomic_store(&cell_at(queue, i)->state, state_of(i, TPROC_CELL_EMPTY, 0));
}

/* One sender and one receiver: messages without a block are received by a change of head, and not of their cells. */
static bool is_for_two(const struct tproc_queue *queue) {
  const uint32_t both = TPROC_QUEUE_ONE_SENDER | TPROC_QUEUE_ONE_RECEIVER;
  return (queue->flags & both) == both;
}

/* Up to a round after head all cells have been received. What was read of them before has been read. */
static bool is_behind_head(const struct tproc_queue *queue, uint32_t position) {
  const uint32_t head = atomic_load_explicit(&queue->head, memory_order_acquire);
  return (int32_t)(head + queue->mask + 1 - position) > 0;
}

/* ---- sending --------------------------------------------------------------------------------------------------- */

/* @return the claimed cell, or NULL: there is no room */
static struct tproc_cell *claim_room(struct tproc_queue *queue, uint32_t token, uint32_t *position) {
  uint32_t at = atomic_load_explicit(&queue->tail, memory_order_relaxed);
  for (;;) {
    struct tproc_cell *cell = cell_at(queue, at);
    const uint64_t state = atomic_load_explicit(&cell->state, memory_order_acquire);
    if (position_of(state) == at && phase_of(state) == TPROC_CELL_EMPTY) {
      if (!claim(cell, state, state_of(at, TPROC_CELL_WRITING, token))) continue;
      *position = at;
      return cell;
    }
    if ((int32_t)(position_of(state) - at) < 0) return NULL; /* of the round before */
    advance(&queue->tail, at++);
  }
}

/* The block's owner, if it may be sent. @return 0: it may not */
static uint32_t sendable_owner(const struct tproc_view *view, const void *block) {
  const uint32_t owner = tproc_heap_owner_of(view, block);
  return owner == TPROC_OWNER_CHANNELS ? 0 : owner;
}

/* What a message is has to stand in the cell before its block is the channel's: from then on the message is sent. */
static int fill(const struct tproc_party *party, struct tproc_cell *cell, const struct tproc_parcel *parcel,
                uint32_t from) {
  const uint64_t offset = parcel->block == NULL ? 0 : (uint64_t)parcel->block - (uint64_t)party->view->share;
  memcpy(cell->data, parcel->data, sizeof cell->data);
  atomic_store_explicit(&cell->what, offset << OFFSET_SHIFT | parcel->length, memory_order_release);
  return offset == 0 ? 0 : tproc_heap_hand_over(party->view, parcel->block, from, TPROC_OWNER_CHANNELS);
}

/* @return whether it has been sent; if not, its cell is passed over */
static int finish_sending(const struct tproc_party *party, const struct tproc_queue *queue, struct tproc_cell *cell,
                          uint32_t position, const struct tproc_parcel *parcel, uint32_t from) {
  const int failed = fill(party, cell, parcel, from);
  if (failed) {
    atomic_store_explicit(&cell->what, TPROC_CELL_TAKEN, memory_order_release);
    vacate(queue, cell, position);
  } else {
    atomic_store_explicit(&cell->state, state_of(position, TPROC_CELL_FULL, 0), memory_order_release); /* sent */
  }
  return failed;
}

static bool is_empty_at(const struct tproc_queue *queue, uint32_t position) {
  const uint64_t state = atomic_load_explicit(&cell_at(queue, position)->state, memory_order_acquire);
  return state == state_of(position, TPROC_CELL_EMPTY, 0);
}

/* What the one sender before this thread has sent lies before a cell of the round before, or an empty one. */
static bool take_over_sending(struct tproc_queue *queue, uint32_t token) {
  uint32_t at = atomic_load_explicit(&queue->tail, memory_order_relaxed);
  for (;; at++) { /* one look at each: it may become empty at any time, and must not be passed over then */
    const uint64_t state = atomic_load_explicit(&cell_at(queue, at)->state, memory_order_acquire);
    if (state == state_of(at, TPROC_CELL_EMPTY, 0)) break;
    if ((int32_t)(position_of(state) - at) >= 0) continue;
    if (is_for_two(queue) && is_behind_head(queue, at)) break;
    return false; /* there is no room */
  }
  atomic_store_explicit(&queue->tail, at, memory_order_relaxed);
  atomic_store_explicit(&queue->room, at + 1, memory_order_relaxed);
  atomic_store_explicit(&queue->sender, token, memory_order_relaxed);
  return true;
}

/*
 * The one sender knows what is before it: all cells up to a round after head are empty. So it need not wait for the
 * cell, which the receiver's CPU has, to come to this one before it writes.
 */
static bool has_own_room(struct tproc_queue *queue, uint32_t token, uint32_t *position) {
  if (atomic_load_explicit(&queue->sender, memory_order_relaxed) != token && !take_over_sending(queue, token))
    return false;
  *position = atomic_load_explicit(&queue->tail, memory_order_relaxed);
  if ((int32_t)(atomic_load_explicit(&queue->room, memory_order_relaxed) - *position) > 0) return true;
  const uint32_t room = atomic_load_explicit(&queue->head, memory_order_acquire) + queue->mask + 1;
  if ((int32_t)(room - *position) <= 0) return is_empty_at(queue, *position); /* received, and head not moved yet */
  atomic_store_explicit(&queue->room, room, memory_order_relaxed);
  return true;
}

/*
 * What has no block needs no claim: until it is sent the cell is empty, whatever has been written into it. After the
 * last store of a message comes the tail: it is exact to the thread that has written it, and to no other.
 */
static int put_alone(const struct tproc_party *party, struct tproc_queue *queue, const struct tproc_parcel *parcel,
                     uint32_t from) {
  uint32_t position;
  if (!has_own_room(queue, party->token, &position)) return EAGAIN;
  struct tproc_cell *cell = cell_at(queue, position);
  if (from != 0) claim_alone(cell, state_of(position, TPROC_CELL_WRITING, party->token));
  const int failed = finish_sending(party, queue, cell, position, parcel, from);
  atomic_store_explicit(&queue->tail, position + 1, memory_order_relaxed);
  return failed;
}

int tproc_queue_put(const struct tproc_party *party, struct tproc_queue *queue, const struct tproc_parcel *parcel) {
  uint32_t position, from = 0;
  if (parcel->length > TPROC_CELL_DATA) return EINVAL;
  if (parcel->block != NULL && (from = sendable_owner(party->view, parcel->block)) == 0) return EINVAL;
  if ((queue->flags & TPROC_QUEUE_ONE_SENDER) != 0) return put_alone(party, queue, parcel, from);
  struct tproc_cell *cell = claim_room(queue, party->token, &position);
  if (cell == NULL) return EAGAIN;
  const int failed = finish_sending(party, queue, cell, position, parcel, from);
  advance(&queue->tail, position);
  return failed;
}

/* ---- receiving ------------------------------------------------------------------------------------------------- */

/*
 * The first cell that can be received. Cells that others are receiving are passed over; one that is being sent is not,
 * so that the order is kept.
 *
 * @return NULL: nothing can be received
 */
static struct tproc_cell *first_full(struct tproc_queue *queue, uint32_t *position, uint64_t *state) {
  uint32_t at = atomic_load_explicit(&queue->head, memory_order_relaxed);
  for (uint32_t passed = 0; passed <= queue->mask;) {
    struct tproc_cell *cell = cell_at(queue, at);
    *state = atomic_load_explicit(&cell->state, memory_order_acquire);
    const int32_t ahead = (int32_t)(position_of(*state) - at);
    if (ahead > 0) {
      advance(&queue->head, at++); /* has been received */
    } else if (ahead < 0 || phase_of(*state) < TPROC_CELL_FULL) {
      return NULL;
    } else if (phase_of(*state) == TPROC_CELL_FULL) {
      *position = at;
      return cell;
    } else {
      at++;
      passed++;
    }
  }
  return NULL;
}

static int take(const struct tproc_party *party, struct tproc_cell *cell, struct tproc_parcel *parcel) {
  const uint64_t what = atomic_load_explicit(&cell->what, memory_order_relaxed);
  parcel->block = block_of(party->view, what);
  parcel->length = (uint32_t)(what & LENGTH_MASK);
  parcel->reserved = 0;
  memcpy(parcel->data, cell->data, sizeof parcel->data);
  if (parcel->block == NULL) return 0;
  const int failed = tproc_heap_hand_over(party->view, parcel->block, TPROC_OWNER_CHANNELS, party->owner);
  atomic_store_explicit(&cell->what, TPROC_CELL_TAKEN, memory_order_release); /* before the block can be freed */
  if (failed) parcel->block = NULL;
  return failed ? EBADMSG : 0;
}

/*
 * A message without a block is received when its cell is given back, or head has passed it; and is there again if that
 * never happens. Its cell is left as it is where it may be: then it goes to and fro between two CPUs less often.
 */
static int get_alone(const struct tproc_party *party, struct tproc_queue *queue, struct tproc_parcel *parcel) {
  uint32_t position;
  uint64_t state;
  struct tproc_cell *cell = first_full(queue, &position, &state);
  if (cell == NULL) return EAGAIN;
  const bool is_first = atomic_load_explicit(&queue->head, memory_order_relaxed) == position;
  const bool has_block = atomic_load_explicit(&cell->what, memory_order_relaxed) >> OFFSET_SHIFT != 0;
  if (has_block) claim_alone(cell, state_of(position, TPROC_CELL_READING, party->token));
  const int failed = take(party, cell, parcel);
  if (has_block || !is_first || !is_for_two(queue)) vacate(queue, cell, position); /* received */
  /* Not beyond one that was passed over. */
  if (is_first) atomic_store_explicit(&queue->head, position + 1, memory_order_release); /* received */
  return failed;
}

int tproc_queue_get(const struct tproc_party *party, struct tproc_queue *queue, struct tproc_parcel *parcel) {
  if ((queue->flags & TPROC_QUEUE_ONE_RECEIVER) != 0) return get_alone(party, queue, parcel);
  for (;;) {
    uint32_t position;
    uint64_t state;
    struct tproc_cell *cell = first_full(queue, &position, &state);
    if (cell == NULL) return EAGAIN;
    if (!claim(cell, state, state_of(position, TPROC_CELL_READING, party->token))) continue;
    const int failed = take(party, cell, parcel);
    vacate(queue, cell, position); /* received */
    advance(&queue->head, position);
    return failed;
  }
}

bool tproc_queue_has_message(const struct tproc_queue *queue) {
  uint32_t position;
  uint64_t state;
  return first_full((struct tproc_queue *)queue, &position, &state) != NULL;
}

bool tproc_queue_has_room(const struct tproc_queue *queue) {
  uint32_t at = atomic_load_explicit(&queue->tail, memory_order_relaxed);
  for (;; at++) {
    const uint64_t state = atomic_load_explicit(&cell_at(queue, at)->state, memory_order_acquire);
    const int32_t ahead = (int32_t)(position_of(state) - at);
    if (ahead < 0) return is_for_two(queue) && is_behind_head(queue, at);
    if (ahead == 0 && phase_of(state) == TPROC_CELL_EMPTY) return true;
  }
}

/* ---- after a death --------------------------------------------------------------------------------------------- */

/* An owned message is sent when its block is the channel's, and received when it is not any more. */
static void mend(const struct tproc_view *view, const struct tproc_queue *queue, struct tproc_cell *cell,
                 uint64_t state) {
  const uint64_t what = atomic_load(&cell->what);
  const bool is_sent = phase_of(state) == TPROC_CELL_READING && what >> OFFSET_SHIFT == 0 && what != TPROC_CELL_TAKEN;
  if (is_sent || is_in_channel(view, what)) {
    atomic_store(&cell->state, state_of(position_of(state), TPROC_CELL_FULL, 0));
  } else {
    atomic_store(&cell->what, TPROC_CELL_TAKEN);
    vacate(queue, cell, position_of(state));
  }
}

void tproc_queue_mend(const struct tproc_view *view, struct tproc_queue *queue) {
  for (uint32_t i = 0; i <= queue->mask; i++) {
    struct tproc_cell *cell = cell_at(queue, i);
    const uint64_t state = atomic_load(&cell->state);
    const uint32_t phase = phase_of(state);
    if ((phase == TPROC_CELL_WRITING || phase == TPROC_CELL_READING) &&
        tproc_token_is_dead(view, (uint32_t)state & TOKEN_MASK))
      mend(view, queue, cell, state);
  }
}

void tproc_queue_drain(const struct tproc_party *party, struct tproc_queue *queue) {
  for (uint32_t i = 0; i <= queue->mask; i++) {
    struct tproc_cell *cell = cell_at(queue, i);
    if (phase_of(atomic_load(&cell->state)) != TPROC_CELL_FULL) continue;
    void *block = block_of(party->view, atomic_load(&cell->what));
    if (block == NULL || tproc_heap_hand_over(party->view, block, TPROC_OWNER_CHANNELS, party->owner) != 0) continue;
    atomic_store(&cell->what, TPROC_CELL_TAKEN); /* before another can have the block */
    party->free_block(party, block);
  }
}
