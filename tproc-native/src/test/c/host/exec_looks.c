#include "host/exec_looks.h"

#include "broker/broker.h"
#include "host/threadproc.h"
#include "support/in_host.h"

struct looking {
  struct tproc_threadproc *threadproc;
  const bool *done;
};

static void look(void *argument) {
  const struct looking *looking = argument;
  while (!__atomic_load_n(looking->done, __ATOMIC_ACQUIRE)) broker_look_for_exec(looking->threadproc->listener);
}

int look_for_exec(struct tproc_threadproc *threadproc, const bool *done) {
  struct looking looking = {threadproc, done};
  return in_host_call_apart(threadproc->host, look, &looking);
}
