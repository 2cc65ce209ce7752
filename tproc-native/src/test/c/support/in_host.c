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
