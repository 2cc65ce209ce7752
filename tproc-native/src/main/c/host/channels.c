/* Channels, for the host's own code. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "host/host.h"
#include "shared/channel.h"

#define ROLES (TPROC_CHANNEL_SENDER | TPROC_CHANNEL_RECEIVER)
#define FLAGS (ROLES | TPROC_CHANNEL_ONE_SENDER | TPROC_CHANNEL_ONE_RECEIVER)

_Static_assert(sizeof(struct tproc_channel_handle) == sizeof(struct tproc_channel_end) &&
                   offsetof(struct tproc_channel_handle, id) == offsetof(struct tproc_channel_end, id),
               "one layout");
_Static_assert(sizeof(struct tproc_channel_message) == sizeof(struct tproc_parcel) &&
                   offsetof(struct tproc_channel_message, data) == offsetof(struct tproc_parcel, data),
               "one layout");
_Static_assert(TPROC_CHANNEL_SENDER == TPROC_ROLE_SENDER && TPROC_CHANNEL_RECEIVER == TPROC_ROLE_RECEIVER &&
                   TPROC_CHANNEL_ONE_SENDER == TPROC_QUEUE_ONE_SENDER << 2 &&
                   TPROC_CHANNEL_ONE_RECEIVER == TPROC_QUEUE_ONE_RECEIVER << 2,
               "one number");

static struct tproc_channel_end *end_of(struct tproc_channel_handle *channel) {
  return (struct tproc_channel_end *)channel;
}

static void free_block(const struct tproc_party *party, void *block) { host_heap_free(party->context, block); }

static int enter(struct tproc_host *host, struct tproc_party *party, struct tproc_error *error) {
  struct tproc_waiter self;
  int failed = host_check_range(host, error);
  if (!failed) failed = host_token(host, &self, error);
  if (failed) return failed;
  *party = (struct tproc_party){&host->range.view, self.token, TPROC_OWNER_HOST, free_block, &host->heap};
  return 0;
}

static int enter_end(struct tproc_host *host, struct tproc_party *party, const struct tproc_channel_handle *channel,
                     uint32_t role, struct tproc_error *error) {
  const int failed = enter(host, party, error);
  if (failed) return failed;
  if (tproc_channel_check(party, (const struct tproc_channel_end *)channel, role) == 0) return 0;
  return tproc_fail_because(error, EBADF, "this end of a channel is not open, or not for that");
}

int tproc_host_channel_create(struct tproc_host *host, uint32_t cells, uint32_t flags,
                              struct tproc_channel_handle *channel, struct tproc_error *error) {
  struct tproc_party party;
  void *queue = NULL;
  int failed = enter(host, &party, error);
  if (failed) return failed;
  if (!tproc_queue_can_have(cells))
    return tproc_fail_because(error, EINVAL, "make a channel: %u cells are no power of two up to %u", cells,
                              TPROC_QUEUE_CELLS_MAX);
  if ((flags & ROLES) == 0 || (flags & ~FLAGS) != 0)
    return tproc_fail_because(error, EINVAL, "make a channel: flags %#x", flags);
  failed = host_heap_alloc(&host->heap, tproc_queue_size(cells), 64, &queue);
  if (failed) return tproc_fail(error, -failed, "make a channel of %u cells", cells);
  tproc_queue_format(queue, cells, flags >> 2, tproc_queue_spins());
  failed = tproc_channel_make(&party, queue, flags & ROLES, end_of(channel));
  if (!failed) return 0;
  host_heap_free(&host->heap, queue);
  return tproc_fail(error, failed, "make a channel: all %u are in use", party.view->channel_count);
}

int tproc_host_channel_open(struct tproc_host *host, uint64_t id, uint32_t roles, struct tproc_channel_handle *channel,
                            struct tproc_error *error) {
  struct tproc_party party;
  const int failed = enter(host, &party, error);
  if (failed) return failed;
  if ((roles & ROLES) == 0 || (roles & ~ROLES) != 0)
    return tproc_fail_because(error, EINVAL, "open a channel: roles %#x", roles);
  switch (tproc_channel_join(&party, id, roles, end_of(channel))) {
    case 0:
      return 0;
    case EUSERS:
      return tproc_fail_because(error, EUSERS, "open a channel: %u ends of it are open", TPROC_PEER_COUNT);
    case EBUSY:
      return tproc_fail_because(error, EBUSY, "open a channel: it is for one process in this role, which has it open");
    default:
      return tproc_fail_because(error, ESTALE, "open a channel: it is no more");
  }
}

uint64_t tproc_host_channel_of(struct tproc_host *host, const struct tproc_registered *publication) {
  const struct tproc_view *view = &host->range.view;
  if (view->share == NULL || strcmp(publication->type, TPROC_CHANNEL_TAG) != 0) return 0;
  return tproc_channel_published(view, publication->address, publication->version);
}

int tproc_host_channel_publish(struct tproc_host *host, const struct tproc_channel_handle *channel, const char *name,
                               struct tproc_error *error) {
  struct tproc_party party;
  const int failed = enter_end(host, &party, channel, ROLES, error);
  if (failed) return failed;
  struct tproc_registered what = {.address = (uint64_t)tproc_channel_entry(party.view, channel->id),
                                  .size = sizeof(struct tproc_channel_entry),
                                  .version = tproc_channel_version(channel->id),
                                  .type = TPROC_CHANNEL_TAG};
  if (strlen(name) >= sizeof what.name)
    return tproc_fail_because(error, EINVAL, "publish a channel: a name has at most %zu bytes", sizeof what.name - 1);
  memcpy(what.name, name, strlen(name));
  return tproc_host_publish(host, &what, error);
}

int tproc_host_channel_close(struct tproc_host *host, struct tproc_channel_handle *channel, struct tproc_error *error) {
  struct tproc_party party;
  const int failed = enter(host, &party, error);
  if (failed) return failed;
  if (tproc_channel_leave(&party, end_of(channel)) == 0) return 0;
  return tproc_fail_because(error, EBADF, "close a channel: this end is not open");
}

/* No room, or no message, is no failure, and too frequent for a message; a part of them is a success. */
static int outcome(size_t passed, int failure, const char *step, struct tproc_error *error) {
  if (passed > 0 || failure == EAGAIN) return (int)passed;
  if (failure == EPIPE) return tproc_fail_because(error, EPIPE, "%s: the channel has no peer any more", step);
  if (failure == EINVAL)
    return tproc_fail_because(error, EINVAL,
                              "%s: a message has at most %u bytes, and its block is of the heap and in "
                              "no channel",
                              step, TPROC_CELL_DATA);
  return tproc_fail_because(error, failure, "%s: its block was freed by a program that did not own it", step);
}

