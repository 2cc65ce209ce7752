/*
 * Sends and receives through channels:  channels WHAT NAME [N | NAME2]
 *
 * Message i of a sender holds i in its first 8 bytes; each fourth comes with a block of 100 bytes that holds i as well.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tproc.h>
#include <unistd.h>

static void check(const char *step, int failed) {
  if (failed == 0) return;
  fprintf(stderr, "%s: %s\n", step, strerror(failed));
  exit(3);
}

static struct tproc_channel open_end(const char *name, unsigned roles) {
  struct tproc_channel channel;
  check("tproc_channel_open", tproc_channel_open(&channel, name, roles, NULL));
  return channel;
}

static struct tproc_message message_of(uint64_t i) {
  struct tproc_message message = {.length = sizeof i};
  memcpy(message.data, &i, sizeof i);
  if (i % 4 != 0) return message;
  message.block = tproc_alloc(100);
  if (message.block == NULL) check("tproc_alloc", errno);
  memcpy(message.block, &i, sizeof i);
  return message;
}

/* @return what it holds; its block is freed */
static uint64_t read_message(const struct tproc_message *message) {
  uint64_t i, in_block;
  memcpy(&i, message->data, sizeof i);
  if (message->length != sizeof i || (message->block != NULL) != (i % 4 == 0)) exit(4);
  if (message->block == NULL) return i;
  memcpy(&in_block, message->block, sizeof in_block);
  if (in_block != i || tproc_owner_of(message->block) != getpid()) exit(5);
  tproc_free(message->block);
  return i;
}

static void send_some(const char *name, uint64_t count) {
  struct tproc_channel channel = open_end(name, TPROC_SENDER);
  for (uint64_t i = 0; i < count; i++) {
    const struct tproc_message message = message_of(i);
    check("tproc_channel_send", tproc_channel_send(&channel, &message, NULL));
  }
  check("tproc_channel_close", tproc_channel_close(&channel));
  if (tproc_channel_close(&channel) != EBADF) exit(6);
}

/* @return how many, to the end; in ascending order if there is one sender */
static uint64_t receive_all(struct tproc_channel *channel) {
  struct tproc_message messages[7];
  uint64_t count = 0;
  size_t received;
  int failed;
  while ((failed = tproc_channel_receive_batch(channel, messages, 7, &received, NULL)) == 0)
    for (size_t i = 0; i < received; i++)
      if (read_message(&messages[i]) != count++) exit(7);
  if (failed != EPIPE) check("tproc_channel_receive_batch", failed);
  return count;
}

static void make(const char *name, unsigned cells) {
  struct tproc_channel channel;
  check("tproc_channel_create", tproc_channel_create(&channel, cells, TPROC_RECEIVER));
  check("tproc_channel_publish", tproc_channel_publish(&channel, name));
  printf("%lu\n", (unsigned long)receive_all(&channel));
  check("tproc_channel_close", tproc_channel_close(&channel));
}

static void receive(const char *name) {
  struct tproc_channel channel = open_end(name, TPROC_RECEIVER);
  printf("%lu\n", (unsigned long)receive_all(&channel));
}

/* What comes in goes out again, block and all. */
static void echo(const char *name, const char *back) {
  struct tproc_channel in = open_end(name, TPROC_RECEIVER), out = open_end(back, TPROC_SENDER);
  struct tproc_message message;
  int failed;
  while ((failed = tproc_channel_receive(&in, &message, NULL)) == 0)
    check("tproc_channel_send", tproc_channel_send(&out, &message, NULL));
  if (failed != EPIPE) check("tproc_channel_receive", failed);
}

/* Keeps one that it has received, sends until there is no room, and waits for more. */
static void hold(const char *name) {
  struct tproc_channel channel = open_end(name, TPROC_SENDER | TPROC_RECEIVER);
  struct tproc_message message;
  check("tproc_channel_receive", tproc_channel_receive(&channel, &message, NULL));
  printf("%lx\n", (unsigned long)(uintptr_t)message.block);
  fflush(stdout);
  uint64_t i = 0;
  do {
    message = message_of(4 * i++);
  } while (tproc_channel_trysend(&channel, &message) == 0);
  puts("full");
  fflush(stdout);
  check("tproc_channel_send", tproc_channel_send(&channel, &message, NULL));
}

