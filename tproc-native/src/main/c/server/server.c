#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"
#include "base/wake.h"
#include "host/threadproc.h"

#define EVENTS_AT_ONCE 64
#define TICK_MILLISECONDS 250

/* Paths and messages on its stack; a sanitizer wants three times as much. */
#define SERVER_STACK_SIZE (512u << 10)

/* Lists, signals and releases: a few at once, so that one that takes long does not keep the others waiting. */
#define HELPERS 4

const struct server_options server_default_options = {.request_milliseconds = 10000,
                                                      .queue_milliseconds = 30000,
                                                      .hangup_milliseconds = 2000,
                                                      .most_launches = 64,
                                                      .most_connections = 4096,
                                                      .launch = launch_for};

static void handle_news(struct tproc_server *server) {
  wake_take(server->news);
  struct work *work;
  while ((work = workers_take_done(&server->launchers)) != NULL) request_done(server, (struct request *)work);
  while ((work = workers_take_done(&server->helpers)) != NULL) request_done(server, (struct request *)work);
}

static void handle(struct tproc_server *server, const struct epoll_event *event) {
  switch (*(const enum watch *)event->data.ptr) {
    case WATCH_SOCKET:
      server_accept(server);
      break;
    case WATCH_NEWS:
      handle_news(server);
      break;
    case WATCH_CONNECTION:
      connection_event(server, event->data.ptr, event->events);
      break;
    case WATCH_CLIENT_PROGRAM:
      client_program_end(server, event->data.ptr, false);
      break;
  }
}

/* What was closed may have been in a later event of the same round. */
static void free_gone(struct tproc_server *server) {
  while (server->gone_connections != NULL) {
    struct connection *connection = server->gone_connections;
    server->gone_connections = connection->next;
    free(connection);
  }
  while (server->gone_programs != NULL) {
    struct client_program *program = server->gone_programs;
    server->gone_programs = program->next;
    free(program);
  }
}

/* Each may close itself, so the next is known before. */
static void tick(struct tproc_server *server) {
  const uint64_t now = clock_milliseconds();
  server_accept_tick(server, now);
  for (struct connection *each = server->connections, *next; each != NULL; each = next) {
    next = each->next;
    connection_tick(server, each, now);
  }
  for (struct request *each = server->requests, *next; each != NULL; each = next) {
    next = each->next;
    request_tick(server, each, now);
  }
  for (struct client_program *each = server->programs, *next; each != NULL; each = next) {
    next = each->next;
    client_program_tick(server, each, now);
  }
}

/* Nothing to do but to wait for events, when nobody is connected and nobody is to be killed. */
static int next_timeout(const struct tproc_server *server) {
  bool needed = server->connections != NULL || !server->accepting || server->spare < 0;
  const unsigned quarter = server->options.request_milliseconds / 4;
  const uint64_t now = clock_milliseconds();
  uint64_t next = now + (quarter < TICK_MILLISECONDS ? quarter : TICK_MILLISECONDS);
  for (const struct client_program *each = server->programs; each != NULL; each = each->next) {
    if (each->kill_at != 0 && each->kill_at < next) next = each->kill_at;
    if (each->connection != NULL && each->next_look < next) next = each->next_look;
    needed = needed || each->connection != NULL || each->kill_at != 0 || each->uncollected;
  }
  if (!needed) return -1;
  return next > now ? (int)(next - now) : 0;
}

/* The set itself has failed, which should not happen: better to say so and to end than to be deaf. */
static void fail_all(struct tproc_server *server, int code) {
  struct tproc_error error;
  tproc_fail(&error, code, "the host's listening thread failed: epoll_wait");
  while (server->connections != NULL) connection_fail(server, server->connections, &error, WIRE_EXIT_NO_HOST);
  server_socket_close(&server->socket);
}

static void *serve(void *argument) {
  struct tproc_server *server = argument;
  struct epoll_event events[EVENTS_AT_ONCE];
  prctl(PR_SET_NAME, "tproc-server");
  while (!__atomic_load_n(&server->stopping, __ATOMIC_ACQUIRE)) {
    const int count = epoll_wait(server->events, events, EVENTS_AT_ONCE, next_timeout(server));
    if (count < 0 && errno != EINTR) {
      fail_all(server, errno);
      break;
    }
    for (int i = 0; i < count; i++) handle(server, &events[i]);
    tick(server);
    free_gone(server);
  }
  return NULL;
}

