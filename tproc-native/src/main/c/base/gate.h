/*
 * Lets one thread through at a time, as a mutex does; but any thread may open it again. (The C library's semaphores are
 * of glibc 2.34 where this is built.)
 */
#ifndef TPROC_GATE_H
#define TPROC_GATE_H

#include <linux/futex.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum gate_state { GATE_OPEN, GATE_CLOSED, GATE_WAITED_FOR };

/** Zeroes: open. */
struct gate {
  uint32_t state; /**< enum gate_state */
};

/** Waits until it is open, and closes it behind the caller. Signals do not end the wait. */
static inline void gate_enter(struct gate *gate) {
  uint32_t open = GATE_OPEN;
  if (__atomic_compare_exchange_n(&gate->state, &open, (uint32_t)GATE_CLOSED, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
    return;
  while (__atomic_exchange_n(&gate->state, (uint32_t)GATE_WAITED_FOR, __ATOMIC_ACQUIRE) != GATE_OPEN)
    syscall(SYS_futex, &gate->state, FUTEX_WAIT_PRIVATE, (uint32_t)GATE_WAITED_FOR, NULL, NULL, 0);
}

/** For the next one; by any thread. */
static inline void gate_open(struct gate *gate) {
  if (__atomic_exchange_n(&gate->state, (uint32_t)GATE_OPEN, __ATOMIC_RELEASE) == GATE_WAITED_FOR)
    syscall(SYS_futex, &gate->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

#endif
