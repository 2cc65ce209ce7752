/* malloc and free, with many blocks alive in random order, as programs do it. */
#include <stdint.h>

#include "stopwatch.h"

#define MIXED_LIVE 1024
#define LARGE_LIVE 64

static char *live[MIXED_LIVE];

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

static const struct operation operations[] = {{"mixed", mixed}, {"64k", large}};

STOPWATCH_MAIN(operations)
