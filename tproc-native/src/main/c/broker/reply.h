/* Sending the answer to a call that a fence handed over. */
#ifndef TPROC_REPLY_H
#define TPROC_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "broker/broker_call.h"

/** Notifications and answers are small structs that later kernels may enlarge at the end. */
#define NOTIFICATION_MAX 512

/**
 * From any thread, once for each call. A target that was killed meanwhile is no error.
 *
 * @param id of the notification
 * @param answer that broker_defers is false of
 * @return 0, or the negative errno of a listener that does not work any more
 */
int reply_send(int notify_fd, uint64_t id, const struct broker_answer *answer);

#endif
