#include "shared/channel.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "shared/futex.h"
#include "shared/heap.h"
#include "shared/spinning.h"
#include "thread.h"
#include "tproc.h"

#define ROLES (TPROC_SENDER | TPROC_RECEIVER)

_Static_assert(sizeof(struct tproc_message) == sizeof(struct tproc_parcel) && sizeof(struct tproc_message) == 64,
               "one layout");
_Static_assert(offsetof(struct tproc_message, data) == offsetof(struct tproc_parcel, data), "one layout");
_Static_assert(TPROC_MESSAGE_MAX == TPROC_CELL_DATA, "one size");
_Static_assert(sizeof(struct tproc_channel) == sizeof(struct tproc_channel_end), "one layout");
_Static_assert(offsetof(struct tproc_channel, id) == offsetof(struct tproc_channel_end, id), "one layout");
_Static_assert(sizeof TPROC_CHANNEL_TYPE == sizeof TPROC_CHANNEL_TAG, "one name");
_Static_assert(TPROC_SENDER == TPROC_ROLE_SENDER && TPROC_RECEIVER == TPROC_ROLE_RECEIVER, "one number");
_Static_assert(TPROC_ONE_SENDER == TPROC_QUEUE_ONE_SENDER << 2, "a shift apart");
_Static_assert(TPROC_ONE_RECEIVER == TPROC_QUEUE_ONE_RECEIVER << 2, "a shift apart");

static void free_block(const struct tproc_party *party, void *block) {
  tproc_heap_free(party->view, tproc_cache, block);
}

static int enter(struct tproc_party *party) {
  if (__builtin_expect(tproc_cache->token == 0, 0)) {
    const int failed = tproc_take_part();
    if (failed) return failed;
  }
  *party = (struct tproc_party){&tproc_view, tproc_cache->token, tproc_cache->owner, free_block, NULL};
  return tproc_view.channel_count == 0 ? ENOTSUP : 0;
}

static int enter_end(struct tproc_party *party, const struct tproc_channel *channel, uint32_t role) {
  const int failed = enter(party);
  return failed ? failed : tproc_channel_check(party, (const struct tproc_channel_end *)channel, role);
}

static _Atomic uint32_t *event_of(const struct tproc_channel *channel, uint32_t role) {
  return tproc_channel_event(&tproc_view, channel->id, role);
}

/* ---- opening and closing --------------------------------------------------------------------------------------- */

int tproc_channel_create(struct tproc_channel *channel, uint32_t cells, unsigned flags) {
  struct tproc_party party;
  int failed = enter(&party);
  if (failed) return failed;
  if (!tproc_queue_can_have(cells) || (flags & ROLES) == 0 || flags >= TPROC_ONE_RECEIVER << 1) return EINVAL;
  struct tproc_queue *queue = tproc_heap_alloc_slowly(&tproc_view, tproc_cache, tproc_queue_size(cells), 64);
  if (queue == NULL) return ENOMEM;
  tproc_queue_format(queue, cells, flags >> 2, tproc_queue_spins());
  failed = tproc_channel_make(&party, queue, flags & ROLES, (struct tproc_channel_end *)channel);
  if (failed) free_block(&party, queue);
  return failed;
}

int tproc_channel_open_id(struct tproc_channel *channel, uint64_t id, unsigned roles) {
  struct tproc_party party;
  const int failed = enter(&party);
  if (failed) return failed;
  if ((roles & ROLES) == 0 || roles > ROLES) return EINVAL;
  return tproc_channel_join(&party, id, roles, (struct tproc_channel_end *)channel);
}

