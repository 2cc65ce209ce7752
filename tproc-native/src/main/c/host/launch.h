/* Starting a threadproc for a client. */
#ifndef TPROC_LAUNCH_H
#define TPROC_LAUNCH_H

#include "host/launch_info.h"
#include "tproc_core.h"

/** As tproc_host_launch, for a client of a listening host. */
int launch_for(struct tproc_host *host, const struct tproc_launch *launch, const struct launch_client *client,
               struct tproc_threadproc **threadproc, struct tproc_error *error);

#endif
