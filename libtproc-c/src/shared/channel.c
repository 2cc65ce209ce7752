#include "channel.h"

#include <errno.h>

#include "heap.h"
#include "owner.h"

#define PHASE_MASK 15u
#define OWNER_SHIFT 4
#define OWNER_MASK 0xffffu
#define OPENED_UNIT 16u
#define OPENED_MASK 0xfffffff0u
#define GENERATION_SHIFT 32

#define PEER_ROLE_SHIFT 16
#define PEER_ROLE_MASK 3u
#define PEER_GENERATION_SHIFT 18

static uint32_t phase_of(uint64_t state) { return (uint32_t)state & PHASE_MASK; }
static uint32_t generation_of(uint64_t state) { return (uint32_t)(state >> GENERATION_SHIFT); }
/* While it is FILLING or ENDING. */
static uint32_t owner_of(uint64_t state) { return (uint32_t)state >> OWNER_SHIFT & OWNER_MASK; }

static uint64_t owned(uint32_t generation, uint32_t phase, uint32_t owner) {
  return (uint64_t)generation << GENERATION_SHIFT | owner << OWNER_SHIFT | phase;
}

static uint64_t opened_again(uint64_t state) {
  const uint32_t opened = ((uint32_t)state & OPENED_MASK) + OPENED_UNIT;
  return state >> GENERATION_SHIFT << GENERATION_SHIFT | (opened & OPENED_MASK) | TPROC_CHANNEL_OPEN;
}

static uint64_t id_of(uint32_t number, uint64_t state) { return state >> GENERATION_SHIFT << 32 | (number + 1u); }

uint64_t tproc_channel_published(const struct tproc_view *view, uint64_t address, uint32_t version) {
  const uint64_t offset = address - (uint64_t)(uintptr_t)view->channels;
  const uint64_t number = offset / sizeof(struct tproc_channel_entry);
  if (offset % sizeof(struct tproc_channel_entry) != 0 || number >= view->channel_count) return 0;
  return id_of((uint32_t)number, (uint64_t)version << GENERATION_SHIFT);
}

static bool change(struct tproc_channel_entry *entry, uint64_t from, uint64_t to) {
  return atomic_compare_exchange_strong(&entry->state, &from, to);
}

static struct tproc_queue *queue_of(const struct tproc_view *view, struct tproc_channel_entry *entry) {
  const uint64_t offset = atomic_load(&entry->queue);
  return offset == 0 ? NULL : (struct tproc_queue *)((unsigned char *)view->share + offset);
}

/* For who puts right what others have left. @return NULL: there is none, or what is written there is none */
static struct tproc_queue *sound_queue_of(const struct tproc_view *view, struct tproc_channel_entry *entry) {
  struct tproc_queue *queue = queue_of(view, entry);
  if (queue == NULL || tproc_heap_owner_of(view, queue) != TPROC_OWNER_CHANNELS) return NULL;
  const size_t room = tproc_heap_usable_size(view, queue);
  return queue->mask < room / sizeof(struct tproc_cell) && tproc_queue_size(queue->mask + 1) <= room ? queue : NULL;
}

static uint32_t high_of(const struct tproc_view *view) {
  return view->channel_count == 0 ? 0 : tproc_in_use(&view->share->channels_high, view->channel_count);
}

static void tell(struct tproc_channel_entry *entry) {
  tproc_event_wake(&entry->sent);
  tproc_event_wake(&entry->received);
}

/* ---- peers ----------------------------------------------------------------------------------------------------- */

static uint32_t peer_of(uint32_t owner, uint32_t roles, uint32_t generation) {
  return owner | roles << PEER_ROLE_SHIFT | generation << PEER_GENERATION_SHIFT;
}

static uint32_t roles_of(uint32_t peer) { return peer >> PEER_ROLE_SHIFT & PEER_ROLE_MASK; }

/* One of an earlier channel in this entry is about to go. */
static bool is_of(uint32_t peer, uint32_t generation) {
  return peer != 0 && peer >> PEER_GENERATION_SHIFT == generation << PEER_GENERATION_SHIFT >> PEER_GENERATION_SHIFT;
}

/* @return TPROC_PEER_COUNT: there is no place */
static uint32_t add_peer(struct tproc_channel_entry *entry, uint32_t peer) {
  for (uint32_t i = 0; i < TPROC_PEER_COUNT; i++) {
    uint32_t none = 0;
    if (atomic_compare_exchange_strong(&entry->peers[i], &none, peer)) return i;
  }
  return TPROC_PEER_COUNT;
}

