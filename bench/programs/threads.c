/* Threads that come and go: created and joined, one at a time and eight together. */
#include <pthread.h>

#include "stopwatch.h"

#define TOGETHER 8

static void *nothing(void *argument) { return argument; }

static void start(pthread_t *thread) { require(pthread_create(thread, NULL, nothing, NULL) == 0, "pthread_create"); }

static void one(long count) {
  for (long i = 0; i < count; i++) {
    pthread_t thread;
    start(&thread);
    pthread_join(thread, NULL);
  }
}

static void many(long count) {
  for (long i = 0; i < count; i += TOGETHER) {
    pthread_t threads[TOGETHER];
    for (int j = 0; j < TOGETHER; j++) start(&threads[j]);
    for (int j = 0; j < TOGETHER; j++) pthread_join(threads[j], NULL);
  }
}

static const struct operation operations[] = {{"one", one}, {"eight", many}};

STOPWATCH_MAIN(operations)
