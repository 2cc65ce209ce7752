/* Who a process is, as /proc tells it. */
#ifndef TPROC_PROCESS_CREDENTIALS_H
#define TPROC_PROCESS_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** Which of several ids. */
enum process_id { PROCESS_REAL, PROCESS_EFFECTIVE, PROCESS_SAVED, PROCESS_ID_COUNT };

#define PROCESS_GROUPS_MAX 64

struct process_credentials {
  uid_t users[PROCESS_ID_COUNT];
  gid_t groups[PROCESS_ID_COUNT];
  gid_t supplementary[PROCESS_GROUPS_MAX]; /**< those beyond are left out */
  size_t supplementary_count;
  uint64_t capabilities; /**< effective */
};

/**
 * Reads /proc/PID/status. The caller makes sure that the pid, or thread's id, is still the one it means.
 *
 * @return false when it cannot be read
 */
bool process_credentials_read(pid_t pid, struct process_credentials *credentials);

#endif
