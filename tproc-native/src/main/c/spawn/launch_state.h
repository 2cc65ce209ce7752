/* The state a threadproc starts in, besides its program: from what a launch asks for to what the child has to do. */
#ifndef TPROC_LAUNCH_STATE_H
#define TPROC_LAUNCH_STATE_H

#include "spawn/child.h"
#include "spawn/descriptor_steps.h"
#include "tproc_core.h"

/** Whether the launch can be had: all that can be told before there is a process. 0 or a negative errno. */
int launch_state_check(const struct tproc_launch *launch, struct tproc_error *error);

/** As far as it can be told of a working directory that is given as a descriptor. 0 or a negative errno. */
int launch_state_check_directory(const struct tproc_launch *launch, struct tproc_error *error);

/** The limits that the threadproc gets instead of the host's; NULL: the host's. */
const struct tproc_limit *launch_state_limits(const struct tproc_launch *launch);

/**
 * Opens the working directory.
 *
 * @return a descriptor (O_PATH, close-on-exec) that the caller closes, or a negative errno
 */
int launch_state_directory(const struct tproc_launch *launch, struct tproc_error *error);

/** Which descriptors a child receives, and what it then does with them. Zeroed or released, it owns nothing. */
struct launch_descriptors {
  struct descriptor_steps steps;
  int *sources; /**< in the order in which they are sent; the working directory's after those that are placed */
  struct child_place *places; /**< of a program that runs already: for each source */
  size_t source_count;
};

void launch_descriptors_release(struct launch_descriptors *descriptors);

/**
 * Fills in the plan's part of it, of a launch that was checked.
 *
 * @param directory descriptor of the working directory
 * @param descriptors released by the caller once the child runs or is gone: the plan points to it
 * @return 0 or -ENOMEM, -EINVAL (a descriptor is wanted twice)
 */
int launch_state_plan(const struct tproc_launch *launch, int directory, struct child_plan *plan,
                      struct launch_descriptors *descriptors, struct tproc_error *error);

#endif
