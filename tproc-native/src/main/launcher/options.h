/* The command line: tproc-run [OPTIONS] SOCKET PROGRAM [ARGS…]. */
#ifndef TPROC_LAUNCHER_OPTIONS_H
#define TPROC_LAUNCHER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/wire.h"

enum terminal_choice { TERMINAL_AUTOMATIC, TERMINAL_ALWAYS, TERMINAL_NEVER };

struct options {
  enum terminal_choice terminal;
  bool detach;
  bool never_forks;
  bool spill;
  bool hold;
  bool crash_report;
  bool stay;
  bool pass_all;                    /**< --pass-fds */
  int passed[WIRE_DESCRIPTORS_MAX]; /**< --pass-fd, in the order given */
  size_t passed_count;
  const char *socket;
  char **program; /**< the program and its arguments, NULL-terminated: a part of argv */
};

enum options_result { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_WRONG };

/** Reads the command line. When it is wrong, standard error has been told why. */
enum options_result options_read(char **argv, struct options *options);

extern const char options_help[];

#endif
