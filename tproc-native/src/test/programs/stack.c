/*
 * stack [over]: uses its stack down to its limit, but for the little that is above main and 64 KiB, and exits with 0;
 * with "over" it goes as far beyond, and dies. Exits with 1 when its limit cannot be told.
 */
#include <stdint.h>
#include <sys/resource.h>

#define MARGIN (128 << 10)
#define STEP 4096

int main(int argc, char **argv) {
  (void)argv;
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 1;
  const uint64_t here = (uint64_t)__builtin_frame_address(0);
  const uint64_t low = here - (argc > 1 ? limit.rlim_cur + MARGIN : limit.rlim_cur - MARGIN);
  for (uint64_t at = here - STEP; at > low; at -= STEP) *(volatile char *)at = 1;
  return 0;
}
