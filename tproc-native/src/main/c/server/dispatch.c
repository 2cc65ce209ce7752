#include "server/dispatch.h"

#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "host/crash_text.h"
#include "host/host.h"
#include "host/threadproc.h"

static void part_from_program(struct connection *connection, struct client_program *program) {
  if (connection != NULL) connection->program = NULL;
  program->connection = NULL;
}

static void part_from_request(struct connection *connection, struct request *request) {
  if (connection != NULL) connection->request = NULL;
  request->connection = NULL;
}

/* After whatever may have ended a connection: what was done for its client has none any more. */
static void settle(struct tproc_server *server, struct connection *connection) {
  struct client_program *program = connection->program;
  struct request *request = connection->request;
  if (connection->state >= CONNECTION_ENDING && program != NULL) {
    part_from_program(connection, program);
    client_program_lose_client(&server->programs, program);
  }
  if (connection->state == CONNECTION_GONE && request != NULL) {
    part_from_request(connection, request);
    if (request_withdraw(request)) request_free(request);
  }
}

static void send_frame(struct tproc_server *server, struct connection *connection, enum wire_type type,
                       const void *payload, size_t size) {
  connection_send(&server->connections, connection, type, payload, size, -1);
  settle(server, connection);
}

static void fail(struct tproc_server *server, struct connection *connection, const struct tproc_error *error,
                 int exit_code) {
  connection_fail(&server->connections, connection, error, exit_code);
  settle(server, connection);
}

/* @param asked WIRE_WATCH_…: only those who have; 0: all */
static void tell_watchers(struct tproc_server *server, uint32_t asked, enum wire_type type, const void *payload,
                          size_t size) {
  for (struct connection *each = server->connections.first, *next; each != NULL; each = next) {
    next = each->next;
    if (each->state == CONNECTION_WATCHING && (each->watched & asked) == asked)
      send_frame(server, each, type, payload, size);
  }
}

static void tell_start(struct tproc_server *server, const struct tproc_threadproc *threadproc) {
  const struct launch_info *info = &threadproc->info;
  const struct wire_threadproc entry = {.pid = threadproc->pid,
                                        .launcher = info->client.pid,
                                        .uid = info->client.uid,
                                        .state = WIRE_STATE_RUNNING,
                                        .flags = info->command_cut ? WIRE_COMMAND_CUT : 0,
                                        .argument_count = (uint32_t)info->argument_count,
                                        .command_size = (uint32_t)info->command_size,
                                        .started_at = info->started_at};
  struct {
    struct wire_listed head;
    char entry[sizeof entry + WIRE_COMMAND_MAX];
  } payload = {.head = {.total = 1, .count = 1}};
  wire_threadproc_write(&entry, info->command, payload.entry);
  tell_watchers(server, 0, WIRE_PROGRAM_STARTED, &payload,
                sizeof payload.head + wire_threadproc_size(info->command_size));
}

/* `exit` is NULL when it cannot be known. */
static void tell_end_to_watchers(struct tproc_server *server, const struct tproc_threadproc *threadproc,
                                 const struct tproc_exit *exit) {
  const uint64_t uptime = launch_info_uptime(&threadproc->info);
  const struct wire_program_ended ended = {.pid = threadproc->pid,
                                           .kind = exit != NULL ? exit->kind : 0,
                                           .status = exit != NULL ? exit->status : 0,
                                           .ended_at = threadproc->info.started_at + uptime,
                                           .uptime = uptime};
  tell_watchers(server, 0, WIRE_PROGRAM_ENDED, &ended, sizeof ended);
}

_Static_assert((int)WIRE_LEFT == (int)TPROC_EXEC_LEFT && (int)WIRE_LEAVE_REFUSED == (int)TPROC_EXEC_REFUSED &&
                   (int)WIRE_LEFT_AT_START == (int)TPROC_EXEC_SPILLED,
               "passed on as it is");

static void tell_exec(struct tproc_server *server, struct client_program *program) {
  if (program->exec_told) return;
  const enum tproc_exec exec = tproc_threadproc_exec(program->threadproc);
  if (exec == TPROC_EXEC_NONE) return;
  program->exec_told = true;
  const struct wire_program_left left = {
      .pid = program->threadproc->pid, .how = exec, .seen_at = clock_nanoseconds(CLOCK_REALTIME)};
  tell_watchers(server, WIRE_WATCH_LEAVING, WIRE_PROGRAM_LEFT, &left, sizeof left);
}

