/* From what the caller asks for to the ELF file that runs: search path, and #! scripts as the kernel resolves them. */
#ifndef TPROC_EXECUTABLE_H
#define TPROC_EXECUTABLE_H

#include <limits.h>
#include <stddef.h>

#include "loader/file_identity.h"
#include "tproc_core.h"

/** A found program: its open file and the arguments it gets. Zeroed or released, it owns nothing. */
struct executable {
  int file;                      /**< the ELF file to map; -1 when released */
  struct file_identity identity; /**< of `file`, when it was opened */
  char path[PATH_MAX];           /**< what was found for the caller's name: a script's own path, for AT_EXECFN */
  char file_path[PATH_MAX];      /**< the path of `file`: the same, or a script's interpreter */
  const char **argv;             /**< NULL-terminated; the caller's, or with a script's interpreter in front */
  size_t argc;
  char *strings; /**< holds the arguments that scripts added */
};

/**
 * Finds, opens and checks the program.
 *
 * @param directory descriptor of the threadproc's working directory, which relative paths start from
 * @return 0 or a negative errno as execvp would give; -ELOOP after five nested scripts
 */
int executable_find(int directory, const struct tproc_launch *launch, struct executable *program,
                    struct tproc_error *error);

void executable_release(struct executable *program);

#endif