static uint32_t count_peers(struct tproc_channel_entry *entry, uint32_t generation, uint32_t roles) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < TPROC_PEER_COUNT; i++) {
    const uint32_t peer = atomic_load(&entry->peers[i]);
    count += is_of(peer, generation) && (roles_of(peer) & roles) != 0;
  }
  return count;
}

static uint32_t roles_there(struct tproc_channel_entry *entry, uint32_t generation) {
  uint32_t roles = 0;
  for (uint32_t i = 0; i < TPROC_PEER_COUNT; i++) {
    const uint32_t peer = atomic_load(&entry->peers[i]);
    if (is_of(peer, generation)) roles |= roles_of(peer);
  }
  return roles;
}

static uint32_t roles_missing(struct tproc_channel_entry *entry, uint32_t generation) {
  return atomic_load(&entry->seen) & ~roles_there(entry, generation);
}

/*
 * A leaving peer clears its place, sets the hint, and tells all who wait. So when nothing is missing the hint is taken
 * back first, and then the places are looked at; if one has left meanwhile, another may have seen no hint, and sleep.
 */
static uint32_t roles_lost(struct tproc_channel_entry *entry, uint32_t generation) {
  uint32_t lost = roles_missing(entry, generation);
  if (lost != 0) return lost;
  atomic_store(&entry->left, 0);
  lost = roles_missing(entry, generation);
  if (lost == 0) return 0;
  atomic_store(&entry->left, 1);
  tell(entry);
  return lost;
}

static bool has_lost(struct tproc_channel_entry *entry, uint64_t id, uint32_t role) {
  return atomic_load_explicit(&entry->left, memory_order_relaxed) != 0 &&
         (roles_lost(entry, (uint32_t)(id >> 32)) & role) != 0;
}

bool tproc_channel_has_lost(const struct tproc_view *view, uint64_t id, uint32_t role) {
  return has_lost(tproc_channel_entry(view, id), id, role);
}

uint32_t tproc_channel_count(const struct tproc_view *view, uint64_t id, uint32_t role) {
  return count_peers(tproc_channel_entry(view, id), (uint32_t)(id >> 32), role);
}

/* ---- the end of it --------------------------------------------------------------------------------------------- */

/*
 * Of an entry that is FILLING or ENDING for this owner, or was for one that is dead. The queue's block is the channel's
 * until all that lies in it has been freed.
 */
static void finish(const struct tproc_party *party, struct tproc_channel_entry *entry, uint32_t generation) {
  struct tproc_queue *queue = sound_queue_of(party->view, entry);
  if (queue != NULL) {
    tproc_queue_drain(party, queue);
    tproc_heap_hand_over(party->view, queue, TPROC_OWNER_CHANNELS, party->owner);
  }
  atomic_store(&entry->queue, 0);
  atomic_store(&entry->state, owned(generation, TPROC_CHANNEL_FREE, 0));
  if (queue != NULL) party->free_block(party, queue);
}

/* If no end is open. One that is opened meanwhile changes the state. */
static void end_unless_open(const struct tproc_party *party, struct tproc_channel_entry *entry) {
  const uint64_t state = atomic_load(&entry->state);
  const uint32_t generation = generation_of(state);
  if (phase_of(state) != TPROC_CHANNEL_OPEN || roles_there(entry, generation) != 0) return;
  if (change(entry, state, owned(generation, TPROC_CHANNEL_ENDING, party->owner))) finish(party, entry, generation);
}

int tproc_channel_leave(const struct tproc_party *party, struct tproc_channel_end *end) {
  if (tproc_channel_check(party, end, end->roles) != 0) return EBADF;
  struct tproc_channel_entry *entry = tproc_channel_entry(party->view, end->id);
  uint32_t peer = peer_of(end->owner, end->roles, (uint32_t)(end->id >> 32));
  if (!atomic_compare_exchange_strong(&entry->peers[end->peer], &peer, 0)) return EBADF;
  end->queue = NULL; /* from here on another may free it */
  atomic_store(&entry->left, 1);
  tell(entry);
  end_unless_open(party, entry);
  return 0;
}

/* ---- beginning ------------------------------------------------------------------------------------------------- */

static struct tproc_channel_entry *take_entry(const struct tproc_view *view, uint32_t owner, uint64_t *state) {
  for (uint32_t i = 0; i < view->channel_count; i++) {
    struct tproc_channel_entry *entry = &view->channels[i];
    const uint64_t now = atomic_load(&entry->state);
    if (phase_of(now) != TPROC_CHANNEL_FREE) continue;
    tproc_raise(&view->share->channels_high, i + 1);
    *state = owned(generation_of(now) + 1, TPROC_CHANNEL_FILLING, owner);
    if (change(entry, now, *state)) return entry;
  }
  return NULL;
}

