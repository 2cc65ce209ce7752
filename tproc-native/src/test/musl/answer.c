/* Writes 42 where it is told: into the memory of its host. */
#include <stdint.h>
#include <stdlib.h>

int main(int argc, char *argv[]) {
  if (argc != 2) return 2;
  *(volatile uint64_t *)(uintptr_t)strtoul(argv[1], NULL, 0) = 42;
  return 0;
}
