/* "#!/usr/bin/env NAME" and "#!/usr/bin/env -S NAME ARGUMENT...": what env would execute, read as env reads it. */
#ifndef TPROC_ENV_COMMAND_H
#define TPROC_ENV_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "loader/script.h"

struct env_command {
  char text[SCRIPT_LINE_SIZE + 1];
  const char *words[SCRIPT_LINE_SIZE / 2]; /**< the program's name and its arguments: pointers into text */
  size_t count;
};

/**
 * Reads what comes after env. Quotes, variables, options and assignments are left to env itself.
 *
 * @return whether the interpreter is env, and all it would do is execute `words`
 */
bool env_command_read(const struct script_line *line, struct env_command *command);

/** The value that a variable has in an environment, or NULL. */
const char *env_value(const char *const *envp, const char *name);

#endif
