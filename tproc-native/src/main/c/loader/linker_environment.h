/* The variables that a dynamic linker reads before any library's code runs. */
#ifndef TPROC_LINKER_ENVIRONMENT_H
#define TPROC_LINKER_ENVIRONMENT_H

#include <stdbool.h>

/**
 * Those of an environment that a linker reads, in their order.
 *
 * @return NULL-terminated, with its strings one block that free() frees; NULL: no memory
 */
char **linker_environment_copy(const char *const *environment);

/** Whether an environment has the same, in the same order. */
bool linker_environment_is(char *const *copy, const char *const *environment);

/**
 * Whether a linker may run with them before it is known in which directory and with which descriptors: nothing makes it
 * look in directories, or write.
 */
bool linker_environment_is_harmless(char *const *copy);

#endif
