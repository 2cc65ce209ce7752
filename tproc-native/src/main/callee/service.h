/* The callee's threads: which lane each serves, and what it does for it. */
#ifndef TPROC_CALLEE_SERVICE_H
#define TPROC_CALLEE_SERVICE_H

#include "lane.h"

/** The number of the callback that asks the host for a lane; see service_set_desk. */
#define SERVICE_NEEDS_LANE 0

/** Serves a lane from this thread. Does not return. */
_Noreturn void service_run(struct lane *lane);

/**
 * The lane by which a thread that serves none asks for one: its callback SERVICE_NEEDS_LANE gives the address. For
 * callbacks from threads that the library has started.
 */
void service_set_desk(struct lane *desk);

/** This thread's lane; a thread of the library's gets one, and has it until it ends. */
struct lane *service_lane(void);

/** Has the host run a callback, and does what it asks for meanwhile. */
void service_call_back(struct lane *lane, uint64_t number, void *frame);

#endif
