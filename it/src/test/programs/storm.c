/* Never at rest, so that SIGKILL meets it amid something: `storm THREADS` map and unmap, and main moves the break. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void require(int holds, const char *what) {
  if (holds) return;
  perror(what);
  exit(1);
}

static void *map_and_unmap(void *argument) {
  for (uintptr_t i = (uintptr_t)argument;; i++) {
    const size_t size = (size_t)65536 << (i % 5);
    char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(block != MAP_FAILED, "mmap");
    *block = 1;
    char *moved = mremap(block, size, size * 2, MREMAP_MAYMOVE);
    require(moved != MAP_FAILED, "mremap");
    require(munmap(moved, size * 2) == 0, "munmap");
  }
  return argument;
}

int main(int argc, char *argv[]) {
  const int threads = argc > 1 ? atoi(argv[1]) : 2;
  for (int i = 0; i < threads; i++) {
    pthread_t thread;
    require(pthread_create(&thread, NULL, map_and_unmap, (void *)(uintptr_t)i) == 0, "pthread_create");
  }
  for (int i = 0;; i++) {
    char *grown = sbrk(1 << 16);
    require(grown != (char *)-1, "sbrk");
    *grown = 1;
    require(sbrk(-(1 << 16)) != (char *)-1, "sbrk");
    if (i == 0) require(write(STDOUT_FILENO, "busy\n", 5) == 5, "write");
  }
}