static int open_events(struct tproc_server *server, struct tproc_error *error) {
  static const enum watch watch = WATCH_NEWS;
  server->events = epoll_create1(EPOLL_CLOEXEC);
  if (server->events < 0) return tproc_fail(error, errno, "epoll_create1");
  server->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (server->news < 0) return tproc_fail(error, errno, "eventfd");
  server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (server->spare < 0) return tproc_fail(error, errno, "open /dev/null");
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = (void *)&watch};
  if (epoll_ctl(server->events, EPOLL_CTL_ADD, server->news, &event) != 0) return tproc_fail(error, errno, "epoll_ctl");
  return 0;
}

static void release(struct tproc_server *server) {
  server_socket_close(&server->socket);
  if (server->spare >= 0) close(server->spare);
  if (server->news >= 0) close(server->news);
  if (server->events >= 0) close(server->events);
  free(server);
}

static int start_threads(struct tproc_server *server, struct tproc_error *error) {
  int failed = workers_open(&server->launchers, server->options.most_launches, 0, server->news, error);
  if (failed) return failed;
  failed = workers_open(&server->helpers, HELPERS, 1, server->news, error);
  if (!failed) {
    failed = thread_start(&server->thread, SERVER_STACK_SIZE, serve, server);
    if (!failed) return 0;
    tproc_fail(error, -failed, "start the listening thread (limit on threads)");
    workers_stop(&server->helpers);
    workers_release(&server->helpers);
  }
  workers_stop(&server->launchers);
  workers_release(&server->launchers);
  return failed;
}

int server_open(struct tproc_host *host, const char *path, const struct server_options *options,
                struct tproc_server **result, struct tproc_error *error) {
  struct tproc_server *server = calloc(1, sizeof *server);
  if (server == NULL) return tproc_fail(error, ENOMEM, "cannot listen at %s", path);
  server->host = host;
  server->options = *options;
  server->events = server->news = server->spare = -1;
  int failed = server_socket_open(&server->socket, path, error);
  if (!failed) {
    failed = open_events(server, error);
    if (!failed) failed = server_watch_socket(server, error);
    if (!failed) failed = start_threads(server, error);
    if (failed) tproc_error_prefix(error, "cannot listen at %s: ", path);
  }
  if (failed) {
    release(server);
    return failed;
  }
  *result = server;
  return 0;
}

int tproc_server_open(struct tproc_host *host, const char *path, struct tproc_server **server,
                      struct tproc_error *error) {
  return server_open(host, path, &server_default_options, server, error);
}

static void kill_programs(struct tproc_server *server) {
  for (struct client_program *each = server->programs; each != NULL; each = each->next)
    tproc_threadproc_signal(each->threadproc, SIGKILL, NULL);
}

static void tell_clients(struct tproc_server *server) {
  struct tproc_error error;
  tproc_fail_because(&error, ESHUTDOWN, "the host has ended");
  while (server->connections != NULL) {
    struct connection *connection = server->connections;
    connection_fail(server, connection, &error, WIRE_EXIT_NO_HOST);
    connection_close(server, connection); /* also when it does not read */
  }
}

/* First all that is quick: a launch that hangs keeps only the rest waiting. */
void tproc_server_close(struct tproc_server *server) {
  __atomic_store_n(&server->stopping, true, __ATOMIC_RELEASE);
  wake_ring(server->news);
  pthread_join(server->thread, NULL);
  server_accept(server); /* whoever waits there is to be told, too */
  server_socket_close(&server->socket);
  kill_programs(server);
  tell_clients(server);
  workers_stop(&server->launchers);
  handle_news(server); /* what was launched meanwhile has no client any more */
  kill_programs(server);
  while (server->programs != NULL) client_program_end(server, server->programs, true);
  workers_stop(&server->helpers);
  handle_news(server);
  free_gone(server);
  workers_release(&server->helpers);
  workers_release(&server->launchers);
  release(server);
}
