/*
 * Threads for work that may take long or hang. They are started when there is work and none is idle, up to a limit, and
 * stay until the end.
 */
#ifndef TPROC_WORKERS_H
#define TPROC_WORKERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "tproc_core.h"

/** One piece of work; the first member of a larger structure that belongs to the submitter. */
struct work {
  void (*run)(struct work *work); /**< on a worker. Without `tell` it may free the work. */
  bool tell;                      /**< whether workers_take_done returns it */
  struct work *next;
};

#define WORKERS_MAX 64

struct workers {
  pthread_mutex_t lock; /**< guards the queue and the counts; no other lock is taken under it */
  pthread_cond_t changed;
  struct work *first, **last; /**< not begun, oldest first */
  struct work *done;          /**< to be told, youngest first */
  size_t queued, idle, count, count_max;
  bool stopping;
  int news; /**< eventfd of the owner's, written when something is done */
  pthread_t threads[WORKERS_MAX];
};

/**
 * @param most most threads, up to WORKERS_MAX
 * @param at_once how many to start now
 * @param news a non-blocking eventfd; stays the caller's
 */
int workers_open(struct workers *workers, size_t most, size_t at_once, int news, struct tproc_error *error);

/** @return 0, or a negative errno when there is no thread and none can be started: then nothing was taken */
int workers_submit(struct workers *workers, struct work *work, struct tproc_error *error);

/** Takes back what has not begun. @return false when it is too late */
bool workers_withdraw(struct workers *workers, struct work *work);

/** One that is done, or NULL. */
struct work *workers_take_done(struct workers *workers);

/** Does what is left, and waits for the threads to end. What is done can still be taken. */
void workers_stop(struct workers *workers);

/** After workers_stop. */
void workers_release(struct workers *workers);

#endif
