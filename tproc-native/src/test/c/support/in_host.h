/* C, since the host's own header knows no C++. */
#ifndef TPROC_TEST_IN_HOST_H
#define TPROC_TEST_IN_HOST_H

#include "tproc_core.h"

/* Runs it on the thread whose descriptor table the host's threads share, and waits for its end. */
void in_host_call(struct tproc_host *host, void (*function)(void *), void *argument);

#endif
