/* The time now. */
#ifndef TPROC_CLOCK_H
#define TPROC_CLOCK_H

#include <stdint.h>
#include <time.h>

/** @param clock CLOCK_MONOTONIC, CLOCK_REALTIME */
static inline uint64_t clock_nanoseconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/** CLOCK_MONOTONIC. */
static inline uint64_t clock_milliseconds(void) { return clock_nanoseconds(CLOCK_MONOTONIC) / 1000000u; }

#endif
