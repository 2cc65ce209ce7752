/* A program of some weight: 16 MiB of malloc, all used, and three threads, all still there at the end. */
#include <pthread.h>
#include <unistd.h>

#include "stopwatch.h"

#define THREADS 3
#define BLOCK (64 << 10)
#define BLOCKS 256

static pthread_barrier_t started;

static void *wait_for_ever(void *argument) {
  pthread_barrier_wait(&started);
  for (;;) pause();
  return argument;
}

int main(void) {
  for (int i = 0; i < BLOCKS; i++) {
    char *block = malloc(BLOCK);
    require(block != NULL, "malloc");
    memset(block, i, BLOCK);
    *(volatile char *)block = 1;
  }
  pthread_barrier_init(&started, NULL, THREADS + 1);
  for (int i = 0; i < THREADS; i++) {
    pthread_t thread;
    require(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0, "pthread_create");
  }
  pthread_barrier_wait(&started);
  exit(0);
}
