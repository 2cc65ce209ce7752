/* What a new process has from the host without anybody's giving it: whether that is still the same. */
#ifndef TPROC_INHERITED_H
#define TPROC_INHERITED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct inherited {
  struct rlimit limits[RLIM_NLIMITS];
  int nice, policy, io_priority;
  uint64_t credentials; /**< a digest of users, groups, capabilities, CPUs and nodes, as /proc/PID/status has them */
};

/**
 * @param tid of the thread that clones
 * @param umask receives the process's
 * @return false when it cannot be read
 */
bool inherited_read(pid_t tid, struct inherited *inherited, int *umask);

bool inherited_equals(const struct inherited *one, const struct inherited *other);

#endif
