/*
 * Descriptors of the process, handed to the host's threads, whose table is another one. They pass a door, which takes
 * those of one thread at a time.
 */
#ifndef TPROC_HOST_PASS_DESCRIPTORS_H
#define TPROC_HOST_PASS_DESCRIPTORS_H

#include <stddef.h>

#include "tproc_core.h"

/**
 * Sends descriptors of the caller's table, and keeps the door until one of the host's threads receives or drops them:
 * exactly one of the two has to follow.
 *
 * @return 0; or a negative errno, and then nothing has to follow
 */
int host_send_descriptors(struct tproc_host *host, const int *numbers, size_t count);

/**
 * By a thread with the host's table, which has to close them.
 *
 * @param numbers receives those that they have there
 * @return 0 or a negative errno, and then nothing is open
 */
int host_receive_descriptors(struct tproc_host *host, int *numbers, size_t count);

/** By any thread: what was sent is not received. */
void host_drop_descriptors(struct tproc_host *host);

/**
 * Both, by a thread with the process's table, which has to let one of the host's close them.
 *
 * @param numbers first in the caller's table, then in the host's
 * @return 0 or a negative errno, and then nothing is open
 */
int host_pass_descriptors(struct tproc_host *host, int *numbers, size_t count);

#endif
