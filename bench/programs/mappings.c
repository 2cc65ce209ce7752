/*
 * Memory from the kernel: pairs of mmap and munmap, with and without use of the page, in a forked child, and beside
 * many mappings outside the slot; page faults alone; a growing program break; changes within a large reservation.
 */
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
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

static void in_child(long count) {
  const pid_t child = fork();
  require(child >= 0, "fork");
  if (child == 0) {
    pairs(count);
    _exit(0);
  }
  int status = 1;
  require(waitpid(child, &status, 0) == child && status == 0, "the child");
}

#define FAULTED (16 << 20)

/* Of memory that stays mapped; what gives the pages back is made once for 4,096 of them. */
static void faults(long count) {
  static char *block;
  if (block == NULL) block = map(FAULTED);
  require(madvise(block, FAULTED, MADV_NOHUGEPAGE) == 0, "madvise");
  for (long left = count; left > 0; left -= FAULTED / PAGE) {
    for (long page = 0; page < FAULTED / PAGE && page < left; page++) block[page * PAGE] = 1;
    require(madvise(block, FAULTED, MADV_DONTNEED) == 0, "madvise");
  }
}

#define RESERVATION (4ul << 30)

/* As heaps of runtimes are. Made once, before what is measured. */
static char *reservation(void) {
  static char *made;
  if (made == NULL) {
    made = mmap(NULL, RESERVATION, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    require(made != MAP_FAILED, "mmap");
  }
  return made;
}

static void committed(long count) {
  char *reserved = reservation();
  for (long i = 0; i < count; i++) {
    require(mprotect(reserved, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    require(mprotect(reserved, PAGE, PROT_NONE) == 0, "mprotect");
  }
}

static void advised(long count) {
  char *reserved = reservation();
  for (long i = 0; i < count; i++) require(madvise(reserved, PAGE, MADV_DONTNEED) == 0, "madvise");
}

#define OUTSIDE 20000

static void crowded(long count) {
  static int are_there;
  char *reserved = reservation();
  for (size_t i = 0; i < OUTSIDE && !are_there; i++)
    require(mprotect(reserved + 2 * i * PAGE, PAGE, PROT_READ) == 0, "mprotect");
  are_there = 1;
  pairs(count);
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

static const struct operation operations[] = {{"pairs", pairs}, {"touched", touched}, {"faults", faults},
                                              {"growth", growth}, {"in-child", in_child}, {"committed", committed},
                                              {"advised", advised}, {"crowded", crowded}};

STOPWATCH_MAIN(operations)
