#include "server/client_program.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/list.h"
#include "base/process_state.h"
#include "host/threadproc.h"

#define LOOK_MILLISECONDS 250
#define LOOK_CLOSELY_MILLISECONDS 5
#define LOOK_CLOSELY_FOR 500

/*
 * The client's process, also when it has ended by now. Kernels before 6.5 find it by its pid alone, which might be
 * another process's already.
 */
static int open_launcher(int socket, pid_t pid) {
  int pidfd = -1;
  socklen_t size = sizeof pidfd;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0) return pidfd;
  return errno == ENOPROTOOPT ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

static void forget_launcher(struct client_program *program) {
  if (program->launcher_pidfd >= 0) close(program->launcher_pidfd);
  program->launcher_pidfd = -1;
}

struct client_program *client_program_open(struct client_programs *programs, struct tproc_threadproc *threadproc,
                                           const struct launch_client *launcher, int socket, bool outlive,
                                           struct tproc_error *error) {
  struct client_program *program = calloc(1, sizeof *program);
  if (program == NULL) {
    tproc_fail(error, ENOMEM, "watch threadproc %d", threadproc->pid);
    return NULL;
  }
  *program = (struct client_program){.watch = WATCH_CLIENT_PROGRAM,
                                     .state = CLIENT_PROGRAM_RUNNING,
                                     .threadproc = threadproc,
                                     .outlive = outlive,
                                     .launcher = launcher->pid,
                                     .launcher_pidfd = socket >= 0 ? open_launcher(socket, launcher->pid) : -1};
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = program};
  if (epoll_ctl(programs->events, EPOLL_CTL_ADD, threadproc->pidfd, &event) != 0) {
    tproc_fail(error, errno, "watch threadproc %d", threadproc->pid);
    forget_launcher(program);
    free(program);
    return NULL;
  }
  LIST_PREPEND(programs->first, program);
  return program;
}

struct release {
  struct work work;
  struct tproc_threadproc *threadproc;
};

static void release(struct work *work) {
  struct release *released = (struct release *)work;
  struct tproc_exit exit;
  if (!released->threadproc->collected) {
    threadproc_signal(released->threadproc, SIGKILL, NULL);
    threadproc_collect(released->threadproc, true, &exit, NULL);
  }
  tproc_threadproc_close(released->threadproc, NULL);
  free(released);
}

void client_program_release(const struct client_programs *programs, struct tproc_threadproc *threadproc) {
  struct release *released = calloc(1, sizeof *released);
  /* Without memory it stays a threadproc of the host, whose end releases it. */
  if (released == NULL) return;
  released->work.run = release;
  released->threadproc = threadproc;
  if (workers_submit(programs->helpers, &released->work, NULL) != 0) release(&released->work);
}

/* Until its exit is collected its pid is its own, and it leads a group of its own. Stopped, it could not hang up. */
void client_program_lose_client(const struct client_programs *programs, struct client_program *program) {
  const bool held = program->state == CLIENT_PROGRAM_HELD;
  const pid_t group = -program->threadproc->pid;
  forget_launcher(program);
  if (program->state == CLIENT_PROGRAM_GONE) return;
  if (program->state != CLIENT_PROGRAM_ENDED) program->state = CLIENT_PROGRAM_DETACHED;
  if (program->outlive) {
    if (held) kill(group, SIGCONT);
    return;
  }
  kill(group, SIGHUP);
  kill(group, SIGCONT);
  program->kill_at = clock_milliseconds() + programs->options->hangup_milliseconds;
}

int client_program_collect(struct client_programs *programs, struct client_program *program, bool wait,
                           struct tproc_exit *exit, struct tproc_error *error) {
  if (program->state == CLIENT_PROGRAM_GONE) return -EAGAIN;
  if (program->state != CLIENT_PROGRAM_ENDED)
    epoll_ctl(programs->events, EPOLL_CTL_DEL, program->threadproc->pidfd, NULL);
  program->state = CLIENT_PROGRAM_ENDED;
  const int failed = threadproc_collect(program->threadproc, wait, exit, error);
  if (failed == -EAGAIN) return failed;
  program->state = CLIENT_PROGRAM_GONE;
  forget_launcher(program);
  LIST_UNLINK(programs->first, program);
  program->next = programs->gone;
  programs->gone = program;
  return failed;
}

void client_program_look_closely(struct client_program *program, uint64_t now) {
  program->look_closely_until = now + LOOK_CLOSELY_FOR;
  program->next_look = now;
}

static bool launcher_is_stopped(enum client_program_state state) {
  return state == CLIENT_PROGRAM_BOTH_STOPPED || state == CLIENT_PROGRAM_AHEAD || state == CLIENT_PROGRAM_HELD;
}

