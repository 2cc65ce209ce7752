/* The listeners of a broker: how they are opened (broker.h), and how they end. */
#ifndef TPROC_FENCE_LISTENERS_H
#define TPROC_FENCE_LISTENERS_H

#include "broker/broker.h"

/** No process has this fence any more (EPOLLHUP). May free the listener. */
void fence_listeners_hang_up(struct broker *broker, struct fence_listener *listener);

/**
 * What cannot be answered any more must not wait without end: the threadproc is killed, and its descendants get ENOSYS.
 * Frees nothing.
 */
void fence_listeners_give_up(struct broker *broker, struct fence_listener *listener);

/** A deferred_reply_done; `broker` is a struct broker. May free the listener. */
void fence_listeners_reply_is_sent(void *broker, struct fence_listener *listener, int failed);

/**
 * Finds a listener of which a deferred reply could not be sent, and which has not been given up. On the broker's
 * thread: no other gives up, so the listener stays.
 *
 * @param failed receives the negative errno
 * @return NULL when there is none
 */
struct fence_listener *fence_listeners_find_unanswered(struct broker *broker, int *failed);

/** When the broker's thread and all deferred replies have ended. */
void fence_listeners_close_all(struct broker *broker);

/** Notes what has come of the threadproc's own execve. With the listener's lock. */
void fence_listeners_look_for_exec(struct fence_listener *listener);

#endif
