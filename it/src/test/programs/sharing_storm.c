/*
 * Works on what others share until it is killed:  sharing_storm COUNTER QUEUE
 *
 * COUNTER is a mutex (8 bytes) and two numbers that are equal whenever it is free; whoever finds that an owner has died
 * makes them equal. Messages of QUEUE hold a number, which their block begins with as well. The status says what was
 * wrong.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <tproc.h>
#include <unistd.h>

struct counter {
  struct tproc_mutex mutex;
  volatile uint64_t numbers[2];
};

static int count(struct counter *counter) {
  const int locked = tproc_mutex_lock(&counter->mutex);
  if (locked == EOWNERDEAD) {
    counter->numbers[1] = counter->numbers[0];
    if (tproc_mutex_consistent(&counter->mutex) != 0) return 3;
  } else if (locked != 0) {
    return 4;
  }
  if (counter->numbers[0] != counter->numbers[1]) return 5;
  counter->numbers[0]++;
  counter->numbers[1]++;
  return tproc_mutex_unlock(&counter->mutex) == 0 ? 0 : 6;
}

static int receive(struct tproc_channel *queue) {
  struct tproc_message message;
  uint64_t number;
  const int failed = tproc_channel_tryreceive(queue, &message);
  if (failed == EAGAIN) return 0;
  if (failed != 0) return 7;
  memcpy(&number, message.data, sizeof number);
  if (message.block == NULL || *(uint64_t *)message.block != number) return 8;
  if (tproc_owner_of(message.block) != getpid()) return 9;
  tproc_free(message.block);
  return 0;
}

static int send_one(struct tproc_channel *queue, uint64_t number) {
  struct tproc_message message = {.length = sizeof number, .block = tproc_alloc(16 + number % 40000)};
  if (message.block == NULL) return 10;
  *(uint64_t *)message.block = number;
  memcpy(message.data, &number, sizeof number);
  const int failed = tproc_channel_trysend(queue, &message);
  if (failed == EAGAIN) tproc_free(message.block);
  return failed == 0 || failed == EAGAIN ? 0 : 11;
}

int main(int argc, char **argv) {
  struct tproc_entry counter;
  struct tproc_channel queue;
  if (argc < 3 || tproc_await(argv[1], NULL, NULL, &counter) != 0 ||
      tproc_channel_open(&queue, argv[2], TPROC_SENDER | TPROC_RECEIVER, NULL) != 0)
    return 2;
  for (uint64_t number = (uint64_t)getpid();; number = number * 6364136223846793005u + 1442695040888963407u) {
    int wrong = count(counter.address);
    if (!wrong) wrong = receive(&queue);
    if (!wrong) wrong = send_one(&queue, number >> 20);
    if (wrong) return wrong;
  }
}
