/* Passing descriptors from one descriptor table to another, through a pair of local sockets (SCM_RIGHTS). */
#ifndef TPROC_DESCRIPTOR_PASSING_H
#define TPROC_DESCRIPTOR_PASSING_H

#include <stddef.h>

/** The kernel's SCM_MAX_FD: so many are sent at a time. */
#define DESCRIPTORS_PER_PACKET 253

/** SOCK_SEQPACKET, close-on-exec. @return 0 or a negative errno */
int descriptor_passing_pair(int pair[2]);

/** Never blocks. What was sent before a failure stays in the socket. @return 0 or a negative errno */
int descriptors_send(int socket, const int *descriptors, size_t count);

/**
 * Takes `count` that were sent together. Never blocks; on failure it has closed those that it got, and dropped the
 * rest.
 *
 * @return 0 or a negative errno: -EMFILE, when this table is full
 */
int descriptors_receive(int socket, int *descriptors, size_t count);

/** Forgets what was sent and not received. */
void descriptors_drop(int socket);

#endif
