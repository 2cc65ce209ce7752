/*
 * Uses the shared heap and the registry:  sharing WHAT NAME [N]
 *
 * "fill" allocates blocks of N bytes until it gets none, says so, and stays. "rounds" goes through N rounds of the
 * barrier that NAME is; with "die" it is killed after them, as a party.
 *
 * NAME is published: a block that begins with a mutex (8 bytes), a semaphore (8 bytes), two counters (8 bytes each),
 * and then a text.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tproc.h>
#include <unistd.h>

#define TYPE "it.Block/1"

struct block {
  struct tproc_mutex mutex;
  struct tproc_semaphore semaphore;
  volatile uint64_t counters[2];
  char text[64];
};

static void check(const char *step, int failed) {
  if (failed == 0) return;
  fprintf(stderr, "%s: %s\n", step, strerror(failed));
  exit(3);
}

/* A block of its own under the name, until the standard input ends. */
static void publish(const char *name, unsigned flags) {
  struct tproc_entry entry = {.type = TYPE, .size = sizeof(struct block), .version = 7, .flags = flags};
  struct block *block = tproc_alloc(sizeof *block);
  char byte;
  if (block == NULL) check("tproc_alloc", errno);
  memset(block, 0, sizeof *block);
  strcpy(block->text, "of the program");
  snprintf(entry.name, sizeof entry.name, "%s", name);
  entry.address = block;
  check("tproc_publish", tproc_publish(&entry));
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

/* Blocks of this size until there is no more. */
static void fill(size_t size) {
  int blocks = 0;
  while (tproc_alloc(size) != NULL) blocks++;
  printf("%d blocks, then %s\n", blocks, strerror(errno));
  fflush(stdout);
  pause();
}

static struct block *await(const char *name) {
  struct tproc_entry entry;
  check("tproc_await", tproc_await(name, TYPE, NULL, &entry));
  return entry.address;
}

static void count(struct block *block, long rounds) {
  for (long i = 0; i < rounds; i++) {
    const int locked = tproc_mutex_lock(&block->mutex);
    if (locked == EOWNERDEAD) {
      block->counters[1] = block->counters[0];
      check("tproc_mutex_consistent", tproc_mutex_consistent(&block->mutex));
    } else {
      check("tproc_mutex_lock", locked);
    }
    if (block->counters[0] != block->counters[1]) exit(4);
    block->counters[0]++;
    block->counters[1]++;
    check("tproc_mutex_unlock", tproc_mutex_unlock(&block->mutex));
  }
}

/* Half-way through. */
static void hold(struct block *block) {
  check("tproc_mutex_lock", tproc_mutex_lock(&block->mutex));
  block->counters[0]++;
  check("tproc_semaphore_post", tproc_semaphore_post(&block->semaphore));
  for (;;) pause();
}

static void permits(struct block *block, long number, int take) {
  for (long i = 0; i < number; i++)
    check("semaphore", take ? tproc_semaphore_wait(&block->semaphore, NULL) : tproc_semaphore_post(&block->semaphore));
}

static void rounds(const char *name, long number, int die) {
  struct tproc_barrier *barrier = (struct tproc_barrier *)await(name);
  int broken = 0;
  for (long i = 0; i < number; i++) {
    const int result = tproc_barrier_wait(barrier, NULL);
    if (result == ECANCELED)
      broken++;
    else if (result != TPROC_BARRIER_SERIAL)
      check("tproc_barrier_wait", result);
  }
  if (die) kill(getpid(), SIGKILL);
  exit(broken);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  const char *what = argv[1], *name = argv[2];
  const long number = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
  if (strcmp(what, "publish") == 0) publish(name, 0);
  if (strcmp(what, "keep") == 0) publish(name, TPROC_ENTRY_KEPT);
  if (strcmp(what, "print") == 0) printf("%s\n", await(name)->text);
  if (strcmp(what, "free") == 0) tproc_free(await(name));
  if (strcmp(what, "count") == 0) count(await(name), number);
  if (strcmp(what, "hold") == 0) hold(await(name));
  if (strcmp(what, "post") == 0) permits(await(name), number, 0);
  if (strcmp(what, "take") == 0) permits(await(name), number, 1);
  if (strcmp(what, "rounds") == 0) rounds(name, number, 0);
  if (strcmp(what, "die") == 0) rounds(name, number, 1);
  if (strcmp(what, "fill") == 0) fill((size_t)number);
  if (strcmp(what, "idle") == 0) pause();
  return 0;
}
