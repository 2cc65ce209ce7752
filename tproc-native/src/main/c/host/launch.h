/* Starting a threadproc for a client. */
#ifndef TPROC_LAUNCH_H
#define TPROC_LAUNCH_H

#include "broker/broker.h"
#include "host/launch_info.h"
#include "spawn/launch_state.h"
#include "tproc_core.h"

/** As tproc_host_launch, for a client of a listening host. */
int launch_for(struct tproc_host *host, const struct tproc_launch *launch, const struct launch_client *client,
               struct tproc_threadproc **threadproc, struct tproc_error *error);

/** One that has nothing yet, for threadproc_free. @return NULL without memory */
struct tproc_threadproc *launch_threadproc_new(struct tproc_host *host);

/**
 * Makes the process that the threadproc's plan describes, and waits until it runs the program, or prepares to.
 *
 * @param link receives the other end of the child's socket; NULL: it is closed
 * @return 0, or a negative errno: then there is no process, and no socket
 */
int launch_start_process(struct tproc_host *host, struct tproc_threadproc *threadproc,
                         const struct launch_descriptors *descriptors, const struct broker_executable *executable,
                         int *link, struct tproc_error *error);

/** Lets a prepared child go on, which waits for that. */
void launch_let_go(struct child_plan *plan);

/**
 * Takes that back, while the child has not begun to run the program.
 *
 * @return CHILD_STARTING: it will not run it; CHILD_RUNNING: it does; CHILD_GONE: it has ended
 */
enum child_state launch_recall(struct child_plan *plan);

#endif
