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

/** Room for "/proc/PID/fd/NUMBER" and the like. */
#define PROC_PATH_SIZE 64

/**
 * The threads of a process, the first one first, whether it has ended or not; at most `room`, which is 1 at least.
 * Where a pid is asked for here, a thread's is taken, too.
 *
 * @return how many
 */
size_t proc_read_threads(int pid, int *threads, size_t room);

/** The system call that a thread waits in, and its first argument as a descriptor; false: it runs, or may not be seen.
 */
bool proc_read_call(int pid, long *call, int *descriptor);

/** The children of a thread, at most `room`. @return how many; 0 where the kernel does not tell */
size_t proc_read_children(int pid, int *children, size_t room);

/** The pid, in this pid namespace, of the process that a pidfd names; not positive when it has none, or is gone. */
int proc_pid_of(int pidfd);

#endif