int tproc_channel_make(const struct tproc_party *party, struct tproc_queue *queue, uint32_t roles,
                       struct tproc_channel_end *end) {
  uint64_t state;
  const struct tproc_view *view = party->view;
  struct tproc_channel_entry *entry = take_entry(view, party->owner, &state);
  if (entry == NULL) return ENOSPC;
  const uint32_t peer = add_peer(entry, peer_of(party->owner, roles, generation_of(state)));
  if (peer == TPROC_PEER_COUNT) {
    atomic_store(&entry->state, owned(generation_of(state), TPROC_CHANNEL_FREE, 0));
    return EUSERS;
  }
  atomic_store(&entry->seen, roles);
  atomic_store(&entry->left, 0);
  atomic_store(&entry->queue, (uint64_t)queue - (uint64_t)view->share);
  tproc_heap_give(view, queue, TPROC_OWNER_CHANNELS);
  atomic_store(&entry->state, opened_again(owned(generation_of(state), TPROC_CHANNEL_OPEN, 0)));
  *end = (struct tproc_channel_end){.queue = queue,
                                    .id = id_of((uint32_t)(entry - view->channels), state),
                                    .owner = party->owner,
                                    .peer = peer,
                                    .roles = roles};
  return 0;
}

/* From here on it counts. @return false: the channel is no more */
static bool commit(struct tproc_channel_entry *entry, uint32_t generation) {
  uint64_t state = atomic_load(&entry->state);
  while (phase_of(state) == TPROC_CHANNEL_OPEN && generation_of(state) == generation)
    if (atomic_compare_exchange_weak(&entry->state, &state, opened_again(state))) return true;
  return false;
}

static bool is_crowded(struct tproc_channel_entry *entry, uint32_t generation, uint32_t roles, uint32_t flags) {
  return ((flags & TPROC_QUEUE_ONE_SENDER) != 0 && (roles & TPROC_ROLE_SENDER) != 0 &&
          count_peers(entry, generation, TPROC_ROLE_SENDER) > 1) ||
         ((flags & TPROC_QUEUE_ONE_RECEIVER) != 0 && (roles & TPROC_ROLE_RECEIVER) != 0 &&
          count_peers(entry, generation, TPROC_ROLE_RECEIVER) > 1);
}

int tproc_channel_join(const struct tproc_party *party, uint64_t id, uint32_t roles, struct tproc_channel_end *end) {
  const struct tproc_view *view = party->view;
  const uint32_t generation = (uint32_t)(id >> 32);
  if ((uint32_t)id - 1 >= view->channel_count) return ESTALE;
  struct tproc_channel_entry *entry = tproc_channel_entry(view, id);
  const uint64_t state = atomic_load(&entry->state);
  if (phase_of(state) != TPROC_CHANNEL_OPEN || generation_of(state) != generation) return ESTALE;
  const uint32_t peer = add_peer(entry, peer_of(party->owner, roles, generation));
  if (peer == TPROC_PEER_COUNT) return EUSERS;
  if (!commit(entry, generation)) {
    atomic_store(&entry->peers[peer], 0);
    return ESTALE;
  }
  *end = (struct tproc_channel_end){
      .queue = queue_of(view, entry), .id = id, .owner = party->owner, .peer = peer, .roles = roles};
  if (is_crowded(entry, generation, roles, end->queue->flags)) {
    tproc_channel_leave(party, end);
    return EBUSY;
  }
  atomic_fetch_or(&entry->seen, roles);
  roles_lost(entry, generation);
  return 0;
}

/* ---- messages -------------------------------------------------------------------------------------------------- */

/* An end that a forked child has inherited is its parent's; each thread of a process may have another number. */
int tproc_channel_check(const struct tproc_party *party, const struct tproc_channel_end *end, uint32_t role) {
  if (end->queue == NULL || (end->roles & role) == 0) return EBADF;
  if (__builtin_expect(end->owner == party->owner, 1)) return 0;
  return tproc_owner_pid(party->view, end->owner) == tproc_owner_pid(party->view, party->owner) ? 0 : EBADF;
}

int tproc_channel_put(const struct tproc_party *party, const struct tproc_channel_end *end,
                      const struct tproc_parcel *parcel) {
  struct tproc_channel_entry *entry = tproc_channel_entry(party->view, end->id);
  if (__builtin_expect(has_lost(entry, end->id, TPROC_ROLE_RECEIVER), 0))
    return parcel->length > TPROC_CELL_DATA ? EINVAL : EPIPE; /* a wrong message is wrong, whoever is there */
  return tproc_queue_put(party, end->queue, parcel);
}

