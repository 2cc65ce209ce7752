/*
 * What a program was prepared with that has run already: a launch gets it when it names the same program in the same
 * way, and begins with the same arguments.
 */
#ifndef TPROC_LEADING_ARGUMENTS_H
#define TPROC_LEADING_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "loader/executable.h"
#include "loader/file_identity.h"

/** Zeroed or released, it owns nothing. */
struct leading_arguments {
  char *path;  /**< the program's */
  char **argv; /**< one block with their texts */
  size_t argc;
  bool relative;                  /**< one of them names a file from the working directory on */
  struct file_identity directory; /**< that; of which its device and inode count */
};

/**
 * Notes those of a program that was found, and the files that they name.
 *
 * @param directory descriptor of its working directory
 * @return 0, -ENOMEM, or another negative errno
 */
int leading_arguments_note(struct leading_arguments *leading, const struct executable *program, int directory,
                           struct file_list *files);

/** Whether one that was found, and is to work in a directory, has them. It makes no system call. */
bool leading_arguments_fit(const struct leading_arguments *leading, const struct executable *program,
                           const struct file_identity *directory);

void leading_arguments_release(struct leading_arguments *leading);

#endif
