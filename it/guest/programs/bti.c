/*
 * Does the processor check branch targets in this program? Exits with 0 when an indirect call to an instruction that is
 * no landing pad raised SIGILL, with 1 when it went through, with 77 when the processor has no BTI.
 *
 * No libc: its start files may have no landing pads. aarch64 Linux system calls, number in x8.
 */
#include <stdint.h>

enum { SYS_EXIT = 94, SYS_RT_SIGACTION = 134, SIGNAL_ILL = 4, AT_HWCAP2 = 26, HWCAP2_BTI = 1 << 17 };

struct kernel_sigaction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)(void);
  uint64_t mask;
};

static long system_call(long number, long a, long b, long c, long d) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}

static void leave(int code) { system_call(SYS_EXIT, code, 0, 0, 0); }

static void guarded(int signal) {
  (void)signal;
  leave(0);
}

__attribute__((noreturn, used)) void start(const uint64_t *stack) {
  const uint64_t *word = stack + 1 + stack[0] + 1; /* argc, argv, NULL */
  while (*word++) {                                /* the environment, NULL */
  }
  uint64_t hwcap2 = 0;
  for (; word[0]; word += 2) {
    if (word[0] == AT_HWCAP2) hwcap2 = word[1];
  }
  if (!(hwcap2 & HWCAP2_BTI)) leave(77);
  struct kernel_sigaction action = {.handler = guarded};
  system_call(SYS_RT_SIGACTION, SIGNAL_ILL, (long)&action, 0, sizeof action.mask);
  __asm__ volatile(
      "  adr x9, 1f\n"
      "  blr x9\n"
      "  b 2f\n"
      "1: ret\n"
      "2:\n" ::
          : "x9", "x30", "memory");
  leave(1);
  __builtin_unreachable();
}

__asm__(
    ".globl _start\n"
    "_start:\n" /* without a landing pad: the kernel enters a program without asking for one */
    "  mov x0, sp\n"
    "  b start\n");
