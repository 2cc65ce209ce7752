/* A copy of what a launch says of its program, for launches that come later. */
#ifndef TPROC_LAUNCH_COPY_H
#define TPROC_LAUNCH_COPY_H

#include <stdbool.h>

#include "tproc_core.h"

/** Has the program, its search path, environment, directory, flags and limits; no descriptors. */
struct launch_copy {
  struct tproc_launch launch;
  struct tproc_limit limits[TPROC_LIMIT_COUNT];
  char *strings; /**< one block */
  const char **environment, **argv;
};

/** @param arguments whether it has the arguments, too. @return 0 or -ENOMEM, and then there is nothing to release */
int launch_copy_make(struct launch_copy *copy, const struct tproc_launch *launch, bool arguments,
                     struct tproc_error *error);

/** Whether both say the same. */
bool launch_copy_equals(const struct launch_copy *one, const struct launch_copy *other);

void launch_copy_release(struct launch_copy *copy);

#endif
