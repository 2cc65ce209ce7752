/* An eventfd as a bell: one thread rings, another waits for it in poll or epoll. */
#ifndef TPROC_WAKE_H
#define TPROC_WAKE_H

#include <stdint.h>
#include <unistd.h>

/** Never blocks: an eventfd counts up to 2^64 - 2. */
static inline void wake_ring(int eventfd) {
  const uint64_t one = 1;
  const ssize_t written = write(eventfd, &one, sizeof one);
  (void)written;
}

/** Takes what was rung (with EFD_SEMAPHORE: one ring). The eventfd is non-blocking; another thread may be first. */
static inline void wake_take(int eventfd) {
  uint64_t count;
  const ssize_t got = read(eventfd, &count, sizeof count);
  (void)got;
}

#endif
