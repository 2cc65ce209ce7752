/* The launcher as a job of the shell that started it. */
#ifndef TPROC_LAUNCHER_JOB_H
#define TPROC_LAUNCHER_JOB_H

#include <stdbool.h>

/** Whether no shell is there to continue this process's group: then a terminal's stop signals must not stop it. */
bool job_is_orphaned(void);

/**
 * Stops this process, and returns when it has been continued. (At once, if `signal` is ignored here, or is a terminal's
 * and the group is orphaned.)
 *
 * @param signal by which, as a shell shows it: SIGSTOP, or one of the terminal's
 * @param whole_job stop the rest of the process group too, as the terminal does
 */
void job_stop(int signal, bool whole_job);

#endif
