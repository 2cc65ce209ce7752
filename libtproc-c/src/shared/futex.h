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
 * @param deadline of CLOCK_MONOTONIC; NULL: none. What the kernel takes for no time (before 0, or with nanoseconds of
 * a second or more) has passed: to look again would have no end
 * @return 0 (woken, or not asleep at all: look again), or ETIMEDOUT
 */
static inline int tproc_futex_wait(_Atomic uint32_t *word, uint32_t value, const struct timespec *deadline) {
  const int saved = errno;
  const long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, deadline, NULL, FUTEX_BITSET_MATCH_ANY);
  const int code = result == 0 ? 0 : errno;
  errno = saved;
  return code == ETIMEDOUT || (code == EINVAL && deadline != NULL) ? ETIMEDOUT : 0;
}

/** As struct futex_waitv, which older headers lack. */
struct tproc_futex_word {
  uint64_t value, address;
  uint32_t flags, reserved;
};

/** Most words of tproc_futex_wait_any. */
#define TPROC_FUTEX_WORDS_MAX 128

static inline struct tproc_futex_word tproc_futex_word(const _Atomic uint32_t *word, uint32_t value) {
  return (struct tproc_futex_word){.value = value, .address = (uint64_t)(uintptr_t)word, .flags = 2 /* 32 bits */};
}

#define TPROC_FUTEX_WAITV 449 /* the same number on all architectures */
#define TPROC_FUTEX_POLL_NANOSECONDS 1000000

static inline void tproc_futex_wait_a_little(const struct tproc_futex_word *word) {
  struct timespec soon;
  clock_gettime(CLOCK_MONOTONIC, &soon);
  soon.tv_nsec += TPROC_FUTEX_POLL_NANOSECONDS;
  if (soon.tv_nsec >= 1000000000) soon = (struct timespec){soon.tv_sec + 1, soon.tv_nsec - 1000000000};
  tproc_futex_wait((_Atomic uint32_t *)(uintptr_t)word->address, (uint32_t)word->value, &soon);
}

/**
 * Sleeps until a thread wakes one of several words, if all have these values still. May return without a reason: before
 * Linux 5.16, or where a filter refuses the call, it looks at the first word alone, and for a millisecond.
 *
 * @param deadline of CLOCK_MONOTONIC; NULL: none. The caller looks whether it has passed
 */
static inline void tproc_futex_wait_any(struct tproc_futex_word *words, size_t count, const struct timespec *deadline) {
  const int saved = errno;
  const long result = syscall(TPROC_FUTEX_WAITV, words, count, 0, deadline, CLOCK_MONOTONIC);
  if (result < 0 && errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT) tproc_futex_wait_a_little(words);
  errno = saved;
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
