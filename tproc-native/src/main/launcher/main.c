/*
 * tproc-run: asks a listening host to run a program as if it had been started right here. See tproc-run(1).
 */
#include <errno.h>
#include <string.h>

#include "crash_points.h"
#include "default_socket.h"
#include "descriptors.h"
#include "guardian.h"
#include "launcher.h"
#include "launching.h"
#include "message.h"
#include "options.h"
#include "request.h"
#include "session.h"
#include "signals.h"
#include "system.h"
#include "tproc.h"
#include "witness.h"

#define VERSION_TEXT(major, minor, patch) "tproc-run " #major "." #minor "." #patch "\n"
#define VERSION_OF(major, minor, patch) VERSION_TEXT(major, minor, patch) /* of the macros' values */

/* All that one launcher needs; nothing is allocated, except for the request. */
static struct launcher {
  struct options options;
  struct descriptors descriptors;
  struct host_connection connection;
  struct outgoing request;
  struct patience patience;
  struct terminal terminal;
  struct relay relay;
  struct witness witness;
  uint32_t terminal_flag;    /* WIRE_LAUNCH_TERMINAL…, or none */
  uint64_t blocked, ignored; /* signals, as the caller left them */
} launcher;

static int fail(const char *what, long code) {
  message(what, ": ", errno_text(code), NULL);
  return WIRE_EXIT_NO_HOST;
}

static int print(const char *text) {
  const size_t size = strlen(text);
  return sys_write(1, text, size) == (long)size ? 0 : WIRE_EXIT_NO_HOST;
}

/* What the protocol has no words for, said as a shell does. 0: the name is one that can be asked for. */
static int check_name(const char *program) {
  const size_t length = strlen(program);
  if (length > 0 && length < WIRE_PROGRAM_MAX) return 0;
  message(length == 0 ? "''" : program, ": ", errno_text(length == 0 ? ENOENT : ENAMETOOLONG), NULL);
  return length == 0 ? WIRE_EXIT_NOT_FOUND : WIRE_EXIT_NOT_HOSTABLE;
}

/*
 * Standard input that is the user's terminal stays it in the foreground: what the program does not read is for others,
 * a pager in its pipeline for instance. A background job may not read it, which the kernel would not see to: the
 * program is not of its session.
 */
static void prepare_terminal_apart(void) {
  struct terminal *terminal = &launcher.terminal;
  if (!terminal_is_foreground(terminal) && terminal_is_controlling(0)) {
    descriptors_set(&launcher.descriptors, 0, terminal->slave);
    launcher.terminal_flag = WIRE_LAUNCH_TERMINAL;
  } else if (descriptors_add_terminal(&launcher.descriptors, terminal->slave)) {
    launcher.terminal_flag = WIRE_LAUNCH_TERMINAL_APART;
  } else {
    terminal_hang_up(terminal);
    terminal->used = false;
  }
}

/* The program's own terminal takes the place of the user's; standard error too, if it goes there. */
static int prepare_terminal(void) {
  const enum terminal_kind kind = terminal_wanted(launcher.options.terminal);
  if (kind == TERMINAL_NONE) return 0;
  const int failed = terminal_open(&launcher.terminal, kind);
  if (kind == TERMINAL_APART) {
    if (failed == 0) prepare_terminal_apart();
    return 0; /* without one it goes as well as it can */
  }
  if (failed < 0) return fail("cannot make a terminal for the program (/dev/ptmx); -T does without one", failed);
  for (int number = 0; number < 3; number++)
    if (number < 2 || terminal_is_one(number)) descriptors_set(&launcher.descriptors, number, launcher.terminal.slave);
  launcher.terminal_flag = WIRE_LAUNCH_TERMINAL;
  return 0;
}

static int choose_socket(char **envp) {
  static char room[4096];
  if (strcmp(launcher.options.socket, "-") == 0) launcher.options.socket = default_socket(envp, room, sizeof room);
  if (launcher.options.socket == NULL)
    message("SOCKET is -, and neither TPROC_SOCKET nor XDG_RUNTIME_DIR is set", NULL);
  else if (*launcher.options.socket == '\0')
    message("the socket's name is empty", NULL);
  else
    return 0;
  return WIRE_EXIT_NO_HOST;
}

static int prepare(char **envp) {
  int failed = choose_socket(envp);
  if (failed == 0) failed = check_name(launcher.options.program[0]);
  if (failed == 0) failed = descriptors_find(&launcher.options, &launcher.descriptors);
  if (failed == 0) failed = prepare_terminal();
  if (failed != 0) return failed;
  failed = descriptors_open_directory(&launcher.descriptors);
  if (failed < 0) return fail("cannot open the working directory", failed);
  launcher.ignored = request_ignored_signals();
  const uint32_t flags =
      launcher.terminal_flag | (launcher.options.detach ? WIRE_LAUNCH_OUTLIVE : 0) |
      (launcher.options.never_forks ? WIRE_LAUNCH_NEVER_FORKS : 0) | (launcher.options.spill ? WIRE_LAUNCH_SPILL : 0) |
      (launcher.options.hold ? WIRE_LAUNCH_HOLD : 0) | (launcher.options.crash_report ? WIRE_LAUNCH_CRASH_REPORT : 0) |
      (launcher.options.stay ? WIRE_LAUNCH_STAY : 0);
  failed = request_make(&launcher.descriptors, launcher.options.program, envp, flags, launcher.ignored,
                        launcher.blocked, &launcher.request);
  if (failed < 0) return fail(launcher.options.program[0], failed);
  failed = patience_start(&launcher.patience, launcher.ignored, launcher.blocked);
  return failed < 0 ? fail("cannot receive signals", failed) : 0;
}

static struct outcome run(void) {
  struct session session = {
      .socket = launcher.options.socket,
      .program = launcher.options.program[0],
      .connection = &launcher.connection,
      .hosted = {.pidfd = -1},
      .terminal = &launcher.terminal,
      .witness = &launcher.witness,
  };
  struct outcome outcome;
  if (launching_connect(&launcher.connection, session.socket, &launcher.patience, &outcome) != LAUNCHED) return outcome;
  crash_point("connected");
  if (launching_ask(&launcher.connection, session.socket, &launcher.request, &launcher.patience, &session.hosted.pidfd,
                    &outcome) != LAUNCHED)
    return outcome;
  crash_point("started");
  session.signals = launcher.patience.descriptor;
  signals_choose(session.signals, ~UINT64_C(0));
  if (launcher.terminal.used) {
    session.relay = &launcher.relay;
    relay_start(session.relay, &launcher.terminal);
    crash_point("raw");
  }
  return session_run(&session);
}

int launcher_main(char **argv, char **envp) {
  launcher.blocked = signals_block();
  crash_points_read(envp);
  crash_point("start");
  switch (options_read(argv, &launcher.options)) {
    case OPTIONS_HELP:
      return print(options_help);
    case OPTIONS_VERSION:
      return print(VERSION_OF(TPROC_VERSION_MAJOR, TPROC_VERSION_MINOR, TPROC_VERSION_PATCH));
    case OPTIONS_WRONG:
      return WIRE_EXIT_NO_HOST;
    case OPTIONS_RUN:
      break;
  }
  const int failed = prepare(envp);
  const struct outcome outcome = failed != 0 ? (struct outcome){.exit_code = failed} : run();
  witness_end(&launcher.witness);
  if (launcher.terminal.used) guardian_end(&launcher.terminal);
  return outcome_end(outcome);
}
