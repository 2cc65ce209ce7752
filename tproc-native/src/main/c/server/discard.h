/* Getting rid of what clients have passed. */
#ifndef TPROC_SERVER_DISCARD_H
#define TPROC_SERVER_DISCARD_H

#include "base/detached_workers.h"
#include "wire/frame.h"

/**
 * Frees a frame that is not wanted any more and closes its descriptors, and a connection's socket (-1: none) with those
 * that have not been read: on a thread on which nobody waits, since closing a client's descriptor may block.
 */
void discard(struct detached_workers *closers, struct frame *frame, int socket);

/** The same, without a frame. */
void discard_socket(struct detached_workers *closers, int socket);

#endif