int tproc_channel_publish(const struct tproc_channel *channel, const char *name) {
  struct tproc_party party;
  const int failed = enter_end(&party, channel, ROLES);
  if (failed) return failed;
  struct tproc_entry entry = {.type = TPROC_CHANNEL_TYPE,
                              .address = tproc_channel_entry(&tproc_view, channel->id),
                              .size = sizeof(struct tproc_channel_entry),
                              .version = tproc_channel_version(channel->id)};
  const size_t length = strnlen(name, sizeof entry.name);
  if (length == sizeof entry.name) return EINVAL;
  memcpy(entry.name, name, length);
  return tproc_publish(&entry);
}

int tproc_channel_open(struct tproc_channel *channel, const char *name, unsigned roles,
                       const struct timespec *deadline) {
  struct tproc_entry entry;
  const int failed = tproc_await(name, TPROC_CHANNEL_TYPE, deadline, &entry);
  if (failed) return failed;
  return tproc_channel_open_id(
      channel, tproc_channel_published(&tproc_view, (uint64_t)(uintptr_t)entry.address, entry.version), roles);
}

int tproc_channel_close(struct tproc_channel *channel) {
  struct tproc_party party;
  const int failed = enter(&party);
  return failed ? failed : tproc_channel_leave(&party, (struct tproc_channel_end *)channel);
}

int tproc_channel_peers(const struct tproc_channel *channel, unsigned *senders, unsigned *receivers) {
  struct tproc_party party;
  const int failed = enter_end(&party, channel, ROLES);
  if (failed) return failed;
  *senders = tproc_channel_count(&tproc_view, channel->id, TPROC_ROLE_SENDER);
  *receivers = tproc_channel_count(&tproc_view, channel->id, TPROC_ROLE_RECEIVER);
  return 0;
}

/* ---- messages -------------------------------------------------------------------------------------------------- */

typedef size_t (*pass)(const struct tproc_party *, const struct tproc_channel_end *, void *, size_t, int *);

static size_t pass_out(const struct tproc_party *party, const struct tproc_channel_end *end, void *messages,
                       size_t count, int *error) {
  return tproc_channel_put_all(party, end, messages, count, error);
}

static size_t pass_in(const struct tproc_party *party, const struct tproc_channel_end *end, void *messages,
                      size_t count, int *error) {
  return tproc_channel_get_all(party, end, messages, count, error);
}

/* What is left of a batch that stopped for want of room, messages or peers is a matter of the next call. */
static int outcome(size_t passed, int error) { return passed > 0 && (error == EAGAIN || error == EPIPE) ? 0 : error; }

static int pass_now(const struct tproc_party *party, const struct tproc_channel *channel, pass what, void *messages,
                    size_t count, size_t *passed) {
  int error;
  *passed = what(party, (const struct tproc_channel_end *)channel, messages, count, &error);
  return outcome(*passed, error);
}

static int pass_or_wait(const struct tproc_party *party, struct tproc_channel *channel, pass what,
                        _Atomic uint32_t *event, void *messages, size_t count, size_t *passed,
                        const struct timespec *deadline) {
  const struct tproc_waiter waiter = {party->view, party->token};
  const uint32_t most = ((const struct tproc_queue *)channel->queue)->spins;
  for (;;) {
    int result = pass_now(party, channel, what, messages, count, passed);
    if (result != EAGAIN) return result;
    const uint32_t spins = tproc_spins_begin((tproc_spins *)&channel->spins, most);
    for (uint32_t i = 0; result == EAGAIN && i < spins; i++) {
      tproc_pause();
      result = pass_now(party, channel, what, messages, count, passed);
    }
    tproc_spins_end((tproc_spins *)&channel->spins, most, spins, result != EAGAIN);
    if (result != EAGAIN) return result;
    const uint32_t key = tproc_event_announce(event);
    result = pass_now(party, channel, what, messages, count, passed);
    if (result != EAGAIN) return result;
    if (tproc_event_sleep(event, key, &waiter, deadline) == ETIMEDOUT) return ETIMEDOUT;
  }
}

