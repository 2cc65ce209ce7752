#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/wake.h"
#include "host/host.h"
#include "host/threadproc.h"

int tproc_threadproc_watch(struct tproc_threadproc *threadproc, void *context, struct tproc_error *error) {
  threadproc->context = context;
  /* One-shot, so that of several threads in tproc_host_next_exit only one sees an exit. */
  struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = threadproc};
  if (epoll_ctl(threadproc->host->exits, EPOLL_CTL_ADD, threadproc->pidfd, &event) != 0)
    return tproc_fail(error, errno, "watch threadproc %d", threadproc->pid);
  return 0;
}

void tproc_host_wake(struct tproc_host *host) { wake_ring(host->wake); }

int tproc_host_next_exit(struct tproc_host *host, int timeout_milliseconds, struct tproc_exit *exit,
                         struct tproc_error *error) {
  struct epoll_event event;
  int ready;
  do {
    ready = epoll_wait(host->exits, &event, 1, timeout_milliseconds);
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return tproc_fail(error, errno, "wait for the next exit");
  if (ready == 0) return 0;
  if (event.data.ptr == NULL) {
    wake_take(host->wake);
    return broker_take_report(&host->broker, error);
  }
  const int failed = threadproc_collect(event.data.ptr, true, exit, error);
  return failed ? failed : 1;
}