int tproc_channel_get(const struct tproc_party *party, const struct tproc_channel_end *end,
                      struct tproc_parcel *parcel) {
  struct tproc_channel_entry *entry = tproc_channel_entry(party->view, end->id);
  const int result = tproc_queue_get(party, end->queue, parcel);
  if (result != EAGAIN || !has_lost(entry, end->id, TPROC_ROLE_SENDER)) return result;
  const int last = tproc_queue_get(party, end->queue, parcel); /* it may have sent before it left */
  return last == EAGAIN ? EPIPE : last;
}

/* A message that was refused after its cell had been claimed may have held up later ones: so those are told, too. */
size_t tproc_channel_put_all(const struct tproc_party *party, const struct tproc_channel_end *end,
                             const struct tproc_parcel *parcels, size_t count, int *error) {
  size_t sent = 0;
  *error = 0;
  while (sent < count && (*error = tproc_channel_put(party, end, &parcels[sent])) == 0) sent++;
  if (sent > 0 || *error == EINVAL) tproc_event_wake(&tproc_channel_entry(party->view, end->id)->sent);
  return sent;
}

size_t tproc_channel_get_all(const struct tproc_party *party, const struct tproc_channel_end *end,
                             struct tproc_parcel *parcels, size_t count, int *error) {
  size_t got = 0;
  *error = 0;
  while (got < count && (*error = tproc_channel_get(party, end, &parcels[got])) == 0) got++;
  if (got > 0 || *error == EBADMSG) tproc_event_wake(&tproc_channel_entry(party->view, end->id)->received);
  return got;
}

bool tproc_channel_is_ready(const struct tproc_view *view, const struct tproc_channel_end *end, uint32_t role) {
  const bool sends = role == TPROC_ROLE_SENDER;
  if (sends ? tproc_queue_has_room(end->queue) : tproc_queue_has_message(end->queue)) return true;
  return tproc_channel_has_lost(view, end->id, sends ? TPROC_ROLE_RECEIVER : TPROC_ROLE_SENDER);
}

/* ---- after a death --------------------------------------------------------------------------------------------- */

static uint32_t bury_peers(struct tproc_channel_entry *entry, uint32_t generation, uint32_t owner) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < TPROC_PEER_COUNT; i++) {
    const uint32_t peer = atomic_load(&entry->peers[i]);
    if (peer == 0 || (peer & OWNER_MASK) != owner) continue;
    if (is_of(peer, generation)) atomic_fetch_or(&entry->seen, roles_of(peer));
    atomic_store(&entry->peers[i], 0);
    count++;
  }
  return count;
}

static bool is_peer(struct tproc_channel_entry *entry, uint32_t owner) {
  for (uint32_t i = 0; i < TPROC_PEER_COUNT; i++) {
    const uint32_t peer = atomic_load(&entry->peers[i]);
    if (peer != 0 && (peer & OWNER_MASK) == owner) return true;
  }
  return false;
}

/* @return how many ends of an open channel the owner had */
static uint32_t bury_in(const struct tproc_party *reaper, struct tproc_channel_entry *entry, uint32_t generation,
                        uint32_t owner) {
  if (!is_peer(entry, owner)) return 0;
  struct tproc_queue *queue = sound_queue_of(reaper->view, entry);
  if (queue != NULL) tproc_queue_mend(reaper->view, queue);
  const uint32_t count = bury_peers(entry, generation, owner);
  atomic_store(&entry->left, 1);
  tell(entry);
  return count;
}

/* One without a peer may be the dead one's, too: it had closed the last end, and not come to end the channel. */
uint32_t tproc_channel_bury_owner(const struct tproc_party *reaper, uint32_t owner) {
  const uint32_t high = high_of(reaper->view);
  uint32_t count = 0;
  for (uint32_t i = 0; i < high; i++) {
    struct tproc_channel_entry *entry = &reaper->view->channels[i];
    const uint64_t state = atomic_load(&entry->state);
    const uint32_t generation = generation_of(state);
    if (phase_of(state) == TPROC_CHANNEL_OPEN) {
      count += bury_in(reaper, entry, generation, owner);
      end_unless_open(reaper, entry);
    } else {
      count += bury_peers(entry, generation, owner);
      if (phase_of(state) != TPROC_CHANNEL_FREE && owner_of(state) == owner) finish(reaper, entry, generation);
    }
  }
  return count;
}
