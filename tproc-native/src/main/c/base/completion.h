/*
 * One thread waits until another has done something, once. Unlike a condition variable it needs no lock: nobody wakes
 * up to wait for that.
 */
#ifndef TPROC_COMPLETION_H
#define TPROC_COMPLETION_H

#include <linux/futex.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/** Zeroes at first. It may lie on the stack of the thread that waits, and end with its wait. */
struct completion {
  uint32_t done;
};

/**
 * What was written before is seen by the thread that waits. Its memory may be gone when it is woken: only the address
 * is used then, and whoever waits at that address for something else looks again.
 */
static inline void completion_done(struct completion *completion) {
  __atomic_store_n(&completion->done, 1u, __ATOMIC_RELEASE);
  syscall(SYS_futex, &completion->done, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/** By one thread only. Signals do not end the wait. */
static inline void completion_await(struct completion *completion) {
  while (__atomic_load_n(&completion->done, __ATOMIC_ACQUIRE) == 0)
    syscall(SYS_futex, &completion->done, FUTEX_WAIT_PRIVATE, 0u, NULL, NULL, 0);
}

#endif
