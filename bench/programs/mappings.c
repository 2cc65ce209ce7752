/* Memory from the kernel: pairs of mmap and munmap, with and without use of the page, and a growing program break. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stopwatch.h"

#define PAGE 4096
#define BLOCK (256 << 10)

static char *map(size_t size) {
  char *got = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(got != MAP_FAILED, "mmap");
  return got;
}

static void pairs(long count) {
  for (long i = 0; i < count; i++) require(munmap(map(PAGE), PAGE) == 0, "munmap");
}

static void touched(long count) {
  for (long i = 0; i < count; i++) {
    char *block = map(BLOCK);
    for (size_t at = 0; at < BLOCK; at += PAGE) block[at] = 1;
    require(munmap(block, BLOCK) == 0, "munmap");
  }
}

/* One page more each time, used; all of it back after 16 of them, since a threadproc has 128 KiB. */
static void growth(long count) {
  char *start = sbrk(0);
  for (long i = 0; i < count; i++) {
    char *page = sbrk(PAGE);
    require(page != (char *)-1, "sbrk");
    *page = 1;
    if (i % 16 == 15) require(brk(start) == 0, "brk");
  }
  require(brk(start) == 0, "brk");
}

static const struct operation operations[] = {{"pairs", pairs}, {"touched", touched}, {"growth", growth}};

STOPWATCH_MAIN(operations)