static void select_both(const char *first, const char *second) {
  struct tproc_channel channels[2] = {open_end(first, TPROC_RECEIVER), open_end(second, TPROC_RECEIVER)};
  struct tproc_channel_select both[2] = {{&channels[0], TPROC_RECEIVER, 0}, {&channels[1], TPROC_RECEIVER, 0}};
  struct tproc_message message;
  unsigned long counts[2] = {0, 0}, left = 2;
  while (left > 0) {
    check("tproc_channel_select", tproc_channel_select(both + 2 - left, left, NULL));
    for (int i = (int)(2 - left); i < 2; i++) {
      if (!both[i].ready) continue;
      const int failed = tproc_channel_tryreceive(both[i].channel, &message);
      if (failed == 0) counts[both[i].channel - channels]++;
      if (failed == 0 && message.block != NULL) tproc_free(message.block);
      if (failed == EPIPE) {
        both[i] = both[2 - left]; /* the other is what is left */
        left--;
        break;
      }
    }
  }
  printf("%lu %lu\n", counts[0], counts[1]);
}

/* What goes wrong, and how it is told. */
static int refusals(const char *name) {
  struct tproc_channel channel, other;
  struct tproc_message message = {.length = TPROC_MESSAGE_MAX + 1};
  const struct timespec passed = {0, 0};
  unsigned senders = 0, receivers = 0;
  size_t done = 9;
  if (tproc_channel_create(&channel, 3, TPROC_SENDER) != EINVAL) return 20;
  if (tproc_channel_create(&channel, 4, 0) != EINVAL || tproc_channel_create(&channel, 4, 16) != EINVAL) return 21;
  if (tproc_channel_create(&channel, 2, TPROC_SENDER | TPROC_RECEIVER | TPROC_ONE_SENDER) != 0) return 22;
  if (tproc_channel_open_id(&other, channel.id, TPROC_SENDER) != EBUSY) return 23;
  if (tproc_channel_open_id(&other, channel.id, TPROC_RECEIVER) != 0) return 24;
  if (tproc_channel_peers(&channel, &senders, &receivers) != 0 || senders != 1 || receivers != 2) return 25;
  if (tproc_channel_trysend(&other, &message) != EBADF) return 26;
  if (tproc_channel_trysend(&channel, &message) != EINVAL) return 27;
  message.length = 0;
  message.block = &channel; /* of no heap */
  if (tproc_channel_trysend(&channel, &message) != EINVAL) return 28;
  if (tproc_channel_tryreceive(&other, &message) != EAGAIN) return 29;
  if (tproc_channel_receive(&other, &message, &passed) != ETIMEDOUT) return 30;
  const struct timespec no_times[] = {{-1, 0}, {0, 1000000000}, {0, -1}};
  for (size_t i = 0; i < sizeof no_times / sizeof *no_times; i++) {
    struct tproc_channel_select one = {.channel = &other, .role = TPROC_RECEIVER};
    if (tproc_channel_receive(&other, &message, &no_times[i]) != ETIMEDOUT) return 38;
    if (tproc_channel_select(&one, 1, &no_times[i]) != ETIMEDOUT) return 39;
  }
  const struct tproc_message three[3] = {message_of(0), message_of(1), message_of(2)};
  if (tproc_channel_send_batch(&channel, three, 3, &done, NULL) != 0 || done != 2) return 31;
  if (tproc_channel_trysend(&channel, &three[0]) != EINVAL) return 32; /* its block is in the channel */
  if (tproc_channel_trysend(&channel, &three[2]) != EAGAIN) return 33;
  if (tproc_channel_send(&channel, &three[2], &passed) != ETIMEDOUT) return 34;
  if (tproc_owner_of(three[0].block) == getpid()) return 35;
  tproc_free(three[0].block); /* which is not its owner's business any more */
  if (tproc_channel_receive_batch(&other, &message, 1, &done, NULL) != EBADMSG || done != 0) return 36;
  if (tproc_channel_tryreceive(&other, &message) != 0 || read_message(&message) != 1) return 37;
  if (tproc_channel_publish(&channel, name) != 0) return 38;
  const uint64_t id = channel.id;
  if (tproc_channel_close(&channel) != 0 || tproc_channel_tryreceive(&other, &message) != EPIPE) return 39;
  if (tproc_channel_close(&other) != 0 || tproc_channel_open_id(&other, id, TPROC_RECEIVER) != ESTALE) return 40;
  if (tproc_channel_open(&other, name, TPROC_RECEIVER, NULL) != ESTALE) return 41;
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  const char *what = argv[1], *name = argv[2], *more = argc > 3 ? argv[3] : "0";
  if (strcmp(what, "send") == 0) send_some(name, strtoul(more, NULL, 10));
  if (strcmp(what, "make") == 0) make(name, (unsigned)strtoul(more, NULL, 10));
  if (strcmp(what, "receive") == 0) receive(name);
  if (strcmp(what, "echo") == 0) echo(name, more);
  if (strcmp(what, "hold") == 0) hold(name);
  if (strcmp(what, "select") == 0) select_both(name, more);
  if (strcmp(what, "refusals") == 0) return refusals(name);
  return 0;
}
