/* What all measuring programs share: `PROGRAM KIND COUNT` prints the nanoseconds that one operation took on average. */
#ifndef STOPWATCH_H
#define STOPWATCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct operation {
  const char *kind;
  void (*run)(long count);
};

/* Wall time: what the broker does for a threadproc is done in another thread, and counts. */
static inline double stopwatch_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Ends the program: a benchmark of something that fails measures nothing. */
static inline void require(int holds, const char *what) {
  if (holds) return;
  perror(what);
  exit(1);
}

static inline int stopwatch_main(int argc, char **argv, const struct operation *operations, size_t operation_count) {
  const long count = argc == 3 ? atol(argv[2]) : 0;
  for (size_t i = 0; i < operation_count && count > 0; i++) {
    if (strcmp(operations[i].kind, argv[1]) != 0) continue;
    operations[i].run(count / 10 + 1); /* warm-up */
    const double start = stopwatch_now();
    operations[i].run(count);
    printf("%.1f\n", (stopwatch_now() - start) / (double)count);
    return 0;
  }
  fprintf(stderr, "usage: %s KIND COUNT, with one of these kinds:", argv[0]);
  for (size_t i = 0; i < operation_count; i++) fprintf(stderr, " %s", operations[i].kind);
  fprintf(stderr, "\n");
  return 2;
}

#define STOPWATCH_MAIN(operations)                                                             \
  int main(int argc, char **argv) {                                                            \
    return stopwatch_main(argc, argv, operations, sizeof(operations) / sizeof(operations)[0]); \
  }

#endif
