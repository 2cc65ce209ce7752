/*
 * What comes and goes on one connection, and until when it has to. A connection knows frames; what they mean, and what
 * runs for its client, it does not know: it reports to the server (dispatch.h).
 */
#ifndef TPROC_SERVER_CONNECTION_H
#define TPROC_SERVER_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/detached_workers.h"
#include "host/launch_info.h"
#include "server/options.h"
#include "server/watch.h"
#include "tproc_core.h"
#include "wire/frame.h"
#include "wire/wire.h"

/**
 * READING ⇄ WAITING, and from WAITING to RUNNING when a launch succeeds, back to READING when the program has ended.
 * From READING to WATCHING, for good. From each of them to ENDING or GONE, and from ENDING to GONE.
 */
enum connection_state {
  CONNECTION_READING,  /**< a request may arrive */
  CONNECTION_WAITING,  /**< its request is carried out; nothing is read meanwhile */
  CONNECTION_RUNNING,  /**< a program of its client's runs */
  CONNECTION_WATCHING, /**< its client hears of each program of the server's */
  CONNECTION_ENDING,   /**< nothing is read; to be closed when everything has been sent */
  CONNECTION_GONE      /**< closed; freed when the events of this round have been handled */
};

struct connection {
  enum watch watch;
  enum connection_state state;
  struct connection *previous, *next;
  int socket;
  uint32_t events; /**< waited for */
  struct launch_client peer;
  struct frame frame;              /**< arriving */
  uint64_t frame_deadline;         /**< milliseconds; 0: none */
  char *output;                    /**< not sent yet */
  size_t output_size, output_room; /**< the room is in the budget */
  uint64_t output_deadline;
  uint32_t watched;               /**< the server's note, of one that watches: WIRE_WATCH_… */
  struct request *request;        /**< the server's note: what is carried out for it. Not looked into here. */
  struct client_program *program; /**< the server's note: what runs for it. Not looked into here. */
};

/** All connections of a server. */
struct connections {
  int events; /**< the server's epoll set */
  const struct server_options *options;
  struct detached_workers *closers;
  struct connection *first, *gone;
  size_t count;
  struct frame_budget budget; /**< for what has arrived and has not been answered, and for what is not sent yet */
};

/** Takes over the socket in any case; on failure the client is told, and the socket is closed. */
void connection_open(struct connections *connections, int socket, const struct launch_client *peer);

/** Handles an event of the socket. @return whether connection->frame is whole now, for the caller to take */
bool connection_event(struct connections *connections, struct connection *connection, uint32_t events);

/** Ends what takes too long. */
void connection_tick(struct connections *connections, struct connection *connection, uint64_t now);

/** Goes on as READING, WAITING or RUNNING, unless it is ending or gone. */
void connection_enter(struct connections *connections, struct connection *connection, enum connection_state state);

/** Sends a frame, or notes it for later. A connection that fails is closed. `descriptor` is -1 or sent at once. */
void connection_send(struct connections *connections, struct connection *connection, enum wire_type type,
                     const void *payload, size_t size, int descriptor);

/** Sends a FAILED, and ends. */
void connection_fail(struct connections *connections, struct connection *connection, const struct tproc_error *error,
                     int exit_code);

/** Closes it as soon as everything has been sent. */
void connection_end(struct connections *connections, struct connection *connection);
void connection_close(struct connections *connections, struct connection *connection);

/** Sends a FAILED without waiting, on a socket that is about to be closed. */
void connection_refuse(int socket, int code, const char *message);

/** Frees those that are gone. */
void connections_free_gone(struct connections *connections);

#endif
