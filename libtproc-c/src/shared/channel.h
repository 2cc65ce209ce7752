/*
 * Channels: who has which open, and their end. A channel is there as long as an end of it is open; closing the last
 * one, or the reaper after the death of its owner, frees the queue and what was not received.
 */
#ifndef TPROC_SRC_SHARED_CHANNEL_H
#define TPROC_SRC_SHARED_CHANNEL_H

#include "event.h"
#include "queue.h"

#pragma GCC visibility push(hidden)

/** As struct tproc_channel of tproc.h: an open end. */
struct tproc_channel_end {
  struct tproc_queue *queue; /**< NULL: not open */
  uint64_t id;               /**< of the channel, and of no other */
  uint32_t owner;            /**< whose end this is */
  uint32_t peer;             /**< number of its place among the peers */
  uint32_t roles;
  uint32_t note; /**< of who has opened it: libtproc's tproc_spins, a failure that the host has to tell */
};

/** The entry of a channel that is open, or was. */
static inline struct tproc_channel_entry *tproc_channel_entry(const struct tproc_view *view, uint64_t id) {
  return &view->channels[(uint32_t)id - 1];
}

/** What a publication says of a channel beside its entry's address, so that it never names a later one. */
static inline uint32_t tproc_channel_version(uint64_t id) { return (uint32_t)(id >> 32); }

/** The id of a channel that was published so. @return 0: no entry of a channel is there */
uint64_t tproc_channel_published(const struct tproc_view *view, uint64_t address, uint32_t version);

/** The event at which one with this role waits. */
static inline _Atomic uint32_t *tproc_channel_event(const struct tproc_view *view, uint64_t id, uint32_t role) {
  struct tproc_channel_entry *entry = tproc_channel_entry(view, id);
  return role == TPROC_ROLE_SENDER ? &entry->received : &entry->sent;
}

/**
 * Makes a channel of a queue that has been formatted, in a block that is the party's own and becomes the channel's.
 *
 * @return 0; ENOSPC (all entries are in use) or EUSERS, and then the block is the party's still
 */
int tproc_channel_make(const struct tproc_party *party, struct tproc_queue *queue, uint32_t roles,
                       struct tproc_channel_end *end);

/** Opens an end. @return 0; ESTALE: the channel is no more; EUSERS: 64 are open; EBUSY: it is for one of this role */
int tproc_channel_join(const struct tproc_party *party, uint64_t id, uint32_t roles, struct tproc_channel_end *end);

/** Closes an end, and with the last one the channel. @return 0; EBADF: it is not open, or another process's */
int tproc_channel_leave(const struct tproc_party *party, struct tproc_channel_end *end);

/** Whether an end is open, for this role, and the party's. @return 0; EBADF */
int tproc_channel_check(const struct tproc_party *party, const struct tproc_channel_end *end, uint32_t role);

/** Sends, and wakes no thread. @return as tproc_queue_put; EPIPE: there is no receiver any more */
int tproc_channel_put(const struct tproc_party *party, const struct tproc_channel_end *end,
                      const struct tproc_parcel *parcel);

/** Receives, and wakes no thread. @return as tproc_queue_get; EPIPE: nothing is there, and no sender any more */
int tproc_channel_get(const struct tproc_party *party, const struct tproc_channel_end *end,
                      struct tproc_parcel *parcel);

/** As many as go at once, of several; then those who wait are woken. @return how many; 0: *error says why not one */
size_t tproc_channel_put_all(const struct tproc_party *party, const struct tproc_channel_end *end,
                             const struct tproc_parcel *parcels, size_t count, int *error);
size_t tproc_channel_get_all(const struct tproc_party *party, const struct tproc_channel_end *end,
                             struct tproc_parcel *parcels, size_t count, int *error);

/** How many ends there are in a role. */
uint32_t tproc_channel_count(const struct tproc_view *view, uint64_t id, uint32_t role);

/** Whether a role was there, and is not any more. */
bool tproc_channel_has_lost(const struct tproc_view *view, uint64_t id, uint32_t role);

/** Whether one with this role would find room, a message, or that there is no peer any more. */
bool tproc_channel_is_ready(const struct tproc_view *view, const struct tproc_channel_end *end, uint32_t role);

/** The reaper's: an owner has ended, and the tokens of its threads are dead. @return how many ends it had */
uint32_t tproc_channel_bury_owner(const struct tproc_party *reaper, uint32_t owner);

#pragma GCC visibility pop

#endif