static void launcher_stops(struct client_program *program) {
  if (program->state == CLIENT_PROGRAM_STOPPED) { /* the launcher stopped because its program had */
    program->state = CLIENT_PROGRAM_BOTH_STOPPED;
    return;
  }
  program->state = CLIENT_PROGRAM_HELD;
  threadproc_hold(program->threadproc);
}

/* What has come of our own SIGSTOP. Untraced, the kernel forgets it at the SIGCONT; a tracer may tell of it later. */
static void forget_news(struct client_program *program) {
  int signal;
  while (threadproc_next_news(program->threadproc, &signal) != THREADPROC_NO_NEWS) continue;
}

static void launcher_continues(struct client_program *program) {
  const bool held = program->state == CLIENT_PROGRAM_HELD;
  if (held) forget_news(program);
  program->state = program->state == CLIENT_PROGRAM_BOTH_STOPPED ? CLIENT_PROGRAM_STOPPED : CLIENT_PROGRAM_RUNNING;
  if (held) threadproc_signal(program->threadproc, SIGCONT, NULL);
}

/* Only the host sees that a launcher was stopped by SIGSTOP: the launcher itself can do nothing about it any more. */
static void follow_launcher(struct client_program *program) {
  if (program->launcher_pidfd < 0) return;
  const char state = process_state(program->launcher);
  /* Only if the process is still there was it its state that we saw. */
  if (syscall(SYS_pidfd_send_signal, program->launcher_pidfd, 0, NULL, 0) != 0) return;
  const bool stopped = state == 'T';
  if (stopped == launcher_is_stopped(program->state)) return;
  if (stopped)
    launcher_stops(program);
  else
    launcher_continues(program);
}

bool client_program_tick(struct client_program *program, uint64_t now) {
  if (program->kill_at != 0 && now >= program->kill_at) {
    program->kill_at = 0;
    threadproc_signal(program->threadproc, SIGKILL, NULL);
  }
  if (program->state == CLIENT_PROGRAM_DETACHED || now < program->next_look) return false;
  program->next_look = now + (now < program->look_closely_until ? LOOK_CLOSELY_MILLISECONDS : LOOK_MILLISECONDS);
  if (program->state != CLIENT_PROGRAM_ENDED) follow_launcher(program);
  return true;
}

uint64_t client_program_due(const struct client_program *program) {
  const uint64_t look = program->state == CLIENT_PROGRAM_DETACHED ? UINT64_MAX : program->next_look;
  return program->kill_at != 0 && program->kill_at < look ? program->kill_at : look;
}

/* A stop that is our own doing is not told: the launcher would stop once more as soon as it is continued. */
static enum client_program_news note_stop(struct client_program *program) {
  if (program->state == CLIENT_PROGRAM_HELD) return CLIENT_PROGRAM_NO_NEWS;
  program->state = launcher_is_stopped(program->state) ? CLIENT_PROGRAM_BOTH_STOPPED : CLIENT_PROGRAM_STOPPED;
  return CLIENT_PROGRAM_HAS_STOPPED;
}

/* Who continues the program means its launcher, too, which has stopped with it and hears of nothing. */
static enum client_program_news note_continuation(struct client_program *program) {
  if (program->state != CLIENT_PROGRAM_STOPPED && program->state != CLIENT_PROGRAM_BOTH_STOPPED)
    return CLIENT_PROGRAM_NO_NEWS;
  const bool alone = program->launcher_pidfd >= 0 && process_state(program->launcher) == 'T';
  program->state = alone ? CLIENT_PROGRAM_AHEAD : CLIENT_PROGRAM_RUNNING;
  if (alone) syscall(SYS_pidfd_send_signal, program->launcher_pidfd, SIGCONT, NULL, 0);
  return CLIENT_PROGRAM_HAS_CONTINUED;
}

enum client_program_news client_program_next(struct client_program *program, int *signal) {
  while (program->state < CLIENT_PROGRAM_DETACHED) {
    const enum threadproc_news change = threadproc_next_news(program->threadproc, signal);
    if (change == THREADPROC_NO_NEWS) break;
    if (change == THREADPROC_HELD) continue;
    const enum client_program_news news =
        change == THREADPROC_CONTINUED ? note_continuation(program) : note_stop(program);
    if (news != CLIENT_PROGRAM_NO_NEWS) return news;
  }
  return CLIENT_PROGRAM_NO_NEWS;
}

void client_programs_free_gone(struct client_programs *programs) {
  while (programs->gone != NULL) {
    struct client_program *program = programs->gone;
    programs->gone = program->next;
    free(program);
  }
}
