/* malloc and free, with many blocks alive in random order, as programs do it, with one thread and with eight. */
#include <pthread.h>
#include <stdint.h>

#include "stopwatch.h"

#define MIXED_LIVE 1024
#define LARGE_LIVE 64

static _Thread_local char *live[MIXED_LIVE];

/* The same sequence in every run. */
static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

static void replace(size_t place, size_t size) {
  free(live[place]);
  char *block = malloc(size);
  require(block != NULL, "malloc");
  *(volatile char *)block = 1; /* so that the compiler cannot leave it out */
  live[place] = block;
}

static void mixed(long count) {
  uint64_t random = 1;
  for (long i = 0; i < count; i++) replace(next_random(&random) % MIXED_LIVE, 16 + next_random(&random) % 4081);
}

static void large(long count) {
  uint64_t random = 1;
  for (long i = 0; i < count; i++) replace(next_random(&random) % LARGE_LIVE, 64 << 10);
}

#define THREADS 8

static void *mixed_thread(void *count) {
  mixed(*(long *)count);
  for (size_t i = 0; i < MIXED_LIVE; i++) free(live[i]);
  return NULL;
}

static void mixed_eight(long count) {
  pthread_t threads[THREADS];
  long each = count / THREADS + 1;
  for (int i = 0; i < THREADS; i++)
    require(pthread_create(&threads[i], NULL, mixed_thread, &each) == 0, "pthread_create");
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static const struct operation operations[] = {{"mixed", mixed}, {"64k", large}, {"mixed-eight", mixed_eight}};

STOPWATCH_MAIN(operations)
