/* Descriptors of the process, handed to the host's threads, whose table is another one. */
#ifndef TPROC_HOST_PASS_DESCRIPTORS_H
#define TPROC_HOST_PASS_DESCRIPTORS_H

#include <stddef.h>

#include "tproc_core.h"

/**
 * Copies descriptors of the caller's table into the host's, where the caller has to close them.
 *
 * @param numbers first in the caller's table, then in the host's
 * @return 0 or a negative errno, and then nothing is open
 */
int host_pass_descriptors(struct tproc_host *host, int *numbers, size_t count);

#endif
