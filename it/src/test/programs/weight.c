/* Ends with 16 MiB of malloc, all used, and three threads that are still there. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 3
#define BLOCK (64 << 10)
#define BLOCKS 256

static void require(int holds, const char *what) {
  if (holds) return;
  perror(what);
  exit(1);
}

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
