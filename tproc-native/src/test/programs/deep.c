/* deep BYTES: writes so far below where its stack begins, page by page, as deep calls do. Exits with 0 when it can. */
#include <stdint.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  const uintptr_t begin = (uintptr_t)__builtin_frame_address(0);
  const uintptr_t end = begin - strtoul(argv[1], NULL, 10);
  for (uintptr_t at = begin - 4096; at > end; at -= 4096) *(volatile char *)at = 1;
  return 0;
}
