/*
 * Keeps memory of every kind - static, heap, mapped, stack - and checks all of it over and over: `guard BYTES` prints
 * the addresses of the mapped and the heap memory, and at the end of its input how it went.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SMALL 4096

static unsigned char fixed[SMALL];

static void fill(unsigned char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) bytes[i] = (unsigned char)(i * 31 + 7);
}

static size_t harm(const volatile unsigned char *bytes, size_t size) {
  size_t harmed = 0;
  for (size_t i = 0; i < size; i++) harmed += bytes[i] != (unsigned char)(i * 31 + 7);
  return harmed;
}

int main(int argc, char *argv[]) {
  const size_t size = argc > 1 ? strtoull(argv[1], NULL, 0) : SMALL;
  unsigned char on_stack[SMALL];
  unsigned char *heap = malloc(size);
  unsigned char *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (heap == NULL || mapped == MAP_FAILED) return 1;
  fill(fixed, SMALL);
  fill(on_stack, SMALL);
  fill(heap, size);
  fill(mapped, size);
  printf("%p\n%p\n", (void *)mapped, (void *)heap);
  fflush(stdout);
  struct pollfd input = {.fd = 0, .events = POLLIN};
  size_t harmed = 0;
  do harmed += harm(fixed, SMALL) + harm(on_stack, SMALL) + harm(heap, size) + harm(mapped, size);
  while (harmed == 0 && poll(&input, 1, 0) == 0);
  puts(harmed == 0 ? "unharmed" : "harmed");
  return harmed != 0;
}
