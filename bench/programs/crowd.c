/*
 * One of many programs that all map memory, and one that is at work beside something else:
 *
 *   crowd pairs COUNT         as many pairs of mmap and munmap as fast as it can
 *   crowd paced COUNT MICROS  the same, one in so many microseconds; prints p50, p99 and the worst in nanoseconds
 *   crowd work MICROS         until it is killed: a little of everything, once in so many microseconds
 *
 * It says "ready" first, and waits for a byte, so that many begin together.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stopwatch.h"

#define PAGE 4096
#define WORK_BLOCK (256 << 10)

static void await_start(void) {
  char byte;
  require(write(STDOUT_FILENO, "ready\n", 6) == 6, "write");
  require(read(STDIN_FILENO, &byte, 1) == 1, "read");
}

static char *map(size_t size) {
  char *got = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(got != MAP_FAILED, "mmap");
  return got;
}

static void pair(void) {
  char *page = map(PAGE);
  *page = 1;
  require(munmap(page, PAGE) == 0, "munmap");
}

static void wait_until(double nanoseconds) {
  const struct timespec at = {.tv_sec = (time_t)(nanoseconds / 1e9),
                              .tv_nsec = (long)(nanoseconds - (double)(time_t)(nanoseconds / 1e9) * 1e9)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0) continue;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/*
 * Each at another moment of the period, as programs are that know nothing of each other. It ends when its input does,
 * so that the ends of some are not measured by the others.
 */
static void paced(long count, double period) {
  double *took = calloc((size_t)count, sizeof *took);
  require(took != NULL, "calloc");
  const double begin = stopwatch_now() + period * (double)(getpid() % 1000) / 1000;
  for (long i = 0; i < count; i++) {
    wait_until(begin + (double)i * period);
    const double start = stopwatch_now();
    pair();
    took[i] = stopwatch_now() - start;
  }
  qsort(took, (size_t)count, sizeof *took, compare);
  printf("%.0f %.0f %.0f\n", took[count / 2], took[count * 99 / 100], took[count - 1]);
  fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
}

/* Fresh memory, used; a few blocks of malloc; a file. */
static void work_once(void) {
  char *block = map(WORK_BLOCK), *blocks[16];
  for (size_t at = 0; at < WORK_BLOCK; at += PAGE) block[at] = 1;
  for (size_t i = 0; i < 16; i++) {
    blocks[i] = malloc(1000 << i % 6);
    require(blocks[i] != NULL, "malloc");
    memset(blocks[i], 1, 1000);
  }
  const int file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  require(file >= 0 && read(file, block, PAGE) > 0, "/etc/passwd");
  close(file);
  for (size_t i = 0; i < 16; i++) free(blocks[i]);
  require(munmap(block, WORK_BLOCK) == 0, "munmap");
}

/* What a busy machine has kept it from is not made up for. */
static void work(double period) {
  double next = stopwatch_now() + period * (double)(getpid() % 1000) / 1000;
  for (;;) {
    wait_until(next);
    work_once();
    const double now = stopwatch_now();
    next = next + period > now ? next + period : now;
  }
}

int main(int argc, char **argv) {
  const long number = argc > 2 ? atol(argv[2]) : 0, micros = argc > 3 ? atol(argv[3]) : 0;
  if (number <= 0) {
    fprintf(stderr, "usage: %s pairs COUNT | paced COUNT MICROS | work MICROS\n", argv[0]);
    return 2;
  }
  pair();
  await_start();
  if (strcmp(argv[1], "work") == 0) work((double)number * 1e3);
  if (strcmp(argv[1], "paced") == 0) paced(number, (double)micros * 1e3);
  for (long i = 0; strcmp(argv[1], "pairs") == 0 && i < number; i++) pair();
  return 0;
}
