/* Sleeping on a word that several processes share, in one address space or not. */
#ifndef TPROC_SRC_SHARED_FUTEX_H
#define TPROC_SRC_SHARED_FUTEX_H

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/**
 * Sleeps until a thread wakes the word, if it still has this value. errno is left alone.
 *
 * @param deadline of CLOCK_MONOTONIC; NULL: none
 * @return 0 (woken, or not asleep at all: look again), or ETIMEDOUT
 */
static inline int tproc_futex_wait(_Atomic uint32_t *word, uint32_t value, const struct timespec *deadline) {
  const int saved = errno;
  const long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, deadline, NULL, FUTEX_BITSET_MATCH_ANY);
  const int code = result == 0 ? 0 : errno;
  errno = saved;
  return code == ETIMEDOUT ? ETIMEDOUT : 0;
}

static inline void tproc_futex_wake(_Atomic uint32_t *word, int most) {
  const int saved = errno;
  syscall(SYS_futex, word, FUTEX_WAKE, most, NULL, NULL, 0);
  errno = saved;
}

static inline void tproc_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
