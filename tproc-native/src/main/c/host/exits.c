#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/wake.h"
#include "host/host.h"
#include "host/threadproc.h"

struct watching {
  struct tproc_threadproc *threadproc;
  struct tproc_error *error;
  int result;
};

static void watch(void *argument) {
  struct watching *watching = argument;
  struct tproc_threadproc *threadproc = watching->threadproc;
  /* One-shot, so that of several threads in tproc_host_next_exit only one sees an exit. */
  struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = threadproc};
  if (epoll_ctl(threadproc->host->exits, EPOLL_CTL_ADD, threadproc->pidfd, &event) != 0)
    watching->result = tproc_fail(watching->error, errno, "watch threadproc %d", threadproc->pid);
}

int tproc_threadproc_watch(struct tproc_threadproc *threadproc, void *context, struct tproc_error *error) {
  struct watching watching = {.threadproc = threadproc, .error = error};
  threadproc->context = context;
  executor_call(&threadproc->host->executor, watch, &watching);
  return watching.result;
}

void tproc_host_wake(struct tproc_host *host) { wake_ring(host->wake); }

struct collecting {
  struct tproc_host *host;
  struct tproc_threadproc *threadproc; /* NULL: whichever of those that are held */
  struct tproc_exit *exit;
  struct tproc_error *error;
  int result;
};

static void collect(void *argument) {
  struct collecting *collecting = argument;
  struct tproc_threadproc *threadproc = collecting->threadproc;
  collecting->result = threadproc_collect(threadproc, false, collecting->exit, collecting->error);
  const bool held = collecting->result == -EAGAIN;
  if (held == threadproc->held) return;
  threadproc->held = held;
  __atomic_add_fetch(&collecting->host->held, held ? 1 : -1, __ATOMIC_RELAXED);
}

static void collect_held(void *argument) {
  struct collecting *collecting = argument;
  struct tproc_threadproc *each = host_pin_next(collecting->host, NULL);
  collecting->result = -EAGAIN;
  while (each != NULL) {
    collecting->threadproc = each;
    if (each->held) collect(collecting);
    if (collecting->result != -EAGAIN) {
      host_unpin(collecting->host, each);
      return;
    }
    each = host_pin_next(collecting->host, each);
  }
}

/* How often those are looked at that have ended and may not be collected yet. */
#define LOOK_MILLISECONDS 250

/* @return how many: 1 and the event, 0 when nothing has happened within the time; or a negative errno */
static int await_event(struct tproc_host *host, int milliseconds, struct epoll_event *event) {
  int ready;
  do {
    ready = epoll_wait(host->exits, event, 1, milliseconds);
  } while (ready < 0 && errno == EINTR);
  return ready < 0 ? -errno : ready;
}

/* The part of the time left that is waited for at a stretch. */
static int stretch(const struct tproc_host *host, int left) {
  const bool any_held = __atomic_load_n(&host->held, __ATOMIC_RELAXED) > 0;
  return any_held && (left < 0 || left > LOOK_MILLISECONDS) ? LOOK_MILLISECONDS : left;
}

int tproc_host_next_exit(struct tproc_host *host, int timeout_milliseconds, struct tproc_exit *exit,
                         struct tproc_error *error) {
  for (int left = timeout_milliseconds;;) {
    struct epoll_event event = {0};
    const int wait = stretch(host, left);
    const int ready = await_event(host, wait, &event);
    if (ready < 0) return tproc_fail(error, -ready, "wait for the next exit");
    if (ready > 0 && event.data.ptr == NULL) {
      wake_take(host->wake);
      return broker_take_report(&host->broker, error);
    }
    struct collecting collecting = {host, event.data.ptr, exit, error, -EAGAIN};
    if (ready > 0)
      executor_call(&host->executor, collect, &collecting);
    else if (__atomic_load_n(&host->held, __ATOMIC_RELAXED) > 0)
      executor_call(&host->executor, collect_held, &collecting);
    if (collecting.result != -EAGAIN) return collecting.result ? collecting.result : 1;
    if (ready == 0 && left == wait) return 0;
    if (ready == 0 && left > 0) left -= wait;
  }
}
