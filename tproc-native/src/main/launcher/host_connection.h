/* The connection to the host: the socket, whole frames out and in, and the descriptors that travel with them. */
#ifndef TPROC_LAUNCHER_HOST_CONNECTION_H
#define TPROC_LAUNCHER_HOST_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/wire.h"

/** The largest frame that a host sends to a launcher: a FAILED with its text. */
#define ANSWER_MAX (sizeof(struct wire_header) + sizeof(struct wire_failed) + (64u << 10))

struct host_connection {
  int socket;
  int descriptor;  /**< the last one that came, -1: none; its taker sets it to -1 */
  size_t taken;    /**< bytes of `bytes` that the last answer was */
  size_t received; /**< bytes in `bytes` */
  char bytes[ANSWER_MAX];
};

/**
 * Makes a socket for host_connection_try. It does not block.
 *
 * @return 0 or a negative errno
 */
int host_connection_prepare(struct host_connection *connection);

/**
 * Connects to the host, waiting a tenth of a second when it has no room for one more.
 *
 * @param path of any length
 * @return 0, or a negative errno; -EAGAIN: there was no room, try again
 */
int host_connection_try(struct host_connection *connection, const char *path);

/** Whether the process at the other end belongs to this user: the same effective uid. */
bool host_connection_is_own_user(const struct host_connection *connection);

/** A frame on its way out. */
struct outgoing {
  struct wire_header header;
  const void *payload;
  const int *descriptors;
  size_t sent;             /**< bytes, of header and payload */
  size_t descriptors_sent; /**< of header.descriptors */
};

/**
 * Sends as much as the socket takes now.
 *
 * @return 0: all is sent; -EAGAIN: go on when the socket is writable; -ETOOMANYREFS: this user's descriptors on their
 *     way are as many as may be, go on a little later; or another negative errno
 */
int outgoing_send(const struct host_connection *connection, struct outgoing *outgoing);

struct answer {
  enum wire_type type;
  const char *payload; /**< until the next host_connection_receive */
  size_t size;
};

enum received { RECEIVED_NOTHING, RECEIVED_ANSWER, RECEIVED_END, RECEIVED_INVALID };

/** The next whole answer, if it has come. RECEIVED_END: the host has closed the connection, or is dead. */
enum received host_connection_receive(struct host_connection *connection, struct answer *answer);

#endif
