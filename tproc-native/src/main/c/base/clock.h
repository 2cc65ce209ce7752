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

/** CLOCK_MONOTONIC, so much later than now: for calls that want a time to wait until. */
static inline struct timespec clock_after(uint64_t nanoseconds) {
  const uint64_t then = clock_nanoseconds(CLOCK_MONOTONIC) + nanoseconds;
  return (struct timespec){.tv_sec = (time_t)(then / 1000000000u), .tv_nsec = (long)(then % 1000000000u)};
}

#endif
