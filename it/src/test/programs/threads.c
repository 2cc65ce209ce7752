/* Runs the given number of threads, each of which allocates, fills, checks and frees memory; prints their count. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 2000
#define KEPT 16

static atomic_int good;

static void *work(void *number) {
  unsigned char mark = (unsigned char)(uintptr_t)number;
  unsigned char *kept[KEPT] = {NULL};
  size_t sizes[KEPT] = {0};
  for (unsigned round = 0; round < ROUNDS; round++) {
    unsigned place = round % KEPT;
    for (size_t i = 0; i < sizes[place]; i++) {
      if (kept[place][i] != mark) {
        return NULL;
      }
    }
    free(kept[place]);
    sizes[place] = 16 + round * 37u % 5000;
    kept[place] = malloc(sizes[place]);
    if (kept[place] == NULL) {
      return NULL;
    }
    memset(kept[place], mark, sizes[place]);
  }
  for (unsigned place = 0; place < KEPT; place++) {
    free(kept[place]);
  }
  atomic_fetch_add(&good, 1);
  return NULL;
}

int main(int argc, char *argv[]) {
  int count = argc > 1 ? atoi(argv[1]) : 4;
  pthread_t *threads = calloc((size_t)count, sizeof *threads);
  for (int i = 0; threads != NULL && i < count; i++) {
    if (pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(i + 1)) != 0) {
      return 1;
    }
  }
  for (int i = 0; threads != NULL && i < count; i++) {
    pthread_join(threads[i], NULL);
  }
  free(threads);
  printf("%d\n", good);
  return 0;
}
