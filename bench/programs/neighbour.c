/*
 * The one that keeps others waiting, and the one that waits:
 *
 *   neighbour worst SECONDS    prints the milliseconds that the slowest pair of mmap and munmap took, one each 1 ms
 *   neighbour quiet            nothing
 *   neighbour pieces           maps 20,000 pages at fixed addresses, none beside another, and keeps them
 *   neighbour unmaps           touches 1 GiB and unmaps it, again and again
 *   neighbour discards         touches 1 GiB and lets its pages go (MADV_DONTNEED), again and again
 *   neighbour fills            fills 1 GiB (MAP_POPULATE) and unmaps it, again and again
 *   neighbour advises          the same with MADV_POPULATE_WRITE
 *   neighbour shrinks          touches 1 GiB and shrinks it to a page (mremap), again and again
 *   neighbour replaces         touches 1 GiB and maps it anew (MAP_FIXED), again and again
 *   neighbour unlocks          locks 1 GiB and unlocks it, where it may lock so much, again and again
 *   neighbour crowds           20,000 mappings of which no two are one
 *
 * All but the first write a byte when they have begun, and go on until they are killed.
 */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stopwatch.h"

#ifndef MADV_POPULATE_WRITE /* since Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif

#define PAGE 4096
#define PIECES 20000
#define LARGE (1ul << 30)
#define PIECES_AT 0x300000000ul

static char *map(size_t size) {
  char *got = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(got != MAP_FAILED, "mmap");
  return got;
}

static int worst(double seconds) {
  double slowest = 0;
  for (const double end = stopwatch_now() + seconds * 1e9; stopwatch_now() < end; usleep(1000)) {
    const double start = stopwatch_now();
    require(munmap(map(1 << 20), 1 << 20) == 0, "munmap");
    const double took = stopwatch_now() - start;
    if (took > slowest) slowest = took;
  }
  printf("%.3f\n", slowest / 1e6);
  return 0;
}

static void say_begun(void) { require(write(STDOUT_FILENO, ".", 1) == 1, "write"); }

static void keep_pieces(void) {
  for (uintptr_t i = 0; i < PIECES; i++) {
    void *at = (void *)(PIECES_AT + 2 * i * PAGE);
    require(mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at, "mmap");
    if (i == 0) say_begun();
  }
}

static void crowd(void) {
  for (int i = 0; i < PIECES; i++) {
    require(mprotect(map(2 * PAGE), PAGE, PROT_READ) == 0, "mprotect");
    if (i == 0) say_begun();
  }
}

/* By what comes after each change. */
static void unmap(char *large) { (void)large; }

static void discard(char *large) { require(madvise(large, LARGE, MADV_DONTNEED) == 0, "madvise"); }

static void shrink(char *large) { require(mremap(large, LARGE, PAGE, 0) == large, "mremap"); }

static void replace(char *large) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  require(mmap(large, LARGE, PROT_NONE, flags, -1, 0) == large, "mmap");
}

static void unlock(char *large) {
  if (mlock(large, LARGE) == 0) require(munlock(large, LARGE) == 0, "munlock");
}

static const struct {
  const char *name;
  void (*change)(char *large);
} changes[] = {
    {"unmaps", unmap}, {"discards", discard}, {"shrinks", shrink}, {"replaces", replace}, {"unlocks", unlock},
};

/* What is touched, changed and unmapped. */
static void touch_and(void (*change)(char *large)) {
  char *large = map(LARGE);
  madvise(large, LARGE, MADV_NOHUGEPAGE);
  for (size_t at = 0; at < LARGE; at += PAGE) large[at] = 1;
  change(large);
  require(munmap(large, LARGE) == 0, "munmap");
}

static void fill(int advising) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | (advising ? 0 : MAP_POPULATE);
  char *large = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, flags, -1, 0);
  require(large != MAP_FAILED, "mmap");
  require(!advising || madvise(large, LARGE, MADV_POPULATE_WRITE) == 0, "madvise");
  require(munmap(large, LARGE) == 0, "munmap");
}

int main(int argc, char **argv) {
  const char *kind = argc > 1 ? argv[1] : "";
  if (strcmp(kind, "worst") == 0 && argc == 3) return worst(atof(argv[2]));
  if (strcmp(kind, "pieces") == 0)
    keep_pieces();
  else if (strcmp(kind, "crowds") == 0)
    crowd();
  else
    say_begun();
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
    while (strcmp(kind, changes[i].name) == 0) touch_and(changes[i].change);
  const int advising = strcmp(kind, "advises") == 0;
  while (advising || strcmp(kind, "fills") == 0) fill(advising);
  for (;;) pause();
}
