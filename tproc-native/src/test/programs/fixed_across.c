/*
 * For fixed addresses on both sides of 4 GiB, without a C library. Exits with 1 when what it has there can be written
 * and a call that the broker answers was asked: the signal at its parent's death, which a hosted program does not see.
 */
#include <asm/unistd.h>
#include <linux/prctl.h>

static volatile char zeroes[1 << 17];

#if defined(__x86_64__)
static long call(long number, long first, void *second) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second) : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
static long call(long number, long first, void *second) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = first;
  register void *x1 __asm__("x1") = second;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
  return x0;
}
#endif

void _start(void) {
  int signal = 100;
  zeroes[sizeof zeroes - 1] = 1;
  call(__NR_prctl, PR_GET_PDEATHSIG, &signal);
  for (;;) call(__NR_exit_group, signal + zeroes[sizeof zeroes - 1], 0);
}
