/* Which of the launcher's descriptors the program gets, and under which numbers. */
#ifndef TPROC_LAUNCHER_DESCRIPTORS_H
#define TPROC_LAUNCHER_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"

struct descriptors {
  size_t count;
  int32_t numbers[WIRE_DESCRIPTORS_MAX]; /**< ascending */
  int sources[WIRE_DESCRIPTORS_MAX + 1]; /**< [0]: the working directory; [i + 1]: what becomes numbers[i] */
};

/**
 * Finds out what is open, and puts something harmless where 0-2 are closed, so that no socket of the launcher's is
 * taken for standard error. To be called before the launcher opens anything.
 *
 * @return 0, or an exit code: standard error has been told why
 */
int descriptors_find(const struct options *options, struct descriptors *descriptors);

/** Opens the working directory, also one that has been deleted. @return 0 or a negative errno */
int descriptors_open_directory(struct descriptors *descriptors);

/** Lets the program have `source` as `number`. There is room for it when number is 0, 1 or 2. */
void descriptors_set(struct descriptors *descriptors, int32_t number, int source);

/**
 * Adds a terminal that is not among the numbers; what becomes numbers[i] is then sources[i + 2]. To be called last.
 *
 * @return false when there are too many descriptors
 */
bool descriptors_add_terminal(struct descriptors *descriptors, int terminal);

#endif
