/* What a program may do, by the texts that it has: ask for its own executable or arguments, set itself limits. */
#ifndef TPROC_EXE_TEXTS_H
#define TPROC_EXE_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/address_range.h"
#include "loader/elf_file.h"

/** So many paths of the own executable are known by their places. */
#define EXE_TEXTS_MAX 4

/** What stands in an image. */
struct exe_texts {
  bool own_executable; /**< a text that ends in "/exe": /proc/self/exe, /proc/PID/exe … */
  /** Where in the file's own addresses a constant is a whole path of it: "/proc/…/exe", or "self/exe", "exe" … */
  struct address_range places[EXE_TEXTS_MAX];
  size_t place_count;
  bool more_places; /**< there are more than that, or they are not known */
  /** Constants that are "/proc/self/cmdline", "environ" or "auxv", the first ones. */
  struct address_range views[EXE_TEXTS_MAX];
  size_t view_count;
  bool limits; /**< the name of setrlimit, prlimit and their like: among what it wants of its C library */
};

/**
 * Looks through what the program loads of its file. All is taken to be there where that is too large to be looked
 * through at each launch, or cannot be read.
 */
struct exe_texts exe_texts_in_image(int file, const struct elf_file *elf);

/** Whether one of the strings is such a path or ends as one ("/exe", "exe", …). `strings` ends with NULL. */
bool exe_texts_are_in_strings(const char *const *strings);

#endif
