#include "support/in_host.h"

#include "base/executor.h"
#include "host/host.h"

void in_host_call(struct tproc_host *host, void (*function)(void *), void *argument) {
  executor_call(&host->executor, function, argument);
}
