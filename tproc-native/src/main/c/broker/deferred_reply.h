/*
 * Deferred replies: an answer that may take long (filling memory, a file system that does not answer) is fetched by a
 * thread of its own, so that the broker goes on answering others.
 */
#ifndef TPROC_DEFERRED_REPLY_H
#define TPROC_DEFERRED_REPLY_H

#include <pthread.h>

#include "broker/broker_call.h"

/** More than so many at once are not begun: memory is then not filled, and the rest gets EAGAIN. */
#define DEFERRED_REPLIES_MAX 64

/** What is under way. */
struct deferred_replies {
  pthread_mutex_t lock; /**< guards the count; no other lock is taken under it */
  pthread_cond_t changed;
  unsigned under_way;
  bool closing; /**< what can be cut short ends soon */
};

void deferred_replies_open(struct deferred_replies *desk);

/** Waits for the end of all deferred replies. */
void deferred_replies_close(struct deferred_replies *desk);

/** Called when a deferred reply has been answered, by its thread. */
typedef void deferred_reply_done(void *context, struct fence_listener *listener);

/**
 * Does what an answer with one of the verdicts BROKER_DEFER_… puts off, and then answers the call. If no thread can be
 * had it is answered at once.
 *
 * @param listener has to stay as it is until `done` was called
 */
void deferred_reply_run(struct deferred_replies *desk, struct broker_context *host, struct fence_listener *listener,
                        const struct broker_call *call, const struct broker_answer *answer, deferred_reply_done *done,
                        void *context);

#endif
