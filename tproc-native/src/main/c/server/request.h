/* A client's request, from its frame to its answer. A worker carries it out (work.h); the server sends the answer. */
#ifndef TPROC_SERVER_REQUEST_H
#define TPROC_SERVER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/detached_workers.h"
#include "base/workers.h"
#include "host/launch_info.h"
#include "server/options.h"
#include "tproc_core.h"
#include "wire/frame.h"
#include "wire/wire.h"

struct request {
  struct work work;
  struct requests *requests;
  /** The server's note: whom to answer; NULL: the client is lost. Not looked into here. */
  struct connection *connection;
  struct request *previous, *next;
  struct launch_client client;
  struct frame frame;
  uint64_t begin_deadline; /**< of a launch, milliseconds */

  /* By the worker: */
  int failed; /**< 0 or a negative errno */
  struct tproc_error error;
  enum wire_type answer;
  char *payload; /**< of the answer */
  size_t payload_size;
  bool outlive;
  bool tell_crash;
  struct tproc_threadproc *threadproc; /**< launched */
};

/** All requests of a server that have not been answered. */
struct requests {
  struct tproc_host *host;
  const struct server_options *options;
  struct workers launchers, helpers; /**< the latter do what is to work while launches hang */
  struct detached_workers *closers;
  struct request *first;
};

/** Whether frames of this type are requests. */
bool request_is_type(uint16_t type);

/**
 * Makes a request of a whole frame, which it takes over and empties, and hands it to a worker.
 *
 * @return NULL and an error on failure; the frame stays the caller's
 */
struct request *request_open(struct requests *requests, struct frame *frame, const struct launch_client *client,
                             struct tproc_error *error);

/** No client waits for the answer any more. @return whether it had not begun: then it is never done, and to be freed */
bool request_withdraw(struct request *request);

/** @return whether it has not begun in time: then request->error says so, and it is to be freed */
bool request_tick(struct request *request, uint64_t now);

/** What the client is to exit with for request->error. */
int request_exit_code(const struct request *request);

void request_free(struct request *request);

#endif
