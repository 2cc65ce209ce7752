/* Never at rest, so that SIGKILL meets it amid something: two threads map and unmap, one moves the break. */
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stopwatch.h"

static void *map_and_unmap(void *argument) {
  for (uintptr_t i = (uintptr_t)argument;; i++) {
    const size_t size = (size_t)4096 << (i % 9);
    char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(block != MAP_FAILED, "mmap");
    block[0] = 1;
    char *moved = mremap(block, size, size * 2, MREMAP_MAYMOVE);
    require(moved != MAP_FAILED, "mremap");
    require(munmap(moved, size * 2) == 0, "munmap");
  }
  return argument;
}

int main(void) {
  for (uintptr_t i = 0; i < 2; i++) {
    pthread_t thread;
    require(pthread_create(&thread, NULL, map_and_unmap, (void *)i) == 0, "pthread_create");
  }
  for (;;) {
    char *grown = sbrk(1 << 16);
    require(grown != (char *)-1, "sbrk");
    *grown = 1;
    require(sbrk(-(1 << 16)) != (char *)-1, "sbrk");
  }
}
