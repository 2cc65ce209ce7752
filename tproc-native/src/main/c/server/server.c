#include "server/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/executor.h"
#include "base/thread.h"
#include "base/wake.h"
#include "host/host.h"
#include "host/pass_descriptors.h"
#include "host/threadproc.h"
#include "server/dispatch.h"

#define EVENTS_AT_ONCE 64
#define TICK_MILLISECONDS 250

/* Paths and messages on its stack; a sanitizer wants three times as much. */
#define SERVER_STACK_SIZE (512u << 10)

/* Lists, signals and releases: a few at once, so that one that takes long does not keep the others waiting. */
#define HELPERS 4

/* Threads that close what clients have passed, and how long the end of the server waits for them. */
#define CLOSERS 64
#define CLOSERS_MILLISECONDS 500

const struct server_options server_default_options = {.request_milliseconds = 10000,
                                                      .queue_milliseconds = 30000,
                                                      .hangup_milliseconds = 2000,
                                                      .launches_max = 64,
                                                      .connections_max = 4096,
                                                      .bytes_max = 256u << 20,
                                                      .launch = launch_for};

static void handle_news(struct tproc_server *server) {
  wake_take(server->news);
  struct work *work;
  while ((work = workers_take_done(&server->requests.launchers)) != NULL)
    dispatch_request_done(server, (struct request *)work);
  while ((work = workers_take_done(&server->requests.helpers)) != NULL)
    dispatch_request_done(server, (struct request *)work);
}

static void handle(struct tproc_server *server, const struct epoll_event *event) {
  switch (*(const enum watch *)event->data.ptr) {
    case WATCH_SOCKET:
      acceptor_accept(&server->acceptor);
      break;
    case WATCH_NEWS:
      handle_news(server);
      break;
    case WATCH_CONNECTION:
      dispatch_connection_event(server, event->data.ptr, event->events);
      break;
    case WATCH_CLIENT_PROGRAM:
      dispatch_program_end(server, event->data.ptr, false);
      break;
  }
}

/* After the round: what was closed may have been in a later event of it. */
static void free_gone(struct tproc_server *server) {
  connections_free_gone(&server->connections);
  client_programs_free_gone(&server->programs);
}

static void tick(struct tproc_server *server) {
  const uint64_t now = clock_milliseconds();
  acceptor_tick(&server->acceptor, now);
  dispatch_tick(server, now);
}

/* In milliseconds; -1: without clients and programs there is nothing to do but to wait for events. */
static int next_timeout(const struct tproc_server *server) {
  const unsigned quarter = server->options.request_milliseconds / 4;
  const uint64_t now = clock_milliseconds();
  uint64_t next = UINT64_MAX;
  if (server->connections.first != NULL || acceptor_is_waiting(&server->acceptor))
    next = now + (quarter < TICK_MILLISECONDS ? quarter : TICK_MILLISECONDS);
  for (const struct client_program *each = server->programs.first; each != NULL; each = each->next) {
    const uint64_t due = client_program_due(each);
    if (due < next) next = due;
  }
  if (next == UINT64_MAX) return -1;
  return next > now ? (int)(next - now) : 0;
}

/* The set itself has failed, which should not happen: better to say so and to end than to be deaf. */
static void end_deaf(struct tproc_server *server, int code) {
  struct tproc_error error;
  tproc_fail(&error, code, "the host's listening thread failed: epoll_wait");
  dispatch_fail_all(server, &error);
  server_socket_close(&server->socket);
}

static void kill_programs(struct tproc_server *server) {
  for (struct client_program *each = server->programs.first; each != NULL; each = each->next)
    threadproc_signal(each->threadproc, SIGKILL, NULL);
}

static void tell_clients(struct tproc_server *server) {
  struct tproc_error error;
  tproc_fail_because(&error, ESHUTDOWN, "the host has ended");
  dispatch_fail_all(server, &error);
}

/* First all that is quick: a launch that hangs keeps only the rest waiting. */
static void end(struct tproc_server *server) {
  acceptor_accept(&server->acceptor); /* clients that wait there are to be told, too */
  server_socket_close(&server->socket);
  kill_programs(server);
  tell_clients(server);
  workers_stop(&server->requests.launchers);
  handle_news(server); /* what was launched meanwhile has no client any more */
  kill_programs(server);
  while (server->programs.first != NULL) dispatch_program_end(server, server->programs.first, true);
  workers_stop(&server->requests.helpers);
  handle_news(server);
  free_gone(server);
  workers_release(&server->requests.helpers);
  workers_release(&server->requests.launchers);
  detached_workers_leave(server->closers, CLOSERS_MILLISECONDS);
}

static void *serve(void *argument) {
  struct tproc_server *server = argument;
  struct epoll_event events[EVENTS_AT_ONCE];
  while (!__atomic_load_n(&server->stopping, __ATOMIC_ACQUIRE)) {
    const int count = epoll_wait(server->events, events, EVENTS_AT_ONCE, next_timeout(server));
    if (count < 0 && errno != EINTR) {
      end_deaf(server, errno);
      break;
    }
    for (int i = 0; i < count; i++) handle(server, &events[i]);
    tick(server);
    free_gone(server);
  }
  end(server);
  return NULL;
}

static int open_events(struct tproc_server *server, struct tproc_error *error) {
  static const enum watch watch = WATCH_NEWS;
  server->events = epoll_create1(EPOLL_CLOEXEC);
  if (server->events < 0) return tproc_fail(error, errno, "epoll_create1");
  server->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (server->news < 0) return tproc_fail(error, errno, "eventfd");
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = (void *)&watch};
  if (epoll_ctl(server->events, EPOLL_CTL_ADD, server->news, &event) != 0) return tproc_fail(error, errno, "epoll_ctl");
  return 0;
}