int tproc_host_channel_send(struct tproc_host *host, struct tproc_channel_handle *channel,
                            const struct tproc_channel_message *messages, uint32_t count, struct tproc_error *error) {
  struct tproc_party party;
  int failure = enter_end(host, &party, channel, TPROC_CHANNEL_SENDER, error);
  if (failure) return failure;
  const size_t sent =
      tproc_channel_put_all(&party, end_of(channel), (const struct tproc_parcel *)messages, count, &failure);
  return outcome(sent, failure, "send", error);
}

/* What has failed after others had been received is told the next time. */
int tproc_host_channel_receive(struct tproc_host *host, struct tproc_channel_handle *channel,
                               struct tproc_channel_message *messages, uint32_t count, struct tproc_error *error) {
  struct tproc_party party;
  int failure = enter_end(host, &party, channel, TPROC_CHANNEL_RECEIVER, error);
  if (failure) return failure;
  struct tproc_channel_end *end = end_of(channel);
  if (end->note != 0) {
    failure = (int)end->note;
    end->note = 0;
    return outcome(0, failure, "receive", error);
  }
  const size_t received = tproc_channel_get_all(&party, end, (struct tproc_parcel *)messages, count, &failure);
  if (received > 0 && failure == EBADMSG) end->note = EBADMSG;
  return outcome(received, failure, "receive", error);
}

int tproc_host_channel_ready(struct tproc_host *host, const struct tproc_channel_handle *channel, uint32_t role,
                             struct tproc_error *error) {
  struct tproc_party party;
  const int failed = enter_end(host, &party, channel, role, error);
  return failed ? failed : tproc_channel_is_ready(party.view, (const struct tproc_channel_end *)channel, role);
}

uint32_t *tproc_host_channel_event(struct tproc_host *host, uint64_t id, uint32_t role) {
  return (uint32_t *)tproc_channel_event(&host->range.view, id, role);
}

uint32_t tproc_host_channel_peers(struct tproc_host *host, uint64_t id, uint32_t role) {
  return tproc_channel_count(&host->range.view, id, role);
}
