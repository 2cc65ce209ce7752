/* Stepping a process through its instructions. */
#ifndef TPROC_TEST_STEPPING_H
#define TPROC_TEST_STEPPING_H

#include <stdbool.h>
#include <sys/types.h>

#include "share/heap_trials.h"

/**
 * Forks a process that does `prepare`, stops, does `work` under step, and stops. One at a time: until it is collected,
 * the calling thread and it share one CPU.
 */
pid_t start_stepped(void (*prepare)(void *), void (*work)(void *), void *context);

/** One instruction. @return false when the work is done */
bool step(pid_t process);

/** Up to the end of the work, and of the process. @return whether it ended well */
bool run_on(pid_t process, bool work_done);

/** A look at the process where it stands. */
typedef void look_at_stepped(void *context, pid_t process, struct trial *trial);

/** Looks before the first instruction of `work` and after each, until a look has failed; then kills and collects it. */
void step_through(void (*prepare)(void *), void (*work)(void *), look_at_stepped *look, void *context,
                  struct trial *trial);

/** For want of something to prepare. */
void nothing(void *context);

/** Kills and collects it. */
void kill_stepped(pid_t process);

__attribute__((format(printf, 2, 3))) void fail_trial(struct trial *trial, const char *format, ...);

#endif
