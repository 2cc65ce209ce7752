/*
 * Deferred replies: an answer that may take long (filling memory, a file system that does not answer) is fetched by a
 * thread of its own, so that the broker goes on answering others.
 */
#ifndef TPROC_DEFERRED_REPLY_H
#define TPROC_DEFERRED_REPLY_H

#include "base/detached_workers.h"
#include "broker/broker_call.h"

/** So many are under way at once, and so many of them for one threadproc. The rest wait their turn. */
#define DEFERRED_REPLIES_MAX 256
#define DEFERRED_REPLIES_OF_ONE 8

/** So many copies of a threadproc's descriptors may wait to be closed before its calls wait for that. */
#define CLOSES_OF_ONE 32

/**
 * Called when a deferred reply has been answered, by its thread.
 *
 * @param failed 0, or the negative errno with which the answer could not be sent: the caller waits without end
 */
typedef void deferred_reply_done(void *context, struct fence_listener *listener, int failed);

struct deferred_replies {
  struct detached_workers *workers;
  struct broker_context *host;
  deferred_reply_done *done;
  void *context; /**< for `done` */
};

/** @return 0 or a negative errno */
int deferred_replies_open(struct deferred_replies *desk, struct broker_context *host, deferred_reply_done *done,
                          void *context);

/**
 * Gives what is under way half a second. What takes longer is left to itself: its callers get ENOSYS when their
 * listener is closed.
 */
void deferred_replies_close(struct deferred_replies *desk);

/**
 * Does what an answer with one of the verdicts BROKER_DEFER_… puts off, and then answers the call.
 *
 * @param listener has to stay as it is until `done` was called, or the replies are closed
 */
void deferred_reply_run(struct deferred_replies *desk, struct fence_listener *listener, const struct broker_call *call,
                        const struct broker_answer *answer);

/** Closes a copy of a descriptor of the listener's threadproc, or with NULL the host's own, at some time. */
void deferred_close(struct deferred_replies *desk, const struct fence_listener *listener, int descriptor);

/** Whether so many copies are to be closed already that the next is to be waited for. */
bool deferred_close_is_late(const struct deferred_replies *desk, const struct fence_listener *listener);

#endif
