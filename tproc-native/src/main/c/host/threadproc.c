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

void threadproc_hold(struct tproc_threadproc *threadproc) {
  pthread_mutex_lock(&threadproc->lock);
  const bool traced = threadproc->tracer != NULL && threadproc->pidfd >= 0;
  if (traced) tracer_hold(threadproc->tracer, threadproc->pidfd);
  pthread_mutex_unlock(&threadproc->lock);
  if (!traced) threadproc_signal(threadproc, SIGSTOP, NULL);
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

/*
 * Before it traces: from then on nobody waits for the process's stops, which would be the tracer's.
 *
 * @return NULL, or the one that was there before
 */
static struct tracer *set_tracer(struct tproc_threadproc *threadproc, struct tracer *tracer, bool reports_crash) {
  pthread_mutex_lock(&threadproc->lock);
  struct tracer *before = threadproc->tracer;
  if (before == NULL) threadproc->tracer = tracer;
  threadproc->reports_crash |= reports_crash;
  pthread_mutex_unlock(&threadproc->lock);
  return before;
}

/* There is one attempt. The tracer of one that fails stays until the end, and says that it traces nothing. */
static int trace(struct tproc_threadproc *threadproc, bool reports_crash, struct tproc_error *error) {
  struct tracer *tracer = tracer_new(threadproc->pid, fence_is_uninterrupted);
  if (tracer == NULL) return tproc_fail(error, ENOMEM, "trace it");
  struct tracer *before = set_tracer(threadproc, tracer, reports_crash);
  if (before == NULL) return tracer_begin(tracer, error);
  tracer_end(tracer, 0, NULL);
  return tracer_await_begin(before, error);
}

int threadproc_trace(struct tproc_threadproc *threadproc, struct tproc_error *error) {
  return trace(threadproc, true, error);
}

void threadproc_keep_calls(void *of_broker) {
  struct tproc_threadproc *threadproc = of_broker;
  if (!threadproc->plan.held) trace(threadproc, false, NULL);
}

/* After the collection: then the tracer's thread ends by itself. */
static void end_tracer(struct tproc_threadproc *threadproc, const struct tproc_exit *exit) {
  struct tproc_crash crash;
  pthread_mutex_lock(&threadproc->lock);
  struct tracer *tracer = threadproc->tracer;
  threadproc->tracer = NULL;
  pthread_mutex_unlock(&threadproc->lock);
  if (tracer == NULL) return;
  const bool crashed = tracer_end(tracer, exit->kind == TPROC_EXITED ? 0 : exit->status, &crash);
  pthread_mutex_lock(&threadproc->lock);
  threadproc->crashed = crashed && threadproc->reports_crash;
  if (threadproc->crashed) threadproc->crash = crash;
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

static enum threadproc_news news_of_kernel(const struct tproc_threadproc *threadproc, int *signal) {
  siginfo_t info = {0};
  const int result =
      waitid((idtype_t)P_PIDFD, (id_t)threadproc->pidfd, &info, WSTOPPED | WCONTINUED | WNOHANG | __WALL);
  if (result != 0 || info.si_pid == 0) return THREADPROC_NO_NEWS;
  *signal = info.si_status;
  return info.si_code == CLD_CONTINUED ? THREADPROC_CONTINUED : THREADPROC_STOPPED;
}

static enum threadproc_news news_of_tracer(const struct tproc_threadproc *threadproc, int *signal) {
  switch (tracer_next_news(threadproc->tracer, signal)) {
    case TRACER_NO_NEWS:
      return THREADPROC_NO_NEWS;
    case TRACER_STOPPED:
      return THREADPROC_STOPPED;
    case TRACER_CONTINUED:
      return THREADPROC_CONTINUED;
    case TRACER_HELD:
      return THREADPROC_HELD;
    default:
      return news_of_kernel(threadproc, signal);
  }
}

/* While it is traced, or about to be, a wait here would take the tracer's stops, being one of the same process. */
enum threadproc_news threadproc_next_news(struct tproc_threadproc *threadproc, int *signal) {
  pthread_mutex_lock(&threadproc->lock);
  const enum threadproc_news news =
      threadproc->tracer != NULL ? news_of_tracer(threadproc, signal) : news_of_kernel(threadproc, signal);
  if (news == THREADPROC_STOPPED && *signal == SIGSTOP && threadproc->listener != NULL) {
    const int itself = broker_stopped_itself(threadproc->listener);
    if (itself != 0) *signal = itself;
  }
  pthread_mutex_unlock(&threadproc->lock);
  return news;
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
