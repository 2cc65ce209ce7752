/* What /proc says about another process. */
#ifndef TPROC_PROCESS_STATE_H
#define TPROC_PROCESS_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * The state letter of a process in /proc/PID/stat: 'T' stopped, 't' stopped by a debugger, 'Z' its main thread has
 * ended. The caller makes sure that the pid is still the one it means.
 *
 * @return '\0' when it cannot be read, mostly because there is no such process
 */
char process_state(pid_t pid);

/** Whether a signal or a debugger has stopped it. */
bool process_is_stopped(pid_t pid);

/**
 * Whether the kernel ignores a SIGTSTP by which a process would stop, only because nobody of its session is its parent:
 * it leads its session, which has a terminal, and neither handles nor ignores the signal.
 */
bool process_has_lone_stop(pid_t pid);

/**
 * Whether a child without an exit signal has executed another program, for as long as its exit is not collected. While
 * a thread of this process traces it: no.
 */
bool process_has_execed(int pidfd);

/** Whether a thread has executed a program since it was cloned, or is gone; false also where that is not told. */
bool process_clone_is_over(pid_t tid);

/** Where the break of the process's memory began, which a copy of the memory keeps; 0 when that is not told. */
uint64_t process_break_start(pid_t pid);

struct process_birth {
  pid_t parent;        /**< now */
  uint64_t started_at; /**< CLOCK_BOOTTIME in nanoseconds, rounded down to a hundredth of a second */
};

/** @return false when it cannot be read */
bool process_birth_read(pid_t pid, struct process_birth *birth);

#endif
