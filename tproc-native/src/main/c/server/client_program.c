#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/list.h"
#include "base/process_state.h"
#include "host/threadproc.h"
#include "server/server.h"

#define LOOK_MILLISECONDS 250
#define LOOK_CLOSELY_MILLISECONDS 5
#define LOOK_CLOSELY_FOR 500

/*
 * The client's process, also when it has ended by now. Kernels before 6.5 find it by its pid alone, which might be
 * somebody else's already.
 */
static int open_launcher(int socket, pid_t pid) {
  int pidfd = -1;
  socklen_t size = sizeof pidfd;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0) return pidfd;
  return errno == ENOPROTOOPT ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

int client_program_open(struct tproc_server *server, struct tproc_threadproc *threadproc, struct connection *connection,
                        const struct launch_client *launcher, bool outlive, struct tproc_error *error) {
  struct client_program *program = calloc(1, sizeof *program);
  if (program == NULL) return tproc_fail(error, ENOMEM, "watch threadproc %d", threadproc->pid);
  program->watch = WATCH_CLIENT_PROGRAM;
  program->threadproc = threadproc;
  program->connection = connection;
  program->outlive = outlive;
  program->launcher = launcher->pid;
  program->launcher_pidfd = connection != NULL ? open_launcher(connection->socket, launcher->pid) : -1;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = program};
  if (epoll_ctl(server->events, EPOLL_CTL_ADD, threadproc->pidfd, &event) != 0) {
    const int failed = tproc_fail(error, errno, "watch threadproc %d", threadproc->pid);
    if (program->launcher_pidfd >= 0) close(program->launcher_pidfd);
    free(program);
    return failed;
  }
  LIST_PREPEND(server->programs, program);
  if (connection == NULL) {
    client_program_lose_client(server, program);
    return 0;
  }
  connection->program = program;
  const struct wire_started started = {.pid = threadproc->pid};
  connection_send(server, connection, WIRE_STARTED, &started, sizeof started, threadproc->pidfd);
  return 0;
}

struct release {
  struct work work;
  struct tproc_threadproc *threadproc;
};

static void release(struct work *work) {
  struct release *released = (struct release *)work;
  struct tproc_exit exit;
  if (!released->threadproc->collected) {
    tproc_threadproc_signal(released->threadproc, SIGKILL, NULL);
    threadproc_collect(released->threadproc, true, &exit, NULL);
  }
  tproc_threadproc_close(released->threadproc, NULL);
  free(released);
}

void client_program_release(struct tproc_server *server, struct tproc_threadproc *threadproc) {
  struct release *released = calloc(1, sizeof *released);
  /* Without memory it stays a threadproc of the host, whose end releases it. */
  if (released == NULL) return;
  released->work.run = release;
  released->threadproc = threadproc;
  if (workers_submit(&server->helpers, &released->work, NULL) != 0) release(&released->work);
}

static void detach(struct client_program *program) {
  if (program->launcher_pidfd >= 0) close(program->launcher_pidfd);
  program->launcher_pidfd = -1;
  if (program->connection != NULL) program->connection->program = NULL;
  program->connection = NULL;
}

/* Until its exit is collected its pid is its own, and it leads a group of its own. Stopped, it could not hang up. */
void client_program_lose_client(struct tproc_server *server, struct client_program *program) {
  detach(program);
  if (program->gone) return;
  const pid_t group = -program->threadproc->pid;
  if (program->outlive) {
    if (program->held) kill(group, SIGCONT);
    return;
  }
  kill(group, SIGHUP);
  kill(group, SIGCONT);
  program->kill_at = clock_milliseconds() + server->options.hangup_milliseconds;
}

/* 0: *exit; -EAGAIN: it has not ended, or a debugger that holds it sees its end first; or another negative errno */
static int collect(struct tproc_server *server, struct client_program *program, bool wait, struct tproc_exit *exit,
                   struct tproc_error *error) {
  if (!program->uncollected) epoll_ctl(server->events, EPOLL_CTL_DEL, program->threadproc->pidfd, NULL);
  program->uncollected = true;
  return threadproc_collect(program->threadproc, wait, exit, error);
}

