#include "support/in_host.h"

#include "base/executor.h"
#include "host/host.h"
#include "host/threadproc.h"

void in_host_call(struct tproc_host *host, void (*function)(void *), void *argument) {
  executor_call(&host->executor, function, argument);
}

int in_host_call_apart(struct tproc_host *host, void (*function)(void *), void *argument) {
  return executor_call_apart(&host->executor, function, argument);
}

bool in_host_has_ended(struct tproc_threadproc *threadproc) { return threadproc_has_ended(threadproc); }

void in_host_begin_launch(struct tproc_host *host) { prepared_pool_begin_launch(&host->prepared); }

void in_host_end_launch(struct tproc_host *host) { prepared_pool_end_launch(&host->prepared); }

int in_host_release(struct tproc_threadproc *threadproc) {
  struct tproc_exit exit;
  const int failed = threadproc_collect(threadproc, true, &exit, NULL);
  return failed ? failed : tproc_threadproc_close(threadproc, NULL);
}

bool in_host_gives_low_back(struct tproc_host *host) { return host_gives_low_back(host); }

bool in_host_begin_release(struct tproc_threadproc *threadproc) {
  struct tproc_exit exit;
  threadproc_collect(threadproc, true, &exit, NULL);
  return host_forget(threadproc->host, threadproc);
}

void in_host_end_release(struct tproc_threadproc *threadproc, bool low) {
  struct tproc_host *host = threadproc->host;
  threadproc_free(threadproc);
  host_note_release(host, low);
}
