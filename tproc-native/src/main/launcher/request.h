/* The request to the host: everything that a program started right here would have. */
#ifndef TPROC_LAUNCHER_REQUEST_H
#define TPROC_LAUNCHER_REQUEST_H

#include <stdint.h>

#include "descriptors.h"
#include "host_connection.h"

/**
 * Makes a LAUNCH of this process's umask, limits, ignored signals, scheduling and personality, and the descriptors.
 *
 * @param descriptors with the working directory; used until the request has been sent
 * @param flags WIRE_LAUNCH_…
 * @param ignored request_ignored_signals
 * @param blocked the signals that were blocked when the launcher was started
 * @return 0, or a negative errno: -E2BIG, -ENOMEM
 */
int request_make(const struct descriptors *descriptors, char **argv, char **envp, uint32_t flags, uint64_t ignored,
                 uint64_t blocked, struct outgoing *request);

/** The signals that this process was told to ignore; bit n-1: signal n. */
uint64_t request_ignored_signals(void);

#endif
