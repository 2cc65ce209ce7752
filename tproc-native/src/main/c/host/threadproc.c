#include "host/threadproc.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/error.h"
#include "host/host.h"
#include "share/reaper.h"

pid_t tproc_threadproc_pid(const struct tproc_threadproc *threadproc) { return threadproc->pid; }

int tproc_threadproc_signal(struct tproc_threadproc *threadproc, int signal, struct tproc_error *error) {
  int failed = 0;
  pthread_mutex_lock(&threadproc->lock);
  if (threadproc->pidfd < 0)
    failed = tproc_fail(error, ESRCH, "send signal %d to threadproc %d", signal, threadproc->pid);
  else if (syscall(SYS_pidfd_send_signal, threadproc->pidfd, signal, NULL, 0) != 0)
    failed = tproc_fail(error, errno, "send signal %d to threadproc %d", signal, threadproc->pid);
  pthread_mutex_unlock(&threadproc->lock);
  return failed;
}

static void describe(const siginfo_t *info, struct tproc_threadproc *threadproc, struct tproc_exit *exit) {
  exit->threadproc = threadproc;
  exit->context = threadproc->context;
  exit->kind = info->si_code == CLD_EXITED   ? TPROC_EXITED
               : info->si_code == CLD_DUMPED ? TPROC_CORE_DUMPED
                                             : TPROC_SIGNALLED;
  exit->status = info->si_status;
}

/* Before the pid may be another process's: the process has ended, and is still there to be collected. */
static void reap(struct tproc_threadproc *threadproc, bool wait) {
  const struct tproc_view *view = &threadproc->host->range.view;
  struct tproc_exit exit;
  siginfo_t info = {0};
  int result;
  if (view->share == NULL) return;
  do {
    result =
        waitid((idtype_t)P_PIDFD, (id_t)threadproc->pidfd, &info, WEXITED | WNOWAIT | __WALL | (wait ? 0 : WNOHANG));
  } while (result != 0 && errno == EINTR);
  if (result != 0 || info.si_pid == 0) return;
  describe(&info, threadproc, &exit);
  pthread_mutex_lock(&threadproc->lock);
  reaper_process_ended(view, threadproc->pid, exit.kind == TPROC_EXITED ? exit.status : 256 + exit.status,
                       (uint64_t)threadproc);
  host_waits_somebody_died(&threadproc->host->waits);
  threadproc->reaped = true;
  pthread_mutex_unlock(&threadproc->lock);
}

int threadproc_collect(struct tproc_threadproc *threadproc, bool wait, struct tproc_exit *exit,
                       struct tproc_error *error) {
  siginfo_t info = {0};
  int result;
  reap(threadproc, wait);
  do {
    result = waitid((idtype_t)P_PIDFD, (id_t)threadproc->pidfd, &info, WEXITED | __WALL | (wait ? 0 : WNOHANG));
  } while (result != 0 && errno == EINTR);
  if (result != 0) return tproc_fail(error, errno, "collect the exit of threadproc %d", threadproc->pid);
  if (info.si_pid == 0) return -EAGAIN;
  describe(&info, threadproc, exit);
  pthread_mutex_lock(&threadproc->lock);
  if (threadproc->listener != NULL) broker_forget_process(threadproc->listener);
  /* A new process of the host may have a duplicate for a moment, and closing alone would leave it in the set. */
  epoll_ctl(threadproc->host->exits, EPOLL_CTL_DEL, threadproc->pidfd, NULL);
  close(threadproc->pidfd);
  threadproc->pidfd = -1;
  threadproc->collected = true;
  launch_info_end(&threadproc->info);
  pthread_mutex_unlock(&threadproc->lock);
  return 0;
}

int tproc_threadproc_close(struct tproc_threadproc *threadproc, struct tproc_error *error) {
  pthread_mutex_lock(&threadproc->lock);
  const bool collected = threadproc->collected;
  pthread_mutex_unlock(&threadproc->lock);
  if (!collected) return tproc_fail(error, EBUSY, "close threadproc %d, which has not ended", threadproc->pid);
  host_forget(threadproc->host, threadproc);
  threadproc_free(threadproc);
  return 0;
}

void threadproc_free(struct tproc_threadproc *threadproc) {
  if (threadproc->listener != NULL) broker_detach(&threadproc->host->broker, threadproc->listener);
  if (threadproc->host->range.view.share != NULL) reaper_forget(&threadproc->host->range.view, (uint64_t)threadproc);
  memory_release(&threadproc->memory);
  launch_info_release(&threadproc->info);
  pthread_mutex_destroy(&threadproc->lock);
  free(threadproc);
}