int tproc_channel_send_batch(struct tproc_channel *channel, const struct tproc_message *messages, size_t count,
                             size_t *sent, const struct timespec *deadline) {
  struct tproc_party party;
  const int failed = enter_end(&party, channel, TPROC_ROLE_SENDER);
  *sent = 0;
  if (failed || count == 0) return failed;
  return pass_or_wait(&party, channel, pass_out, event_of(channel, TPROC_SENDER), (void *)messages, count, sent,
                      deadline);
}

int tproc_channel_receive_batch(struct tproc_channel *channel, struct tproc_message *messages, size_t count,
                                size_t *received, const struct timespec *deadline) {
  struct tproc_party party;
  const int failed = enter_end(&party, channel, TPROC_ROLE_RECEIVER);
  *received = 0;
  if (failed || count == 0) return failed;
  return pass_or_wait(&party, channel, pass_in, event_of(channel, TPROC_RECEIVER), messages, count, received, deadline);
}

int tproc_channel_send(struct tproc_channel *channel, const struct tproc_message *message,
                       const struct timespec *deadline) {
  size_t sent;
  return tproc_channel_send_batch(channel, message, 1, &sent, deadline);
}

int tproc_channel_receive(struct tproc_channel *channel, struct tproc_message *message,
                          const struct timespec *deadline) {
  size_t received;
  return tproc_channel_receive_batch(channel, message, 1, &received, deadline);
}

int tproc_channel_trysend(struct tproc_channel *channel, const struct tproc_message *message) {
  struct tproc_party party;
  size_t sent;
  const int failed = enter_end(&party, channel, TPROC_ROLE_SENDER);
  return failed ? failed : pass_now(&party, channel, pass_out, (void *)message, 1, &sent);
}

int tproc_channel_tryreceive(struct tproc_channel *channel, struct tproc_message *message) {
  struct tproc_party party;
  size_t received;
  const int failed = enter_end(&party, channel, TPROC_ROLE_RECEIVER);
  return failed ? failed : pass_now(&party, channel, pass_in, message, 1, &received);
}

/* ---- several at a time ----------------------------------------------------------------------------------------- */

static int is_ready(const struct tproc_channel_select *each) {
  return tproc_channel_is_ready(&tproc_view, (const struct tproc_channel_end *)each->channel, each->role);
}

static bool look(struct tproc_channel_select *all, size_t count) {
  bool any = false;
  for (size_t i = 0; i < count; i++) any |= (all[i].ready = is_ready(&all[i])) != 0;
  return any;
}

static bool has_passed(const struct timespec *deadline) {
  struct timespec now;
  if (deadline == NULL) return false;
  if (deadline->tv_nsec < 0 || deadline->tv_nsec >= 1000000000) return true; /* as tproc_futex_wait has it */
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec > deadline->tv_sec || (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

/* A thread tells the reaper of one word alone; so it wakes this one by the count of deaths. */
int tproc_channel_select(struct tproc_channel_select *channels, size_t count, const struct timespec *deadline) {
  struct tproc_party party;
  struct tproc_futex_word words[TPROC_FUTEX_WORDS_MAX];
  if (count == 0 || count > TPROC_SELECT_MAX) return EINVAL;
  for (size_t i = 0; i < count; i++) {
    if (channels[i].role != TPROC_SENDER && channels[i].role != TPROC_RECEIVER) return EINVAL;
    const int failed = enter_end(&party, channels[i].channel, channels[i].role);
    if (failed) return failed;
  }
  while (!look(channels, count)) {
    if (has_passed(deadline)) return ETIMEDOUT;
    words[0] = tproc_futex_word(&tproc_view.share->deaths, atomic_load(&tproc_view.share->deaths));
    for (size_t i = 0; i < count; i++) {
      _Atomic uint32_t *event = event_of(channels[i].channel, channels[i].role);
      words[i + 1] = tproc_futex_word(event, tproc_event_announce(event));
    }
    if (!look(channels, count)) tproc_futex_wait_any(words, count + 1, deadline);
  }
  return 0;
}
