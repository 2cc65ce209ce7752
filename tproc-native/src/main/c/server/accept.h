/* New connections, and the refusal of those too many. */
#ifndef TPROC_SERVER_ACCEPT_H
#define TPROC_SERVER_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "server/connection.h"
#include "server/socket.h"
#include "tproc_core.h"

struct acceptor {
  int events; /**< the server's epoll set; it and the socket stay the server's */
  const struct server_socket *socket;
  int spare;         /**< a descriptor to give up when there are no more; -1: given up */
  bool watching;     /**< the socket is in the epoll set */
  uint64_t watch_at; /**< when it is to be watched again, milliseconds */
  struct connections *connections;
};

/** @return 0 or a negative errno */
int acceptor_open(struct acceptor *acceptor, int events, const struct server_socket *socket,
                  struct connections *connections, struct tproc_error *error);
void acceptor_close(struct acceptor *acceptor);

/** Accepts or refuses those who wait. */
void acceptor_accept(struct acceptor *acceptor);

/** Tries again what failed for want of descriptors. */
void acceptor_tick(struct acceptor *acceptor, uint64_t now);

/** Whether a tick has something to do. */
bool acceptor_is_waiting(const struct acceptor *acceptor);

#endif
