#include "options.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "message.h"

const char options_help[] =
    "Usage: tproc-run [OPTIONS] SOCKET PROGRAM [ARGS...]\n"
    "\n"
    "Runs PROGRAM in the address space of the host that listens on SOCKET (tproc serve SOCKET), as if it had been\n"
    "started right here: with this shell's environment, working directory, descriptors, limits and signals.\n"
    "SOCKET may be -: then it is $TPROC_SOCKET, else $XDG_RUNTIME_DIR/tproc.sock.\n"
    "\n"
    "  -t, --terminal     give the program a terminal of its own, connected to this one (default when\n"
    "                     standard input and standard output are terminals)\n"
    "  -T, --no-terminal  give it this standard input and output themselves\n"
    "      --pass-fd N    pass on descriptor N too; may be repeated\n"
    "      --pass-fds     pass on all descriptors that were inherited\n"
    "      --detach       leave the program running when this launcher is killed; implies -T\n"
    "      --never-forks  the program never forks (fork fails): forks of others do not copy its memory\n"
    "      --spill        a program for fixed addresses (ET_EXEC) becomes an ordinary process while another has them\n"
    "      --hold         the program waits before its first instruction for a SIGCONT, or for 'tproc gdb --start'\n"
    "      --crash-report     say where the program was when it crashes; no debugger can attach to it meanwhile\n"
    "      --stay             the program may not execute another one, with which it would leave the address space\n"
    "  -h, --help         print this help\n"
    "  -V, --version      print the version\n"
    "\n"
    "The exit status is the program's; when a signal killed it, the launcher dies by the same signal.\n"
    "125: no host, or wrong usage. 126: the program cannot be hosted. 127: there is no such program.\n";

static enum options_result wrong_about(const char *what, const char *subject, const char *rest) {
  message(what, subject, rest, NULL);
  message("try 'tproc-run --help'", NULL);
  return OPTIONS_WRONG;
}

static enum options_result wrong(const char *what, const char *subject) { return wrong_about(what, subject, ""); }

/* A number from 0 to INT_MAX, or -1. */
static int descriptor_number(const char *text) {
  int64_t number = 0;
  if (*text == '\0') return -1;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9') return -1;
    number = number * 10 + (*text - '0');
    if (number > INT_MAX) return -1;
  }
  return (int)number;
}

static enum options_result pass(struct options *options, const char *text) {
  if (text == NULL) return wrong("--pass-fd needs a descriptor's number", "");
  const int number = descriptor_number(text);
  if (number < 0) return wrong("--pass-fd: not a descriptor's number: ", text);
  if (options->passed_count == WIRE_DESCRIPTORS_MAX) return wrong("--pass-fd: too many descriptors", "");
  options->passed[options->passed_count++] = number;
  return OPTIONS_RUN;
}

static enum options_result long_option(char ***at, struct options *options) {
  const char *option = **at;
  if (strcmp(option, "--terminal") == 0) {
    options->terminal = TERMINAL_ALWAYS;
  } else if (strcmp(option, "--no-terminal") == 0) {
    options->terminal = TERMINAL_NEVER;
  } else if (strcmp(option, "--pass-fds") == 0) {
    options->pass_all = true;
  } else if (strcmp(option, "--pass-fd") == 0) {
    const char *number = (*at)[1];
    if (number != NULL) ++*at;
    return pass(options, number);
  } else if (strncmp(option, "--pass-fd=", 10) == 0) {
    return pass(options, option + 10);
  } else if (strcmp(option, "--detach") == 0) {
    options->detach = true;
  } else if (strcmp(option, "--never-forks") == 0) {
    options->never_forks = true;
  } else if (strcmp(option, "--spill") == 0) {
    options->spill = true;
  } else if (strcmp(option, "--hold") == 0) {
    options->hold = true;
  } else if (strcmp(option, "--crash-report") == 0) {
    options->crash_report = true;
  } else if (strcmp(option, "--stay") == 0) {
    options->stay = true;
  } else if (strcmp(option, "--help") == 0) {
    return OPTIONS_HELP;
  } else if (strcmp(option, "--version") == 0) {
    return OPTIONS_VERSION;
  } else {
    return wrong("unknown option: ", option);
  }
  return OPTIONS_RUN;
}

/* One or more letters after one dash. */
static enum options_result short_options(const char *option, struct options *options) {
  for (const char *letter = option + 1; *letter != '\0'; letter++) {
    switch (*letter) {
      case 't':
        options->terminal = TERMINAL_ALWAYS;
        break;
      case 'T':
        options->terminal = TERMINAL_NEVER;
        break;
      case 'h':
        return OPTIONS_HELP;
      case 'V':
        return OPTIONS_VERSION;
      default:
        return wrong("unknown option: ", option);
    }
  }
  return OPTIONS_RUN;
}

enum options_result options_read(char **argv, struct options *options) {
  options->terminal = TERMINAL_AUTOMATIC;
  options->detach = options->pass_all = options->never_forks = options->spill = options->hold = false;
  options->crash_report = options->stay = false;
  options->passed_count = 0;
  char **at = argv[0] != NULL ? argv + 1 : argv;
  for (; *at != NULL && (*at)[0] == '-' && (*at)[1] != '\0'; at++) {
    if (strcmp(*at, "--") == 0) {
      at++;
      break;
    }
    const enum options_result result = (*at)[1] == '-' ? long_option(&at, options) : short_options(*at, options);
    if (result != OPTIONS_RUN) return result;
  }
  if (at[0] == NULL) return wrong("SOCKET is missing: where a host listens (tproc serve SOCKET), or -", "");
  if (at[1] == NULL)
    return wrong_about("PROGRAM is missing, or SOCKET: 'tproc-run - ", at[0], "' takes the default socket");
  if (options->detach && options->terminal == TERMINAL_ALWAYS)
    return wrong("--detach and --terminal: a program that outlives its launcher cannot have the launcher's terminal",
                 "");
  if (options->detach) options->terminal = TERMINAL_NEVER;
  options->socket = at[0];
  options->program = at + 1;
  return OPTIONS_RUN;
}