/* Before its end is told, and before its memory is given back. */
static void tell_crash(struct tproc_server *server, struct connection *connection,
                       const struct client_program *program) {
  const struct tproc_threadproc *threadproc = program->threadproc;
  struct tproc_crash crash;
  struct {
    struct wire_crashed head;
    char text[CRASH_TEXT_SIZE];
  } payload = {.head = {.pid = threadproc->pid}};
  _Static_assert(sizeof payload.text <= WIRE_CRASH_TEXT_MAX, "a text fits into its frame");
  if (!tproc_threadproc_crash(program->threadproc, &crash)) return;
  payload.head.crashed_at = threadproc->info.started_at + launch_info_uptime(&threadproc->info);
  const size_t size = sizeof payload.head + crash_text_write(&crash, payload.text);
  if (connection != NULL && program->tell_crash) send_frame(server, connection, WIRE_CRASHED, &payload, size);
  tell_watchers(server, WIRE_WATCH_CRASHES, WIRE_CRASHED, &payload, size);
}

/* Tells its client why, if it has one. */
static void refuse_request(struct tproc_server *server, struct request *request) {
  struct connection *connection = request->connection;
  const struct tproc_error error = request->error;
  const int exit_code = request_exit_code(request);
  part_from_request(connection, request);
  request_free(request);
  if (connection != NULL) fail(server, connection, &error, exit_code);
}

/* Watched before its client learns of it, so that it hears of the end in any case. */
static void begin_running(struct tproc_server *server, struct request *request) {
  struct connection *connection = request->connection;
  struct tproc_threadproc *threadproc = request->threadproc;
  struct client_program *program =
      client_program_open(&server->programs, threadproc, &request->client, connection != NULL ? connection->socket : -1,
                          request->outlive, &request->error);
  if (program == NULL) {
    client_program_release(&server->programs, threadproc);
    refuse_request(server, request);
    return;
  }
  program->tell_crash = request->tell_crash;
  part_from_request(connection, request);
  request_free(request);
  tell_start(server, threadproc);
  if (connection == NULL) {
    client_program_lose_client(&server->programs, program);
    return;
  }
  program->connection = connection;
  connection->program = program;
  const struct wire_started started = {.pid = threadproc->pid};
  connection_enter(&server->connections, connection, CONNECTION_RUNNING);
  connection_send(&server->connections, connection, WIRE_STARTED, &started, sizeof started, threadproc->pidfd);
  settle(server, connection);
}

static void answer(struct tproc_server *server, struct request *request) {
  struct connection *connection = request->connection;
  part_from_request(connection, request);
  if (connection != NULL) {
    send_frame(server, connection, request->answer, request->payload, request->payload_size);
    connection_enter(&server->connections, connection, CONNECTION_READING);
  }
  request_free(request);
}

void dispatch_request_done(struct tproc_server *server, struct request *request) {
  if (request->failed)
    refuse_request(server, request);
  else if (request->threadproc != NULL)
    begin_running(server, request);
  else
    answer(server, request);
}

static void begin_request(struct tproc_server *server, struct connection *connection) {
  struct tproc_error error;
  struct request *request = request_open(&server->requests, &connection->frame, &connection->peer, &error);
  if (request == NULL) {
    fail(server, connection, &error, WIRE_EXIT_NO_HOST);
    return;
  }
  request->connection = connection;
  connection->request = request;
  connection_enter(&server->connections, connection, CONNECTION_WAITING);
  settle(server, connection);
}

/* After the end of the process: then the client is told. */
static void tell_end(struct tproc_server *server, struct connection *connection, const struct tproc_exit *exit) {
  const struct wire_ended ended = {.kind = exit->kind, .status = exit->status};
  send_frame(server, connection, WIRE_ENDED, &ended, sizeof ended);
  connection_end(&server->connections, connection);
}

void dispatch_program_end(struct tproc_server *server, struct client_program *program, bool wait) {
  struct tproc_exit exit;
  struct tproc_error error;
  const int failed = client_program_collect(&server->programs, program, wait, &exit, &error);
  if (failed == -EAGAIN) return;
  struct connection *connection = program->connection;
  part_from_program(connection, program);
  if (connection != NULL) connection_enter(&server->connections, connection, CONNECTION_READING);
  tell_exec(server, program);
  tell_crash(server, connection, program);
  /* The client is told first: the release may keep a CPU busy that the client waits for. */
  if (connection != NULL && failed) /* another process has collected it */
    fail(server, connection, &error, WIRE_EXIT_NO_HOST);
  else if (connection != NULL)
    tell_end(server, connection, &exit);
  tell_end_to_watchers(server, program->threadproc, failed ? NULL : &exit);
  client_program_release(&server->programs, program->threadproc);
}

