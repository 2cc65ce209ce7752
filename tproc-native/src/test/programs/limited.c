/*
 * A program that may own 1 MiB of the shared heap, and goes to the limit in all ways there are; it ends with the number
 * of the line that found something else. Given the address of a struct sharer_report whose first block is the host's,
 * and larger than the limit. libtproc is compiled in.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <tproc.h>
#include <unistd.h>

#include "report.h"

#define LIMIT (1u << 20)
#define SIZE 32768u
#define COUNT (LIMIT / SIZE)

#define EXPECT(condition) \
  if (!(condition)) exit(__LINE__)

static void *blocks[COUNT];

static int is_full(size_t size) {
  errno = 0;
  return tproc_alloc(size) == NULL && errno == ENOMEM;
}

static void fill(void) {
  for (unsigned i = 0; i < COUNT; i++) EXPECT((blocks[i] = tproc_alloc(SIZE)) != NULL);
  EXPECT(is_full(SIZE) && is_full(1) && is_full(LIMIT));
}

static void free_and_have_again(void) {
  tproc_free(blocks[0]);
  EXPECT(is_full(SIZE + 1));
  EXPECT((blocks[0] = tproc_alloc(SIZE)) != NULL);
  EXPECT(is_full(16));
  for (unsigned i = 0; i < 4; i++) tproc_free(blocks[i]);
  void *large = tproc_alloc(2 * SIZE + 1); /* takes whole slices */
  EXPECT(large != NULL && is_full(16));
  tproc_free(large);
  EXPECT((large = tproc_aligned_alloc(4096, SIZE)) != NULL);
  tproc_free(large);
  for (unsigned i = 0; i < 4; i++) EXPECT((blocks[i] = tproc_alloc(SIZE)) != NULL);
  EXPECT(tproc_realloc(blocks[0], SIZE + 1) == NULL && errno == ENOMEM); /* what is copied is there meanwhile */
}

/* Many small ones, which pass the group in use again and again. */
static void churn(void) {
  void *small[100];
  tproc_free(blocks[0]);
  for (int round = 0; round < 50; round++) {
    for (int i = 0; i < 100; i++) EXPECT((small[i] = tproc_alloc(100)) != NULL);
    for (int i = 0; i < 100; i++) tproc_free(small[(i * 7 + round) % 100]);
  }
  EXPECT((blocks[0] = tproc_alloc(SIZE)) != NULL && is_full(16));
}

static void *in_thread(void *unused) {
  (void)unused;
  EXPECT(is_full(16));
  tproc_free(blocks[1]);
  EXPECT((blocks[1] = tproc_alloc(SIZE)) != NULL);
  return NULL;
}

static void give_and_take(void *hosts) {
  EXPECT(tproc_give(blocks[0], TPROC_HOST) == 0);
  void *more = tproc_alloc(SIZE);
  EXPECT(more != NULL && is_full(16));
  EXPECT(tproc_give(hosts, getpid()) == 0); /* beyond the limit */
  tproc_free(more);
  EXPECT(is_full(16));
  EXPECT(tproc_give(hosts, TPROC_HOST) == 0);
  tproc_free(blocks[0]); /* the host's: nobody's limit is concerned */
  EXPECT((blocks[0] = tproc_alloc(SIZE)) != NULL && is_full(16));
}

static void send_and_receive(void) {
  struct tproc_channel channel;
  struct tproc_message message = {.block = blocks[0]};
  tproc_free(blocks[1]);
  EXPECT(tproc_channel_create(&channel, 4, TPROC_SENDER | TPROC_RECEIVER) == 0); /* its queue is nobody's */
  EXPECT((blocks[1] = tproc_alloc(SIZE)) != NULL && is_full(16));
  EXPECT(tproc_channel_send(&channel, &message, NULL) == 0);
  void *more = tproc_alloc(SIZE);
  EXPECT(more != NULL && is_full(16));
  EXPECT(tproc_channel_receive(&channel, &message, NULL) == 0 && message.block == blocks[0]);
  tproc_free(more);
  EXPECT(is_full(16));
  EXPECT(tproc_channel_close(&channel) == 0);
}

/* It counts with its parent. What it had when it was killed can be had again, once the host knows of it. */
static void fork_child(void) {
  int ready[2];
  char byte;
  tproc_free(blocks[0]);
  EXPECT(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    EXPECT(tproc_alloc(SIZE) != NULL && is_full(16));
    EXPECT(write(ready[1], "x", 1) == 1);
    for (;;) pause();
  }
  EXPECT(child > 0 && read(ready[0], &byte, 1) == 1 && is_full(16));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  while ((blocks[0] = tproc_alloc(SIZE)) == NULL) sched_yield();
  EXPECT(is_full(16));
}

int main(int argc, char **argv) {
  struct sharer_report *report = (struct sharer_report *)(uintptr_t)strtoull(argv[argc - 1], NULL, 16); /* NOLINT */
  pthread_t thread;
  fill();
  free_and_have_again();
  churn();
  EXPECT(pthread_create(&thread, NULL, in_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
  give_and_take((void *)(uintptr_t)report->blocks[0]);
  send_and_receive();
  fork_child();
  report->count = COUNT;
  return 0; /* with all that it may own */
}
