/* Fills memory of every kind with a pattern and looks at it all the time, while it maps, unmaps and grows its heap.
   A line on standard input makes it look at all of it: "whole BYTES", or where it is damaged and status 1. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { AREAS = 6, CHURN = 16, PERIOD_MS = 50 };
static const size_t large = 1 << 20, medium = 512 << 10, small = 64 << 10;

static struct area {
  const char *name;
  uint64_t *words;
  size_t size;
} areas[AREAS];

static uint64_t seed;
static uint64_t global[4096] = {1};
static uint64_t zeroed[4096];

static uint64_t pattern(const uint64_t *place) {
  uint64_t x = (uintptr_t)place * 0x9e3779b97f4a7c15u ^ seed;
  return x ^ x >> 29;
}

static void fill(uint64_t *words, size_t size) {
  for (size_t i = 0; i < size / sizeof *words; i++) words[i] = pattern(words + i);
}

static void verify(const char *name, const uint64_t *words, size_t size) {
  for (size_t i = 0; i < size / sizeof *words; i++) {
    if (words[i] == pattern(words + i)) continue;
    printf("damaged: %s at %p is %#llx, not %#llx\n", name, (void *)(words + i), (unsigned long long)words[i],
           (unsigned long long)pattern(words + i));
    fflush(stdout);
    _exit(1);
  }
}

static void *checked(void *memory, const char *what) {
  if (memory == NULL || memory == MAP_FAILED) {
    printf("damaged: %s: %s\n", what, strerror(errno));
    fflush(stdout);
    _exit(1);
  }
  return memory;
}

static void *mapped(size_t size) {
  return checked(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), "mmap");
}

static void add(int i, const char *name, void *memory, size_t size) {
  areas[i] = (struct area){name, checked(memory, name), size};
  fill(areas[i].words, size);
}

static size_t verify_all(void) {
  size_t sum = 0;
  for (int i = 0; i < AREAS; i++) {
    verify(areas[i].name, areas[i].words, areas[i].size);
    sum += areas[i].size;
  }
  return sum;
}

/* New memory is zero, keeps what is written, and is given back. */
static void churn(unsigned round) {
  static uint64_t *kept[CHURN];
  uint64_t **slot = &kept[round % CHURN];
  if (*slot != NULL) {
    verify("a mapping of a while ago", *slot, small);
    if (munmap(*slot, small) != 0) checked(NULL, "munmap");
  }
  *slot = mapped(small);
  for (size_t i = 0; i < small / sizeof **slot; i++)
    if ((*slot)[i] != 0) checked(NULL, "new memory is not zero");
  fill(*slot, small);

  uint64_t *heap = checked(malloc(small), "malloc");
  fill(heap, small);
  verify("new memory of malloc", heap, small);
  free(heap);
}

int main(int argc, char **argv) {
  seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
  uint64_t stack[8192];
  add(0, "the heap", malloc(small), small);
  add(1, "a large block", malloc(large), large);
  add(2, "a mapping", mapped(medium), medium);
  add(3, "the stack", stack, sizeof stack);
  add(4, "data", global, sizeof global);
  add(5, "zeroed data", zeroed, sizeof zeroed);
  printf("ready %d %p\n", (int)getpid(), (void *)global);
  fflush(stdout);

  for (unsigned round = 0;; round++) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&input, 1, PERIOD_MS) <= 0) {
      churn(round);
      struct area *area = &areas[round % AREAS];
      verify(area->name, area->words, area->size);
      continue;
    }
    char line[64];
    ssize_t length = read(STDIN_FILENO, line, sizeof line);
    if (length <= 0) break;
    printf("whole %zu\n", verify_all());
    fflush(stdout);
  }
  verify_all();
  return 0;
}
