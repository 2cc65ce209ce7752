/* Reading what /proc says of a process. */
#ifndef TPROC_LAUNCHER_PROC_FILE_H
#define TPROC_LAUNCHER_PROC_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/proc_text.h"

/** /proc/PID/stat; false when there is no such process, or no /proc. */
bool proc_read_stat(int pid, struct process_stat *stat);

/** The signals that a process handles or ignores, and those that it blocks; bit n-1: signal n. */
bool proc_read_dispositions(int pid, uint64_t *not_default, uint64_t *blocked);

/** The pid, in this pid namespace, of the process that a pidfd names; not positive when it has none, or is gone. */
int proc_pid_of(int pidfd);

#endif
