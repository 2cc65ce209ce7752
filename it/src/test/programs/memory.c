/*
 * Memory calls, right and wrong, one mode each:
 *
 *   keep BYTES             maps and fills so many bytes, prints their address, waits for the end of its input, and then
 *                          prints whether they are unharmed
 *   sbrk ROUNDS            grows, checks and shrinks the program break; prints "right"
 *   attack ADDRESS BYTES   aims every harmful memory call at another's range; prints each call's errno
 *   fixed ADDRESS BYTES    MAP_FIXED there; prints the errno
 *   take ADDRESS BYTES     the same, then fills it, waits for the end of its input, and prints whether it is unharmed
 *   pieces COUNT           leaves so many mappings
 *   forked ADDRESS         forks a child that reads a byte there; prints the byte, or the signal that ended the child
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void fill(unsigned char *memory, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) memory[i] = (unsigned char)(i * 31 + 7);
}

static int watch(const unsigned char *memory, size_t bytes) {
  fflush(stdout);
  while (getchar() != EOF) continue;
  size_t harmed = 0;
  for (size_t i = 0; i < bytes; i++) harmed += memory[i] != (unsigned char)(i * 31 + 7);
  puts(harmed == 0 ? "unharmed" : "harmed");
  return harmed != 0;
}

static int keep(size_t bytes) {
  unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  fill(memory, bytes);
  printf("%p\n", (void *)memory);
  return watch(memory, bytes);
}

static int use_break(int rounds) {
  const unsigned char mark = getpid() & 0xff;
  for (int round = 1; round <= rounds; round++) {
    const size_t bytes = (size_t)round * 4099;
    unsigned char *memory = sbrk((intptr_t)bytes);
    if (memory == (void *)-1) {
      perror("sbrk");
      return 1;
    }
    for (size_t i = 0; i < bytes; i++)
      if (memory[i] != 0) return 2;
    memset(memory, mark, bytes);
    for (size_t i = 0; i < bytes; i++)
      if (memory[i] != mark) return 3;
    memset(memory, 0, bytes);
    if (sbrk(0) != memory + bytes || sbrk(-(intptr_t)bytes) != memory + bytes || sbrk(0) != memory) return 4;
  }
  puts("right");
  return 0;
}

static void say(const char *call, int failed) { printf("%s: %s\n", call, failed ? strerrorname_np(errno) : "done"); }

static int attack(char *address, size_t bytes) {
  say("munmap", munmap(address, bytes));
  say("mprotect", mprotect(address, bytes, PROT_NONE));
  say("madvise", madvise(address, bytes, MADV_DONTNEED));
  say("mremap", mremap(address, bytes, 2 * bytes, MREMAP_MAYMOVE) == MAP_FAILED);
  say("mmap", mmap(address, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
  char *own = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  say("mremap onto", mremap(own, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, address) == MAP_FAILED);
  return 0;
}

static int map_fixed(char *address, size_t bytes) {
  const void *got = mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  say("mmap", got != address);
  return got != address;
}

static int take(char *address, size_t bytes) {
  if (map_fixed(address, bytes) != 0) return 1;
  fill((unsigned char *)address, bytes);
  return watch((unsigned char *)address, bytes);
}

static int read_in_child(const volatile unsigned char *address) {
  int status = 0;
  const pid_t child = fork();
  if (child == 0) _exit(*address);
  if (child < 0 || waitpid(child, &status, 0) != child) return 1;
  if (WIFSIGNALED(status))
    printf("signal %d\n", WTERMSIG(status));
  else
    printf("byte %d\n", WEXITSTATUS(status));
  return 0;
}

/* Every other page is protected, so the kernel keeps each page as a mapping of its own. */
static int leave_pieces(long count) {
  const size_t page = (size_t)getpagesize();
  char *memory = mmap(NULL, (size_t)count * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  for (long i = 0; i < count; i += 2)
    if (mprotect(memory + (size_t)i * page, page, PROT_NONE) != 0) return 2;
  return 0;
}

int main(int argc, char *argv[]) {
  char *const address = argc > 2 ? (char *)(uintptr_t)strtoull(argv[2], NULL, 0) : NULL;
  const size_t bytes = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
  if (argc > 2 && strcmp(argv[1], "keep") == 0) return keep((size_t)(uintptr_t)address);
  if (argc > 2 && strcmp(argv[1], "sbrk") == 0) return use_break(atoi(argv[2]));
  if (argc > 2 && strcmp(argv[1], "pieces") == 0) return leave_pieces(atol(argv[2]));
  if (argc > 3 && strcmp(argv[1], "attack") == 0) return attack(address, bytes);
  if (argc > 3 && strcmp(argv[1], "fixed") == 0) return map_fixed(address, bytes);
  if (argc > 3 && strcmp(argv[1], "take") == 0) return take(address, bytes);
  if (argc > 2 && strcmp(argv[1], "forked") == 0) return read_in_child((unsigned char *)address);
  return 64;
}