/* A client that is lost meanwhile detaches its program, which then has no more news. */
static void tell_news(struct tproc_server *server, struct client_program *program) {
  enum client_program_news news;
  int signal;
  while ((news = client_program_next(program, &signal)) != CLIENT_PROGRAM_NO_NEWS) {
    const struct wire_stopped stopped = {.signal = signal};
    if (news == CLIENT_PROGRAM_HAS_STOPPED)
      send_frame(server, program->connection, WIRE_STOPPED, &stopped, sizeof stopped);
    else
      send_frame(server, program->connection, WIRE_CONTINUED, NULL, 0);
  }
}

static void tick_program(struct tproc_server *server, struct client_program *program, uint64_t now) {
  const bool is_due = client_program_tick(program, now);
  if (is_due || program->state == CLIENT_PROGRAM_DETACHED) tell_exec(server, program);
  if (!is_due) return;
  if (program->state == CLIENT_PROGRAM_ENDED)
    dispatch_program_end(server, program, false);
  else
    tell_news(server, program);
}

/* From now on the client hears of all that starts and ends. */
static void begin_watching(struct tproc_server *server, struct connection *connection) {
  struct wire_watch watch;
  struct tproc_error error;
  char problem[WIRE_PROBLEM_SIZE] = "";
  const bool is_right = wire_watch_read(connection->frame.payload, connection->frame.got, &watch, problem);
  frame_release(&connection->frame);
  if (!is_right) {
    tproc_fail_because(&error, EPROTO, "%s", problem);
    fail(server, connection, &error, WIRE_EXIT_NO_HOST);
    return;
  }
  connection->watched = watch.wanted;
  connection_enter(&server->connections, connection, CONNECTION_WATCHING);
  send_frame(server, connection, WIRE_DONE, NULL, 0);
}

/* The file's number is the same in both of the host's tables. */
static void attach_client(struct tproc_server *server, struct connection *connection) {
  const struct shared_range *range = &server->requests.host->range;
  struct tproc_error error;
  frame_release(&connection->frame);
  if (host_check_range(server->requests.host, &error) != 0) {
    fail(server, connection, &error, WIRE_EXIT_NO_HOST);
    return;
  }
  const struct wire_attached attached = {.address = (uint64_t)range->view.share, .size = range->view.share->size};
  connection_send(&server->connections, connection, WIRE_ATTACHED, &attached, sizeof attached, range->file);
  settle(server, connection);
}

/* While a program runs, its client may only ask to look at it; who watches, nothing; without either, anything else. */
static void handle_frame(struct tproc_server *server, struct connection *connection) {
  struct tproc_error error;
  struct client_program *program = connection->program;
  const uint16_t type = connection->frame.header.type;
  if (connection->state == CONNECTION_WATCHING) {
    tproc_fail_because(&error, EPROTO, "a frame of type %u from a client that watches", type);
    fail(server, connection, &error, WIRE_EXIT_NO_HOST);
  } else if (program == NULL && type == WIRE_WATCH) {
    begin_watching(server, connection);
  } else if (program == NULL && type == WIRE_ATTACH) {
    attach_client(server, connection);
  } else if (program == NULL && request_is_type(type)) {
    begin_request(server, connection);
  } else if (program != NULL && type == WIRE_LOOK) {
    const uint64_t now = clock_milliseconds();
    frame_release(&connection->frame);
    client_program_look_closely(program, now);
    tick_program(server, program, now);
  } else {
    tproc_fail_because(&error, EPROTO, "a frame of type %u while %s program runs", type, program != NULL ? "a" : "no");
    fail(server, connection, &error, WIRE_EXIT_NO_HOST);
  }
}

void dispatch_connection_event(struct tproc_server *server, struct connection *connection, uint32_t events) {
  if (connection_event(&server->connections, connection, events))
    handle_frame(server, connection);
  else
    settle(server, connection);
}

/* Each may close itself, so the next is known before. */
void dispatch_tick(struct tproc_server *server, uint64_t now) {
  for (struct connection *each = server->connections.first, *next; each != NULL; each = next) {
    next = each->next;
    connection_tick(&server->connections, each, now);
    settle(server, each);
  }
  for (struct request *each = server->requests.first, *next; each != NULL; each = next) {
    next = each->next;
    if (request_tick(each, now)) refuse_request(server, each);
  }
  for (struct client_program *each = server->programs.first, *next; each != NULL; each = next) {
    next = each->next;
    tick_program(server, each, now);
  }
}

void dispatch_fail_all(struct tproc_server *server, const struct tproc_error *error) {
  while (server->connections.first != NULL) {
    struct connection *connection = server->connections.first;
    connection_fail(&server->connections, connection, error, WIRE_EXIT_NO_HOST);
    connection_close(&server->connections, connection);
    settle(server, connection);
  }
}
