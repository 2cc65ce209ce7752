/*
 * System calls without libc: for code that runs where libc must not be touched (see child.c). They return the kernel's
 * own answer, a negative errno on failure, and never write `errno`.
 */
#ifndef TPROC_RAW_SYSCALL_H
#define TPROC_RAW_SYSCALL_H

#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__)

static inline long raw_syscall6(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

static inline long raw_syscall6(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
  return x0;
}

#else
#error "tproc supports x86_64 and aarch64"
#endif

#define raw_syscall0(number) raw_syscall6((number), 0, 0, 0, 0, 0, 0)
#define raw_syscall1(number, a) raw_syscall6((number), (long)(a), 0, 0, 0, 0, 0)
#define raw_syscall2(number, a, b) raw_syscall6((number), (long)(a), (long)(b), 0, 0, 0, 0)
#define raw_syscall3(number, a, b, c) raw_syscall6((number), (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define raw_syscall4(number, a, b, c, d) raw_syscall6((number), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define raw_syscall5(number, a, b, c, d, e) \
  raw_syscall6((number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

#endif
