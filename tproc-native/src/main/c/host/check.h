/* What tproc_check is made of. */
#ifndef TPROC_CHECK_H
#define TPROC_CHECK_H

#include "tproc_core.h"

/** tproc_check without the launch: what is asked whenever a host is opened. */
size_t check_probes(struct tproc_finding *findings, size_t capacity);

/**
 * Opens a host, and launches a tiny program in it that maps a file, forks, executes and ends.
 *
 * @param finding receives verdict, value and advice
 */
void check_launch(struct tproc_finding *finding);

#endif
