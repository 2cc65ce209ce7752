/* The user's terminal, and the one that the program gets in its place. */
#ifndef TPROC_LAUNCHER_TERMINAL_H
#define TPROC_LAUNCHER_TERMINAL_H

#include <asm/termbits.h>
#include <stdbool.h>

#include "options.h"

struct terminal {
  bool used;             /**< the program gets a terminal of its own */
  int user;              /**< the user's terminal that is read from, -1: standard input is none */
  int sized;             /**< a terminal of the user's that has a size, -1: there is none */
  int master, slave;     /**< of the program's terminal; -1 when it has been hung up */
  bool raw;              /**< the user's terminal is in raw mode */
  struct termios2 saved; /**< its modes before that */
  int guardian;          /**< a pipe to the guardian, -1: there is none */
  int guardian_pid;
};

bool terminal_is_one(int descriptor);

/** Whether the program is to have a terminal of its own. */
bool terminal_is_wanted(enum terminal_choice choice);

/**
 * Makes the program's terminal, with the modes and the size of the user's.
 *
 * @return 0 or a negative errno, and then nothing is left open
 */
int terminal_open(struct terminal *terminal);

/**
 * Whether the user's terminal listens to this process: it is in the foreground, or the terminal is not one with jobs.
 */
bool terminal_is_foreground(const struct terminal *terminal);

/** Lets bytes through as they are; only in the foreground. The guardian knows beforehand. */
void terminal_make_raw(struct terminal *terminal);

/** Gives the user's terminal its modes back. */
void terminal_restore(struct terminal *terminal);

/** Gives the program's terminal the size of the user's; its foreground job then gets a SIGWINCH. */
void terminal_copy_size(const struct terminal *terminal);

/** Takes the program's terminal away from it, as when a modem line breaks. */
void terminal_hang_up(struct terminal *terminal);

/** Whether `byte` asks the program's terminal to stop the foreground job (^Z). */
bool terminal_is_stop(const struct terminal *terminal, unsigned char byte);

/** The process group in the foreground of the program's terminal, or 0. */
int terminal_foreground_group(const struct terminal *terminal);

/**
 * The byte that means the end of input on the program's terminal: to the terminal itself, or, when the program reads
 * byte by byte as shells do, to the program. -1: there is none.
 */
int terminal_end_of_input(const struct terminal *terminal);

/** Modes in which nothing is changed, shown, or answered with a signal. */
struct termios2 terminal_raw_modes(struct termios2 modes);

#endif
