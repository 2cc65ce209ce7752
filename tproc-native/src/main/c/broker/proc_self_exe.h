/*
 * /proc/self/exe belongs to the address space, so for a threadproc it names the host's program. Here it means the
 * hosted program: when the link is read, opened, examined or executed. A path is recognised as it is written:
 * /proc/self/exe, /proc/thread-self/exe, /proc/PID/exe.
 */
#ifndef TPROC_PROC_SELF_EXE_H
#define TPROC_PROC_SELF_EXE_H

#include <stdbool.h>

#include "broker/broker_call.h"

/** @return whether the call is about the own executable, and then what to answer */
bool proc_self_exe_answer(struct broker_context *context, struct fence_listener *listener,
                          const struct broker_call *call, struct broker_answer *answer);

/** The second half of an answer that is BROKER_DEFER_OPEN_EXECUTABLE; may block on the executable's file system. */
struct broker_answer proc_self_exe_run(struct broker_context *context, struct fence_listener *listener,
                                       const struct broker_call *call);

#endif
