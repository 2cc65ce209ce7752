/*
 * Timers that send a signal again and again (setitimer, timer_settime). A call that waits to be heard by the broker is
 * interrupted by a signal whose handler has no SA_RESTART, and with so many of them that happens. So the host traces a
 * program before its first such timer is set (spawn/tracer.h), where that can be had: a tracer has the call begin anew.
 */
#ifndef TPROC_INTERVAL_TIMER_H
#define TPROC_INTERVAL_TIMER_H

#include "broker/broker_call.h"

/**
 * The answer to a call that sets a timer: it is made as it stands, at once or, when the caller may have to be traced
 * before, by a deferred reply. One of the threadproc itself only. With the listener's lock.
 *
 * @return false, and nothing written: it is another call
 */
bool interval_timer_answer(const struct broker_context *context, const struct fence_listener *listener,
                           const struct broker_call *call, struct broker_answer *answer);

/**
 * Whether the timer that the call sets sends more than one signal. May wait for a file system, where its value is in a
 * file's memory. False when that cannot be read.
 */
bool interval_timer_repeats(const struct target_check *check, const struct fence_listener *listener,
                            const struct broker_call *call);

#endif
