/* Whether a program may ask for its own executable by a path: /proc/self/exe, /proc/PID/exe … */
#ifndef TPROC_EXE_TEXTS_H
#define TPROC_EXE_TEXTS_H

#include <stdbool.h>

#include "loader/elf_file.h"

/**
 * Whether a text that ends in "/exe" stands in what the program loads of its file. Also true when that is too large to
 * be looked through at each launch, or cannot be read.
 */
bool exe_texts_are_in_image(int file, const struct elf_file *elf);

/** Whether one of the strings ends in "/exe". `strings` ends with NULL. */
bool exe_texts_are_in_strings(const char *const *strings);

#endif
