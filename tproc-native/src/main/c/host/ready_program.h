/*
 * Prepared programs that run ahead, until they call tproc_ready: what is other with them
 * (docs/decisions/prepared-programs.md).
 */
#ifndef TPROC_READY_PROGRAM_H
#define TPROC_READY_PROGRAM_H

#include <stdbool.h>

#include "host/prepared_program.h"

/** The number that its socket gets: out of the way of those that it opens. 0: the limit on open files is too low. */
int ready_program_link(void);

/** Notes what a launch has to have in common with one that was found. 0 or a negative errno */
int ready_program_note(struct prepared_program *program, const struct preparation *preparation,
                       struct tproc_error *error);

/** Whether a launch asks for nothing that one that has run cannot have any more. It makes no system call. */
bool ready_program_fits(const struct prepared_program *program, const struct tproc_launch *launch,
                        const struct preparation *preparation);

/** Whether what the launch asks for is its threads' own, and it has more than the one that waits. */
bool ready_program_is_out_of_reach(const struct prepared_program *program, const struct tproc_launch *launch);

#endif