static void forget(struct tproc_server *server, struct client_program *program) {
  program->gone = true;
  detach(program);
  LIST_UNLINK(server->programs, program);
  program->next = server->gone_programs;
  server->gone_programs = program;
}

static void tell_end(struct tproc_server *server, struct connection *connection, const struct tproc_exit *exit) {
  const struct wire_ended ended = {.kind = exit->kind, .status = exit->status};
  connection_send(server, connection, WIRE_ENDED, &ended, sizeof ended, -1);
  connection_end(server, connection);
}

void client_program_end(struct tproc_server *server, struct client_program *program, bool wait) {
  if (program->gone) return;
  struct tproc_exit exit;
  struct tproc_error error;
  const int failed = collect(server, program, wait, &exit, &error);
  if (failed == -EAGAIN) return;
  struct connection *connection = program->connection;
  forget(server, program);
  /* The client is told first: the release may keep a CPU busy that the client waits for. */
  if (connection != NULL && failed) /* somebody else has collected it */
    connection_fail(server, connection, &error, WIRE_EXIT_NO_HOST);
  else if (connection != NULL)
    tell_end(server, connection, &exit);
  client_program_release(server, program->threadproc);
}

void client_program_look(struct tproc_server *server, struct client_program *program) {
  const uint64_t now = clock_milliseconds();
  program->look_closely_until = now + LOOK_CLOSELY_FOR;
  program->next_look = now;
  client_program_tick(server, program, now);
}

/* Whoever stops a launcher means its program; the launcher itself cannot do it any more. */
static void follow_launcher(struct client_program *program) {
  if (program->launcher_pidfd < 0) return;
  const char state = process_state(program->launcher);
  /* Only if the process is still there was it its state that we saw. */
  if (syscall(SYS_pidfd_send_signal, program->launcher_pidfd, 0, NULL, 0) != 0) return;
  const bool stopped = state == 'T';
  if (stopped == program->launcher_stopped) return;
  program->launcher_stopped = stopped;
  if (stopped && !program->stopped) { /* otherwise the launcher stopped because its program had */
    program->held = true;
    tproc_threadproc_signal(program->threadproc, SIGSTOP, NULL);
  } else if (!stopped && program->held) {
    program->held = false;
    tproc_threadproc_signal(program->threadproc, SIGCONT, NULL);
  }
}

/* A stop that is our own doing is not told: the launcher would stop once more as soon as it is continued. */
static void tell(struct tproc_server *server, struct client_program *program, const siginfo_t *info) {
  if (info->si_code == CLD_CONTINUED) {
    if (!program->stopped) return;
    program->stopped = false;
    connection_send(server, program->connection, WIRE_CONTINUED, NULL, 0, -1);
  } else if (!program->held) {
    const struct wire_stopped stopped = {.signal = info->si_status};
    program->stopped = true;
    connection_send(server, program->connection, WIRE_STOPPED, &stopped, sizeof stopped, -1);
  }
}

static void look(struct tproc_server *server, struct client_program *program) {
  follow_launcher(program);
  while (program->connection != NULL) {
    siginfo_t info = {0};
    const int result =
        waitid((idtype_t)P_PIDFD, (id_t)program->threadproc->pidfd, &info, WSTOPPED | WCONTINUED | WNOHANG | __WALL);
    if (result != 0 || info.si_pid == 0) return;
    tell(server, program, &info);
  }
}

void client_program_tick(struct tproc_server *server, struct client_program *program, uint64_t now) {
  if (program->kill_at != 0 && now >= program->kill_at) {
    program->kill_at = 0;
    tproc_threadproc_signal(program->threadproc, SIGKILL, NULL);
  }
  if (program->uncollected) {
    client_program_end(server, program, false);
    return;
  }
  if (program->connection == NULL || now < program->next_look) return;
  program->next_look = now + (now < program->look_closely_until ? LOOK_CLOSELY_MILLISECONDS : LOOK_MILLISECONDS);
  look(server, program);
}
