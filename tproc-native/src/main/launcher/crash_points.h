/*
 * Where tests let the launcher be killed: TPROC_RUN_CRASH_AT names the step. Only in a build with TPROC_CRASH_POINTS;
 * otherwise there is nothing of it in the program.
 */
#ifndef TPROC_LAUNCHER_CRASH_POINTS_H
#define TPROC_LAUNCHER_CRASH_POINTS_H

#include <stdbool.h>

#ifdef TPROC_CRASH_POINTS

/** Takes the name of the step from the environment. */
void crash_points_read(char **envp);

bool crash_point_is(const char *step);

/** SIGKILL to itself, if this is the step. */
void crash_point(const char *step);

#else

static inline void crash_points_read(char **envp) { (void)envp; }

static inline bool crash_point_is(const char *step) {
  (void)step;
  return false;
}

static inline void crash_point(const char *step) { (void)step; }

#endif

#endif
