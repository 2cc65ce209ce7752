/* The end of the launcher: the same as the program's, so that its parent learns how the program ended. */
#ifndef TPROC_LAUNCHER_OUTCOME_H
#define TPROC_LAUNCHER_OUTCOME_H

#include <stdint.h>

struct outcome {
  int exit_code;
  int signal; /**< not 0: end by this signal instead */
};

/** An exit code, or by a signal: for wire_ended. */
struct outcome outcome_of(uint32_t kind, int32_t status);

/**
 * Ends the launcher by the outcome's signal, without a core dump of its own.
 *
 * @return the exit code, when there is no signal, or it did not end the launcher (128 + the signal, as a shell says it)
 */
int outcome_end(struct outcome outcome);

#endif
