#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "server/server.h"

static void remember(struct tproc_server *server, struct request *request) { LIST_PREPEND(server->requests, request); }

static void free_request(struct tproc_server *server, struct request *request) {
  LIST_UNLINK(server->requests, request);
  if (request->connection != NULL) request->connection->request = NULL;
  discard(server, &request->frame, -1);
  free(request->payload);
  free(request);
}

/* The exit code that a shell would give for the error of a launch. */
static int exit_code_for(int code) {
  switch (code) {
    case ENOENT:
      return WIRE_EXIT_NOT_FOUND;
    case EPROTO:
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return WIRE_EXIT_NO_HOST;
    default:
      return WIRE_EXIT_NOT_HOSTABLE;
  }
}

static bool is_launch(const struct request *request) { return request->work.run == work_launch; }

static void refuse(struct tproc_server *server, struct request *request) {
  struct connection *connection = request->connection;
  const int exit_code = is_launch(request) ? exit_code_for(request->error.code) : WIRE_EXIT_NO_HOST;
  const struct tproc_error error = request->error;
  free_request(server, request);
  if (connection != NULL) connection_fail(server, connection, &error, exit_code);
}

static void (*work_for(uint16_t type))(struct work *) {
  switch (type) {
    case WIRE_LAUNCH:
      return work_launch;
    case WIRE_LIST:
      return work_list;
    case WIRE_MAPS:
      return work_maps;
    case WIRE_SIGNAL:
      return work_signal;
    default:
      return NULL;
  }
}

/* While a program runs, its client may only ask to look at it; without one, anything else. */
static void serve_out_of_order(struct tproc_server *server, struct connection *connection) {
  struct tproc_error error;
  const uint16_t type = connection->frame.header.type;
  if (type == WIRE_LOOK && connection->program != NULL) {
    frame_release(&connection->frame);
    client_program_look(server, connection->program);
    return;
  }
  tproc_fail_because(&error, EPROTO, "a frame of type %u while %s program runs", type,
                     connection->program != NULL ? "a" : "no");
  connection_fail(server, connection, &error, WIRE_EXIT_NO_HOST);
}

void request_begin(struct tproc_server *server, struct connection *connection) {
  void (*const work)(struct work *) = work_for(connection->frame.header.type);
  if (work == NULL || connection->program != NULL) {
    serve_out_of_order(server, connection);
    return;
  }
  struct request *request = calloc(1, sizeof *request);
  if (request == NULL) {
    connection_fail(server, connection, &(struct tproc_error){ENOMEM, "the host has no memory left (ENOMEM)"},
                    WIRE_EXIT_NO_HOST);
    return;
  }
  request->work.run = work;
  request->work.tell = true;
  request->server = server;
  request->client = connection->peer;
  request->connection = connection;
  request->frame = connection->frame;
  memset(&connection->frame, 0, sizeof connection->frame);
  connection->request = request;
  remember(server, request);
  if (is_launch(request)) request->begin_deadline = clock_milliseconds() + server->options.queue_milliseconds;
  struct workers *workers = is_launch(request) ? &server->launchers : &server->helpers;
  if (workers_submit(workers, &request->work, &request->error) != 0)
    refuse(server, request);
  else
    connection_update(server, connection);
}

void request_abandon(struct request *request) {
  struct tproc_server *server = request->server;
  request->connection->request = NULL;
  request->connection = NULL;
  if (is_launch(request) && workers_withdraw(&server->launchers, &request->work)) free_request(server, request);
}

void request_tick(struct tproc_server *server, struct request *request, uint64_t now) {
  if (request->begin_deadline == 0 || now < request->begin_deadline) return;
  request->begin_deadline = 0; /* it has begun, or ends here */
  if (!workers_withdraw(&server->launchers, &request->work)) return;
  tproc_fail_because(&request->error, EAGAIN, "not begun within %u ms: %u launches hang",
                     server->options.queue_milliseconds, server->options.most_launches);
  refuse(server, request);
}

/* Watched before its client learns of it, so that it hears of the end in any case. */
static void attach(struct tproc_server *server, struct request *request) {
  struct connection *connection = request->connection;
  struct tproc_threadproc *threadproc = request->threadproc;
  request->failed =
      client_program_open(server, threadproc, connection, &request->client, request->outlive, &request->error);
  if (request->failed) {
    client_program_release(server, threadproc);
    refuse(server, request);
    return;
  }
  free_request(server, request);
}

void request_done(struct tproc_server *server, struct request *request) {
  struct connection *connection = request->connection;
  if (request->failed) {
    refuse(server, request);
  } else if (request->threadproc != NULL) {
    attach(server, request);
  } else {
    if (connection != NULL)
      connection_send(server, connection, request->answer, request->payload, request->payload_size, -1);
    free_request(server, request);
  }
  if (connection != NULL) connection_update(server, connection);
}
