/* C, since the host's own header knows no C++. */
#ifndef TPROC_TEST_IN_HOST_H
#define TPROC_TEST_IN_HOST_H

#include <stdbool.h>

#include "tproc_core.h"

/* Runs it on the thread whose descriptor table the host's threads share, and waits for its end. */
void in_host_call(struct tproc_host *host, void (*function)(void *), void *argument);

/* Runs it on a thread of its own with that table, and waits for its end; the other one goes on. 0 or a negative errno
 */
int in_host_call_apart(struct tproc_host *host, void (*function)(void *), void *argument);

/* To be called in the host. */
bool in_host_has_ended(struct tproc_threadproc *threadproc);

/* What holds up the making of prepared programs, for a while. Begins a launch that does not end until the next call. */
void in_host_begin_launch(struct tproc_host *host);
void in_host_end_launch(struct tproc_host *host);

/* Whether a launch would wait for what has memory below the slots. To be called in the host. */
bool in_host_gives_low_back(struct tproc_host *host);

/* Waits for the end, and releases it, as the server does. To be called in the host. 0 or a negative errno */
int in_host_release(struct tproc_threadproc *threadproc);

/* The same in two steps, as when it hangs between them. The first returns whether it has memory below the slots. */
bool in_host_begin_release(struct tproc_threadproc *threadproc);
void in_host_end_release(struct tproc_threadproc *threadproc, bool low);

#endif
