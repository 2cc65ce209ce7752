/*
 * Errands: answers that may take long (filling memory, a file system that does not answer) are fetched by a thread of
 * their own, so that the broker is there for everybody else.
 */
#ifndef TPROC_ERRAND_H
#define TPROC_ERRAND_H

#include <pthread.h>

#include "broker/broker_call.h"

/** More than so many at once are not begun: memory is then not filled, and the rest gets EAGAIN. */
#define ERRANDS_MAX 64

/** What is under way. */
struct errand_desk {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  unsigned under_way;
  bool closing; /**< what can be cut short ends soon */
};

void errand_desk_open(struct errand_desk *desk);

/** Waits for the end of all errands. */
void errand_desk_close(struct errand_desk *desk);

/** Called when an errand has been answered, by its thread. */
typedef void errand_done(void *context, struct gate *gate);

/**
 * Runs the errand of an answer with the verdict BROKER_LATER, and then answers the call. If no thread can be had it is
 * answered at once.
 *
 * @param gate has to stay as it is until `done` was called
 */
void errand_run(struct errand_desk *desk, struct broker_means *means, struct gate *gate, const struct broker_call *call,
                const struct broker_answer *answer, errand_done *done, void *context);

#endif
