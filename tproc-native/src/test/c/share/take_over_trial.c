#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "share/heap_trials.h"
#include "share/stepping.h"
#include "shared/queue.h"

#define CELLS 4u

/* Messages without blocks, so a queue is all that there is. */
struct scene {
  struct tproc_queue *queue; /* shared */
  _Atomic int *result;       /* shared: of the one that takes over */
};

static const struct tproc_party sender = {.token = 1}, successor = {.token = 2}, receiver = {.token = 3};

static int put(const struct tproc_party *party, struct tproc_queue *queue, uint32_t number) {
  struct tproc_parcel parcel = {.length = sizeof number};
  memcpy(parcel.data, &number, sizeof number);
  return tproc_queue_put(party, queue, &parcel);
}

/* @return the message, or CELLS * 100: there is none */
static uint32_t get(struct tproc_queue *queue) {
  struct tproc_parcel parcel;
  uint32_t number = CELLS * 100;
  if (tproc_queue_get(&receiver, queue, &parcel) == 0) memcpy(&number, parcel.data, sizeof number);
  return number;
}

static void take_over(void *context) {
  struct scene *scene = context;
  atomic_store(scene->result, put(&successor, scene->queue, CELLS));
}

/* Whatever the successor has seen of the room that came, the messages are there in order, and so are the next ones. */
static void check(struct scene *scene, uint32_t received, struct trial *trial) {
  const int result = atomic_load(scene->result);
  const uint32_t sent = CELLS + (result == 0);
  if (result != 0 && result != EAGAIN) fail_trial(trial, "sending fails with %d", result);
  for (uint32_t i = received; i < sent; i++) {
    const uint32_t found = get(scene->queue);
    if (found != i) fail_trial(trial, "message %u comes as %u, after %lu instructions", i, found, trial->instructions);
  }
  for (uint32_t i = 0; i < CELLS; i++)
    if (put(&sender, scene->queue, i) != 0) fail_trial(trial, "no room, after %lu instructions", trial->instructions);
  for (uint32_t i = 0; i < CELLS; i++)
    if (get(scene->queue) != i) fail_trial(trial, "the next ones do not come, after %lu", trial->instructions);
}

/* @return false: the work was done before that many instructions */
static bool try_at(struct scene *scene, uint32_t flags, uint32_t received, struct trial *trial) {
  tproc_queue_format(scene->queue, CELLS, flags, 0);
  for (uint32_t i = 0; i < CELLS; i++)
    if (put(&sender, scene->queue, i) != 0) fail_trial(trial, "a queue is full with %u", i);
  const pid_t process = start_stepped(nothing, take_over, scene);
  uint64_t left = trial->instructions;
  while (left > 0 && step(process)) left--;
  for (uint32_t i = 0; i < received; i++)
    if (get(scene->queue) != i) fail_trial(trial, "message %u does not come", i);
  if (!run_on(process, left > 0)) fail_trial(trial, "a sender has ended badly");
  if (trial->failures == 0) check(scene, received, trial);
  trial->checks++;
  return left == 0;
}

struct trial take_over_while_room_comes(bool one_receiver) {
  const uint32_t flags = TPROC_QUEUE_ONE_SENDER | (one_receiver ? TPROC_QUEUE_ONE_RECEIVER : 0);
  const size_t size = tproc_queue_size(CELLS) + 64;
  struct trial trial = {.instructions = 0};
  struct scene scene = {.queue = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
  if (scene.queue == MAP_FAILED) {
    fail_trial(&trial, "no memory");
    return trial;
  }
  scene.result = (_Atomic int *)((char *)scene.queue + tproc_queue_size(CELLS));
  for (uint32_t received = 1; received <= CELLS; received++) {
    trial.instructions = 0;
    while (trial.failures == 0 && try_at(&scene, flags, received, &trial)) trial.instructions++;
  }
  munmap(scene.queue, size);
  return trial;
}
