/* Uses the given number of bytes of its stack, one page after the other, and says so. */
#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char *argv[]) {
  size_t size = argc > 1 ? strtoull(argv[1], NULL, 0) : 0;
  volatile char *bytes = alloca(size + 1);
  for (size_t i = size; i > 0; i -= i < 1024 ? i : 1024) {
    bytes[i] = 1;
  }
  printf("used %zu\n", size);
  return 0;
}
