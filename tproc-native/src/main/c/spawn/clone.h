/* Making a process that shares the caller's memory and nothing else that lasts. */
#ifndef TPROC_CLONE_H
#define TPROC_CLONE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/address_range.h"

/** What the new process is made of. */
struct clone_request {
  struct address_range stack; /**< its first stack; the upper end is 16-byte aligned */
  uint32_t *cleared_at_exit;  /**< the kernel writes 0 here and wakes a (shared) futex when the process is gone */
  void (*function)(void *);   /**< runs in it, with all signals blocked if the caller blocks them; never returns */
  void *argument;
};

/**
 * clone3 with CLONE_VM | CLONE_FILES | CLONE_PIDFD | CLONE_CLEAR_SIGHAND, or clone where clone3 is forbidden.
 *
 * No signal is sent at its exit (exit_signal 0): waitid needs __WALL, no other wait() in the host's process finds
 * it, and a debugger does not take it for a fork. The descriptor table is shared until the child unshares it.
 *
 * @param pidfd receives a close-on-exec descriptor that the caller closes
 * @return the pid, or a negative errno
 */
pid_t clone_process(const struct clone_request *request, int *pidfd);

#endif
