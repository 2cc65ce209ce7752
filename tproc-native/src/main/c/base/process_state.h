/* What /proc says about another process. */
#ifndef TPROC_PROCESS_STATE_H
#define TPROC_PROCESS_STATE_H

#include <sys/types.h>

/**
 * The state letter of a process in /proc/PID/stat: 'T' stopped, 't' stopped by a debugger, 'Z' its main thread has
 * ended. The caller makes sure that the pid is still the one it means.
 *
 * @return '\0' when it cannot be read, mostly because there is no such process
 */
char process_state(pid_t pid);

#endif
