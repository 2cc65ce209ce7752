/*
 * /proc/self/exe belongs to the address space, so for a threadproc it names the host's program. Here it means the
 * hosted program: when the link is read, opened, examined or executed. A path is recognised as it is written:
 * /proc/self/exe, /proc/thread-self/exe, /proc/PID/exe.
 */
#ifndef TPROC_OWN_EXECUTABLE_H
#define TPROC_OWN_EXECUTABLE_H

#include <stdbool.h>

#include "broker/broker_call.h"

/** @return whether the call is about the own executable, and then what to answer */
bool own_executable_answer(struct broker_means *means, struct gate *gate, const struct broker_call *call,
                           struct broker_answer *answer);

/** The second half of an answer that is BROKER_LATER; may block on the executable's file system. */
struct broker_answer own_executable_run(struct broker_means *means, const struct gate *gate,
                                        const struct broker_call *call);

#endif
