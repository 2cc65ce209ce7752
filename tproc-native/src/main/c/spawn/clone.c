#include "spawn/clone.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>

#include "base/trampoline.h"

/*
 * clone() has no CLONE_CLEAR_SIGHAND and needs none: the table of dispositions is a copy, since CLONE_SIGHAND is not
 * given, and the child resets it before it unblocks signals.
 */
#define SHARED_BY_BOTH (CLONE_VM | CLONE_FILES | CLONE_PIDFD | CLONE_CHILD_CLEARTID)

pid_t clone_process(const struct clone_request *request, int *pidfd) {
  struct clone_args arguments;
  memset(&arguments, 0, sizeof arguments);
  arguments.flags = SHARED_BY_BOTH | CLONE_CLEAR_SIGHAND;
  arguments.pidfd = (uint64_t)pidfd;
  arguments.child_tid = (uint64_t)request->cleared_at_exit;
  arguments.stack = request->stack.low;
  arguments.stack_size = range_size(request->stack);
  long result = trampoline_clone3(&arguments, sizeof arguments, request->function, request->argument);
  if (result == -ENOSYS || result == -EPERM)
    result = trampoline_clone(SHARED_BY_BOTH, request->stack.high, pidfd, request->cleared_at_exit, request->function,
                              request->argument);
  return (pid_t)result;
}
