/*
 * A thread that carries out short calls for others, one after the other. For what has to be done by a certain thread:
 * by one that lasts, or one with a descriptor table of its own.
 */
#ifndef TPROC_EXECUTOR_H
#define TPROC_EXECUTOR_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "tproc_core.h"

struct executor_order;

struct executor {
  pthread_t thread;
  pthread_mutex_t lock;         /**< guards the queue, never held during a call; no other lock is taken under it */
  pthread_cond_t ordered;       /**< an order has come */
  pthread_cond_t begun;         /**< the thread has begun, or could not */
  struct executor_order *first; /**< orders not yet taken, oldest first */
  struct executor_order **last;
  bool stopping;
};

/** How the thread begins. */
struct executor_options {
  const char *name; /**< the thread's, up to 15 bytes; static */
  const char *what; /**< in messages: "the host's thread" */
  /**
   * Gives the thread a descriptor table of its own, with these descriptors of the caller's in it and no others. NULL:
   * it shares the caller's.
   */
  const int *kept;
  size_t kept_count;
};

/** All signals are blocked in the thread. */
int executor_start(struct executor *executor, const struct executor_options *start, struct tproc_error *error);

/** No call may be under way. */
void executor_stop(struct executor *executor);

/** Runs it on the executor's thread, and waits for its end. It must not block: all others wait. */
void executor_call(struct executor *executor, void (*function)(void *), void *argument);

/**
 * As executor_call, for a function that may block: on a thread of its own beside the executor's.
 *
 * @return 0 or a negative errno
 */
int executor_call_apart(struct executor *executor, void (*function)(void *), void *argument);

#endif