static int open_parts(struct tproc_server *server, struct tproc_error *error) {
  const struct server_options *options = &server->options;
  struct workers *helpers = &server->requests.helpers;
  server->connections = (struct connections){
      .events = server->events, .options = options, .closers = server->closers, .budget.max = options->bytes_max};
  server->programs = (struct client_programs){.events = server->events, .options = options, .helpers = helpers};
  server->requests.host = server->host;
  server->requests.options = options;
  server->requests.closers = server->closers;
  return acceptor_open(&server->acceptor, server->events, &server->socket, &server->connections, error);
}

static void release(void *argument) {
  struct tproc_server *server = argument;
  server_socket_close(&server->socket);
  acceptor_close(&server->acceptor);
  if (server->news >= 0) close(server->news);
  if (server->events >= 0) close(server->events);
  free(server);
}

static int start_closers(struct tproc_server *server, struct tproc_error *error) {
  const int failed = detached_workers_open(&server->closers, &(struct detached_limits){CLOSERS, CLOSERS});
  return failed ? tproc_fail(error, -failed, "start a thread that closes descriptors (limit on threads)") : 0;
}

static int start_threads(struct tproc_server *server, struct tproc_error *error) {
  int failed = workers_open(&server->requests.launchers, server->options.launches_max, 0, server->news, error);
  if (failed) return failed;
  failed = workers_open(&server->requests.helpers, HELPERS, 1, server->news, error);
  if (!failed) {
    failed = thread_start(&server->thread, SERVER_STACK_SIZE, "tproc-server", serve, server);
    if (!failed) return 0;
    tproc_fail(error, -failed, "start the listening thread (limit on threads)");
    workers_stop(&server->requests.helpers);
    workers_release(&server->requests.helpers);
  }
  workers_stop(&server->requests.launchers);
  workers_release(&server->requests.launchers);
  return failed;
}

struct opening {
  struct tproc_host *host;
  const char *path; /* NULL: descriptor is a socket, in the host's table */
  int descriptor;   /* -1: none, or the server has it */
  const struct server_options *options;
  struct tproc_server **server;
  struct tproc_error *error;
  int result;
};

static const char *name_of(const struct opening *opening) {
  return opening->path != NULL ? opening->path : "the inherited socket";
}

static int open_socket(struct server_socket *socket, struct opening *opening) {
  if (opening->path != NULL) return server_socket_open(socket, opening->path, opening->error);
  const int descriptor = opening->descriptor;
  opening->descriptor = -1;
  return server_socket_adopt(socket, descriptor, opening->error);
}

static int open_in_host(struct opening *opening) {
  struct tproc_error *error = opening->error;
  struct tproc_server *server = calloc(1, sizeof *server);
  if (server == NULL) return tproc_fail(error, ENOMEM, "cannot listen at %s", name_of(opening));
  server->host = opening->host;
  server->options = *opening->options;
  server->events = server->news = server->acceptor.spare = -1;
  int failed = open_socket(&server->socket, opening);
  if (!failed) {
    failed = open_events(server, error);
    if (!failed) failed = start_closers(server, error);
    if (!failed) failed = open_parts(server, error);
    if (!failed) failed = start_threads(server, error);
    if (failed && server->closers != NULL) detached_workers_leave(server->closers, CLOSERS_MILLISECONDS);
    if (failed) tproc_error_prefix(error, "cannot listen at %s: ", name_of(opening));
  }
  if (failed) {
    release(server);
    return failed;
  }
  *opening->server = server;
  return 0;
}

static void run_opening(void *argument) {
  struct opening *opening = argument;
  opening->result = open_in_host(opening);
}

/* On a thread of its own: a file system may not answer. */
static int open_apart(struct opening *opening) {
  const int failed = executor_call_apart(&opening->host->executor, run_opening, opening);
  if (!failed) return opening->result;
  return tproc_fail(opening->error, -failed, "cannot listen at %s: start a thread (limit on threads)",
                    name_of(opening));
}

int server_open(struct tproc_host *host, const char *path, const struct server_options *options,
                struct tproc_server **server, struct tproc_error *error) {
  struct opening opening = {
      .host = host, .path = path, .descriptor = -1, .options = options, .server = server, .error = error};
  return open_apart(&opening);
}

/* On the host's thread, which must not wait for its file system. */
static void close_left(void *argument) {
  const struct opening *opening = argument;
  if (opening->descriptor >= 0) deferred_close(&opening->host->broker.deferred, NULL, opening->descriptor);
}

int tproc_server_open_inherited(struct tproc_host *host, int descriptor, struct tproc_server **server,
                                struct tproc_error *error) {
  struct opening opening = {
      .host = host, .descriptor = descriptor, .options = &server_default_options, .server = server, .error = error};
  int failed = host_pass_descriptors(host, &opening.descriptor, 1);
  if (failed) return tproc_fail(error, -failed, "cannot listen at descriptor %d: hand it to the host", descriptor);
  failed = open_apart(&opening);
  executor_call(&host->executor, close_left, &opening);
  return failed;
}

const char *tproc_server_path(const struct tproc_server *server) { return server->socket.path; }

int tproc_server_open(struct tproc_host *host, const char *path, struct tproc_server **server,
                      struct tproc_error *error) {
  return server_open(host, path, &server_default_options, server, error);
}

static void ask_to_stop(void *argument) {
  struct tproc_server *server = argument;
  __atomic_store_n(&server->stopping, true, __ATOMIC_RELEASE);
  wake_ring(server->news);
}

void tproc_server_close(struct tproc_server *server) {
  struct tproc_host *host = server->host;
  executor_call(&host->executor, ask_to_stop, server);
  pthread_join(server->thread, NULL);
  executor_call(&host->executor, release, server);
}
