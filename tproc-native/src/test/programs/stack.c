/*
 * stack [over]: uses its stack down to its limit, but for the little that is above main and 64 KiB, and exits with 0;
 * with "over" it goes as far beyond, and dies. With "raise" it first raises its limit to 512 MiB, and maps some memory.
 * Exits with 1 when its limit cannot be told or raised.
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define RAISED (512ul << 20)

#define MARGIN (128 << 10)
#define STEP 4096

static int raise_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= RAISED) return 1;
  limit.rlim_cur = RAISED;
  const void *other = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return setrlimit(RLIMIT_STACK, &limit) != 0 || other == MAP_FAILED;
}

int main(int argc, char **argv) {
  struct rlimit limit;
  const int raises = argc > 1 && strcmp(argv[1], "raise") == 0, over = argc > 1 && !raises;
  if (raises && raise_limit() != 0) return 1;
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 1;
  const uint64_t here = (uint64_t)__builtin_frame_address(0);
  const uint64_t low = here - (over ? limit.rlim_cur + MARGIN : limit.rlim_cur - MARGIN);
  for (uint64_t at = here - STEP; at > low; at -= STEP) *(volatile char *)at = 1;
  return 0;
}
