/* Getting rid of what clients have passed. */
#ifndef TPROC_SERVER_DISCARD_H
#define TPROC_SERVER_DISCARD_H

#include "base/workers.h"
#include "wire/frame.h"

/**
 * Frees a frame that is not wanted any more and closes its descriptors, and a connection's socket (-1: none) with those
 * that have not been read: on a helper when there are any, since closing a client's descriptor may block.
 */
void discard(struct workers *helpers, struct frame *frame, int socket);

#endif
