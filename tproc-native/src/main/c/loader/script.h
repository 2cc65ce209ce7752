/* The #! line of a script, read as the kernel reads it (fs/binfmt_script.c). */
#ifndef TPROC_SCRIPT_H
#define TPROC_SCRIPT_H

#include <stdbool.h>

#include "tproc_core.h"

/** The kernel looks at the first 256 bytes of a file (BINPRM_BUF_SIZE). */
#define SCRIPT_LINE_SIZE 256

struct script_line {
  char text[SCRIPT_LINE_SIZE + 1];
  const char *interpreter; /**< points into text */
  const char *argument;    /**< points into text: all the rest of the line as one argument, maybe empty; NULL: none */
};

/**
 * Reads the first line. When the file does not start with #!, line->interpreter is NULL.
 *
 * @return 0; -ENOEXEC when the line names no interpreter or its name is cut off, -EACCES when a NUL or the file's end
 *         stands where the name should; or the error of reading
 */
int script_read(int file, struct script_line *line, struct tproc_error *error);

/** Whether what script_read found not to start with #! starts as an ELF file does. */
bool script_is_elf(const struct script_line *line);

#endif
