/*
 * RLIMIT_AS and RLIMIT_DATA of a program: the kernel would count the memory of the host and of all others.
 *
 * What has been mapped for the program is added up, which is too much once it has unmapped some of it by itself. So
 * when the sum is over a limit its mappings are counted anew. Of a program with thousands of them
 * that takes milliseconds, for which all wait: it is counted for a twentieth of the time at most, and may get more in
 * between. Callers hold the memory's lock.
 */
#ifndef TPROC_MEMORY_LIMITS_H
#define TPROC_MEMORY_LIMITS_H

#include "memory/memory.h"

/** No limit is set at first. */
void memory_limits_init(struct memory_limits *limits);

/** Whether there is any limit that counts. */
bool memory_is_counted(const struct memory *memory);

/** Whether so many bytes more are within the limits. */
bool memory_may_grow(struct memory *memory, uint64_t length, int protection, int flags);

/** Says that they have been mapped. */
void memory_has_grown(struct memory *memory, uint64_t length, int protection, int flags);

#endif
