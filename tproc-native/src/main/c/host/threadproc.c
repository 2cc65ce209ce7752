#include "host/threadproc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/error.h"
#include "host/crash_place.h"
#include "host/host.h"
#include "share/accounts.h"
#include "share/reaper.h"

pid_t tproc_threadproc_pid(const struct tproc_threadproc *threadproc) { return threadproc->pid; }

size_t tproc_threadproc_executed(const struct tproc_threadproc *threadproc, const char **words) {
  *words = threadproc->info.executed;
  return threadproc->info.executed_size;
}

int threadproc_signal(struct tproc_threadproc *threadproc, int signal, struct tproc_error *error) {
  int failed = 0;
  pthread_mutex_lock(&threadproc->lock);
  if (threadproc->pidfd < 0)
    failed = tproc_fail(error, ESRCH, "send signal %d to threadproc %d", signal, threadproc->pid);
  else if (syscall(SYS_pidfd_send_signal, threadproc->pidfd, signal, NULL, 0) != 0)
    failed = tproc_fail(error, errno, "send signal %d to threadproc %d", signal, threadproc->pid);
  pthread_mutex_unlock(&threadproc->lock);
  return failed;
}

/* Its exit, with which the tracer goes, is collected by the calling thread. */
void threadproc_hold(struct tproc_threadproc *threadproc) {
  if (threadproc->tracer != NULL)
    tracer_hold(threadproc->tracer, threadproc->pidfd);
  else
    threadproc_signal(threadproc, SIGSTOP, NULL);
}

struct signalling {
  struct tproc_threadproc *threadproc;
  int signal;
  struct tproc_error *error;
  int result;
};

static void send_for(void *argument) {
  struct signalling *signalling = argument;
  signalling->result = threadproc_signal(signalling->threadproc, signalling->signal, signalling->error);
}

int tproc_threadproc_signal(struct tproc_threadproc *threadproc, int signal, struct tproc_error *error) {
  struct signalling signalling = {threadproc, signal, error, 0};
  executor_call(&threadproc->host->executor, send_for, &signalling);
  return signalling.result;
}

static void describe(const siginfo_t *info, struct tproc_threadproc *threadproc, struct tproc_exit *exit) {
  exit->threadproc = threadproc;
  exit->context = threadproc->context;
  exit->kind = info->si_code == CLD_EXITED   ? TPROC_EXITED
               : info->si_code == CLD_DUMPED ? TPROC_CORE_DUMPED
                                             : TPROC_SIGNALLED;
  exit->status = info->si_status;
}

/*
 * Of one whose exit the kernel has thrown away, too: TPROC_STATUS_LOST.
 *
 * @return 0 and *info, -EAGAIN when it still runs, or another negative errno
 */
static int await_end(const struct tproc_threadproc *threadproc, int flags, siginfo_t *info) {
  struct pollfd end = {.fd = threadproc->pidfd, .events = POLLIN};
  int result;
  *info = (siginfo_t){0};
  /* Of one that is traced a wait for its end also takes its stops, which are the tracer's to answer. */
  while ((result = poll(&end, 1, (flags & WNOHANG) != 0 ? 0 : -1)) < 0 && errno == EINTR) continue;
  if (result == 0) return -EAGAIN;
  do {
    result = waitid((idtype_t)P_PIDFD, (id_t)threadproc->pidfd, info, WEXITED | __WALL | flags);
  } while (result != 0 && errno == EINTR);
  if (result != 0 && errno != ECHILD) return -errno;
  if (result == 0) return info->si_pid != 0 ? 0 : -EAGAIN;
  *info = (siginfo_t){.si_code = CLD_EXITED, .si_status = TPROC_STATUS_LOST};
  return 0;
}

/* Before the pid may be another process's: the process has ended, and is still there to be collected. */
static void reap(struct tproc_threadproc *threadproc, int flags) {
  const struct tproc_view *view = &threadproc->host->range.view;
  struct tproc_exit exit;
  siginfo_t info;
  if (view->share == NULL || await_end(threadproc, flags | WNOWAIT, &info) != 0) return;
  describe(&info, threadproc, &exit);
  pthread_mutex_lock(&threadproc->lock);
  reaper_process_ended(view, threadproc->pid, exit.kind == TPROC_EXITED ? exit.status : 256 + exit.status,
                       (uint64_t)threadproc);
  host_waits_note_death(&threadproc->host->waits);
  threadproc->reaped = true;
  pthread_mutex_unlock(&threadproc->lock);
}

/* Before the collection: what has been collected would look like what has executed another program. */
static int look_for_the_last_time(struct tproc_threadproc *threadproc, int flags) {
  if (threadproc->listener == NULL) return 0;
  siginfo_t info;
  const int failed = await_end(threadproc, flags | WNOWAIT, &info);
  if (failed) return failed;
  if (info.si_status != TPROC_STATUS_LOST) broker_look_for_exec(threadproc->listener);
  broker_forget_process(threadproc->listener);
  return 0;
}

