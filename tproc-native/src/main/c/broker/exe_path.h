/* Whether a path, however it is spelled, names a file in /proc of the process that gives it: its own executable, ... */
#ifndef TPROC_EXE_PATH_H
#define TPROC_EXE_PATH_H

#include <stdbool.h>
#include <sys/types.h>

/** Longer than every path that is recognised. */
#define EXE_PATH_MAX 256

/** Whose path it is. */
struct exe_path_owner {
  pid_t process;         /**< the threadproc */
  pid_t thread;          /**< who calls: a thread of it, or a child */
  bool may_have_threads; /**< the threadproc has not ended, so its threads' numbers are its own */
};

/** The files that describe the program, and not the memory that it shares. */
enum own_file {
  OWN_NONE,
  OWN_EXECUTABLE,  /**< exe */
  OWN_ARGUMENTS,   /**< cmdline */
  OWN_ENVIRONMENT, /**< environ */
  OWN_AUXV         /**< auxv */
};

/** Whether that depends on the directory that the path begins in: it is a relative one that ends as a file's does. */
bool exe_path_is_relative(const char *path);

/**
 * Judges by the text: "//", "." and ".." are taken out, "self", "thread-self" and a thread's directory understood. A
 * symbolic link on the way is not followed. Asks /proc, and no other file system.
 *
 * @param directory where a relative path begins; not used for an absolute one
 */
enum own_file exe_path_own_file(const struct exe_path_owner *owner, const char *directory, const char *path);

#endif
