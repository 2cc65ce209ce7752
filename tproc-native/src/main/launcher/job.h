/* The launcher as a job of the shell that started it. */
#ifndef TPROC_LAUNCHER_JOB_H
#define TPROC_LAUNCHER_JOB_H

#include <stdbool.h>

/** Whether no shell is there to continue this process's group: then a terminal's stop signals must not stop it. */
bool job_is_orphaned(void);

/**
 * Stops this process, and returns when it has been continued.
 *
 * @param whole_job stop the rest of the process group too, as the terminal's ^Z does
 */
void job_stop(bool whole_job);

/**
 * Stops this process's group as the kernel does when it reads its terminal in the background, and returns when this
 * process has been continued.
 */
void job_stop_reading(void);

#endif
