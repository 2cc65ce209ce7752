/* Who may own blocks: the table of owners. */
#ifndef TPROC_SRC_SHARE_OWNER_H
#define TPROC_SRC_SHARE_OWNER_H

#include <sys/types.h>

#include "view.h"

#pragma GCC visibility push(hidden)

/** The number of a process that has not ended, if it takes part. @return 0 when it does not */
uint32_t tproc_owner_find(const struct tproc_view *view, pid_t pid);

/**
 * The number of a process; an entry is taken when it has none. Two threads of one process that come here at a time may
 * take one each: both are the process, and both end with it.
 *
 * @param account that the process's blocks are counted in, if it is open; number 0: none
 * @return 0 when all are taken
 */
uint32_t tproc_owner_take(const struct tproc_view *view, pid_t pid, struct tproc_account_of_launch account);

/** Inode of the caller's pid namespace; 0: /proc does not tell. */
uint64_t tproc_pid_namespace(void);

/** The process of an entry, which may have ended. */
static inline pid_t tproc_owner_pid(const struct tproc_view *view, uint32_t owner) {
  const int32_t pid = atomic_load_explicit(&view->owners[owner].pid, memory_order_acquire);
  return pid < 0 ? -pid : pid;
}

#pragma GCC visibility pop

#endif