/* After the collection: then the tracer's thread ends by itself. */
static void end_tracer(struct tproc_threadproc *threadproc, const struct tproc_exit *exit) {
  if (threadproc->tracer == NULL) return;
  struct tproc_crash crash;
  const bool crashed = tracer_end(threadproc->tracer, exit->kind == TPROC_EXITED ? 0 : exit->status, &crash);
  threadproc->tracer = NULL;
  pthread_mutex_lock(&threadproc->lock);
  threadproc->crashed = crashed;
  if (crashed) threadproc->crash = crash;
  pthread_mutex_unlock(&threadproc->lock);
}

int threadproc_collect(struct tproc_threadproc *threadproc, bool wait, struct tproc_exit *exit,
                       struct tproc_error *error) {
  const int flags = wait ? 0 : WNOHANG;
  siginfo_t info;
  reap(threadproc, flags);
  int failed = look_for_the_last_time(threadproc, flags);
  if (!failed) failed = await_end(threadproc, flags, &info);
  if (failed == -EAGAIN) return failed;
  if (failed) return tproc_fail(error, -failed, "collect the exit of threadproc %d", threadproc->pid);
  describe(&info, threadproc, exit);
  end_tracer(threadproc, exit);
  pthread_mutex_lock(&threadproc->lock);
  /* The spawner may have a duplicate for a moment, and closing alone would leave it in the set. */
  epoll_ctl(threadproc->host->exits, EPOLL_CTL_DEL, threadproc->pidfd, NULL);
  close(threadproc->pidfd);
  threadproc->pidfd = -1;
  threadproc->collected = true;
  launch_info_end(&threadproc->info);
  pthread_mutex_unlock(&threadproc->lock);
  return 0;
}

bool threadproc_has_ended(struct tproc_threadproc *threadproc) {
  pthread_mutex_lock(&threadproc->lock);
  struct pollfd end = {.fd = threadproc->pidfd, .events = POLLIN};
  const bool ended = threadproc->collected || poll(&end, 1, 0) > 0;
  pthread_mutex_unlock(&threadproc->lock);
  return ended;
}

enum tproc_exec tproc_threadproc_exec(struct tproc_threadproc *threadproc) {
  pthread_mutex_lock(&threadproc->lock);
  struct fence_listener *listener = threadproc->listener; /* NULL: it was killed as it started */
  const enum tproc_exec exec = listener != NULL ? broker_exec_of(listener) : TPROC_EXEC_NONE;
  pthread_mutex_unlock(&threadproc->lock);
  return exec == TPROC_EXEC_LEFT && threadproc->spilled ? TPROC_EXEC_SPILLED : exec;
}

/* While it is traced, a wait here would take the tracer's stops, being one of the same process. */
enum threadproc_news threadproc_next_news(struct tproc_threadproc *threadproc, int *signal) {
  if (threadproc->tracer != NULL) {
    switch (tracer_next_news(threadproc->tracer, signal)) {
      case TRACER_NO_NEWS:
        return THREADPROC_NO_NEWS;
      case TRACER_STOPPED:
        return THREADPROC_STOPPED;
      case TRACER_CONTINUED:
        return THREADPROC_CONTINUED;
      case TRACER_HELD:
        return THREADPROC_HELD;
      case TRACER_ENDED:
        break;
    }
  }
  siginfo_t info = {0};
  const int result =
      waitid((idtype_t)P_PIDFD, (id_t)threadproc->pidfd, &info, WSTOPPED | WCONTINUED | WNOHANG | __WALL);
  if (result != 0 || info.si_pid == 0) return THREADPROC_NO_NEWS;
  *signal = info.si_status;
  return info.si_code == CLD_CONTINUED ? THREADPROC_CONTINUED : THREADPROC_STOPPED;
}

int tproc_threadproc_crash(struct tproc_threadproc *threadproc, struct tproc_crash *crash) {
  pthread_mutex_lock(&threadproc->lock);
  const bool crashed = threadproc->crashed;
  if (crashed) *crash = threadproc->crash;
  pthread_mutex_unlock(&threadproc->lock);
  if (crashed) crash_place(threadproc, crash);
  return crashed;
}

int tproc_threadproc_close(struct tproc_threadproc *threadproc, struct tproc_error *error) {
  pthread_mutex_lock(&threadproc->lock);
  const bool collected = threadproc->collected;
  pthread_mutex_unlock(&threadproc->lock);
  if (!collected) return tproc_fail(error, EBUSY, "close threadproc %d, which has not ended", threadproc->pid);
  struct tproc_host *host = threadproc->host;
  const bool low = host_forget(host, threadproc);
  threadproc_free(threadproc);
  host_note_release(host, low);
  return 0;
}

void threadproc_free(struct tproc_threadproc *threadproc) {
  if (threadproc->listener != NULL) broker_detach(&threadproc->host->broker, threadproc->listener);
  if (threadproc->host->range.view.share != NULL) {
    reaper_forget(&threadproc->host->range.view, (uint64_t)threadproc);
    accounts_close(&threadproc->host->range.view, threadproc->account);
  }
  memory_release(&threadproc->memory);
  launch_info_release(&threadproc->info);
  pthread_mutex_destroy(&threadproc->lock);
  free(threadproc);
}
