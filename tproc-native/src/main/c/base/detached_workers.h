/*
 * Threads for work that may wait for a file system without end, and that nobody waits for. Whoever leaves them gives
 * what is under way a while; what is not done then goes on by itself, and frees what it has when it ends.
 */
#ifndef TPROC_DETACHED_WORKERS_H
#define TPROC_DETACHED_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

/** One piece of work; the first member of a larger structure. */
struct detached_work {
  void (*run)(struct detached_work *work); /**< frees it */
  const void *origin;                      /**< compared, never followed: whose work it is */
  struct detached_work *next;
};

/** So many threads at most, and so many of them for one origin: what hangs takes threads from its own kind first. */
struct detached_limits {
  size_t threads, of_one_origin;
};

struct detached_workers;

/** Starts the first thread. @return 0 or a negative errno */
int detached_workers_open(struct detached_workers **workers, const struct detached_limits *limits);

/** Never waits for work. What exceeds the limits is queued. */
void detached_workers_submit(struct detached_workers *workers, struct detached_work *work);

/**
 * As detached_workers_submit, but begins at once, on a thread more, whatever is queued: for what others may have to
 * wait for. Its origin has to be its own.
 *
 * @return false: no thread can be had, and the work is still the caller's
 */
bool detached_workers_begin(struct detached_workers *workers, struct detached_work *work);

/** How much of this origin has been submitted and has not ended. */
size_t detached_workers_count(struct detached_workers *workers, const void *origin);

/** All that has been submitted and has not ended. */
size_t detached_workers_count_all(struct detached_workers *workers);

/** Whether nobody wants the work's result any more, or soon. By work. */
bool detached_workers_are_leaving(struct detached_workers *workers);

/**
 * By work, before it touches what belongs to the owner of the workers: the owner does not leave before
 * detached_workers_exit, which has to come soon.
 *
 * @return false when the owner has left
 */
bool detached_workers_enter(struct detached_workers *workers);
void detached_workers_exit(struct detached_workers *workers);

/** Waits for the end of all work, but no longer than so many milliseconds. The pointer is invalid from here on. */
void detached_workers_leave(struct detached_workers *workers, unsigned milliseconds);

#endif
