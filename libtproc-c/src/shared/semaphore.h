/* A count of permits, without an owner. */
#ifndef TPROC_SRC_SHARED_SEMAPHORE_H
#define TPROC_SRC_SHARED_SEMAPHORE_H

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>

#include "event.h"

/** As struct tproc_semaphore of tproc.h. */
struct tproc_semaphore_words {
  _Atomic uint32_t count;
  _Atomic uint32_t posted; /**< event */
};

/** @return 0; EAGAIN when there is no permit */
static inline int tproc_semaphore_take(struct tproc_semaphore_words *semaphore) {
  uint32_t now = atomic_load_explicit(&semaphore->count, memory_order_relaxed);
  while (now > 0)
    if (atomic_compare_exchange_weak_explicit(&semaphore->count, &now, now - 1, memory_order_acquire,
                                              memory_order_relaxed))
      return 0;
  return EAGAIN;
}

/** @return 0; EOVERFLOW */
static inline int tproc_semaphore_add(struct tproc_semaphore_words *semaphore) {
  uint32_t now = atomic_load_explicit(&semaphore->count, memory_order_relaxed);
  do {
    if (now == UINT32_MAX) return EOVERFLOW;
  } while (!atomic_compare_exchange_weak_explicit(&semaphore->count, &now, now + 1, memory_order_release,
                                                  memory_order_relaxed));
  tproc_event_wake(&semaphore->posted);
  return 0;
}

#endif
