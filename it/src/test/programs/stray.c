/* A wrong pointer: stray write|jump|thread ADDRESS (hexadecimal); `thread` writes in a second thread. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uintptr_t address;

static void write_there(void) { *(volatile int *)address = 1; }

static void *write_in_thread(void *argument) {
  write_there();
  return argument;
}

int main(int argc, char *argv[]) {
  if (argc != 3) return 70;
  address = strtoul(argv[2], NULL, 16);
  if (strcmp(argv[1], "write") == 0) write_there();
  if (strcmp(argv[1], "jump") == 0) ((void (*)(void))address)();
  if (strcmp(argv[1], "thread") == 0) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, write_in_thread, NULL) == 0) pthread_join(thread, NULL);
  }
  return 0;
}
