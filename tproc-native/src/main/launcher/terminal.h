/* The user's terminal, and the one that the program gets in its place. */
#ifndef TPROC_LAUNCHER_TERMINAL_H
#define TPROC_LAUNCHER_TERMINAL_H

#include <asm/termbits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"

enum terminal_kind {
  TERMINAL_NONE,
  TERMINAL_OWN,  /**< it is the program's standard input and output */
  TERMINAL_APART /**< the program keeps the user's descriptors, and finds it as /dev/tty */
};

struct terminal {
  bool used;             /**< the program gets a terminal of its own */
  bool apart;            /**< TERMINAL_APART: bytes are relayed only while the program has it open */
  int user;              /**< the user's terminal that is read from, -1: standard input is none */
  int sized;             /**< a terminal of the user's that has a size, -1: there is none */
  int master, slave;     /**< of the program's terminal; -1 when it has been hung up */
  bool raw;              /**< the user's terminal is in raw mode */
  struct termios2 saved; /**< its modes before that */
  struct termios2 set;   /**< those that it has been given */
  bool modes_due;        /**< the program's terminal gets the user's modes in the foreground, if it has these still: */
  struct termios2 made;
  uint64_t device; /**< of the program's terminal, terminal_device */
  int guardian;    /**< a pipe to the guardian, -1: there is none */
  int guardian_pid;
};

bool terminal_is_one(int descriptor);

/** Whether the program is to have a terminal of its own. A controlling terminal is the session's, whatever 0-2 are. */
enum terminal_kind terminal_wanted(enum terminal_choice choice);

/**
 * Makes the program's terminal, with the modes and the size of the user's.
 *
 * @param kind not TERMINAL_NONE
 * @return 0 or a negative errno, and then nothing is left open
 */
int terminal_open(struct terminal *terminal, enum terminal_kind kind);

/** Whether a descriptor is the controlling terminal of this process. */
bool terminal_is_controlling(int descriptor);

/** Closes the launcher's end of a terminal that is apart: only then it can be told whether the program has it open. */
void terminal_let_go(struct terminal *terminal);

/**
 * Whether any process has the program's terminal open, other than as its controlling one.
 *
 * @param readable receives whether there is output of it
 */
bool terminal_is_in_use(const struct terminal *terminal, bool *readable);

/** Whether the user's terminal makes a line's end into two characters. */
bool terminal_adds_returns(const struct terminal *terminal);

/** A device's number in one; 0: not known. */
uint64_t terminal_device(int directory, const char *path);

/**
 * Whether the user's terminal listens to this process: it is in the foreground, or the terminal is not one with jobs.
 */
bool terminal_is_foreground(const struct terminal *terminal);

/** Lets bytes through as they are; only in the foreground. The guardian knows beforehand. */
void terminal_make_raw(struct terminal *terminal);

/**
 * A terminal that is apart shares the user's with what writes there directly: the treatment of output and of ^C are
 * those that the program has chosen for its own.
 */
void terminal_follow_modes(struct terminal *terminal);

/** Gives the user's terminal its modes back. */
void terminal_restore(struct terminal *terminal);

/** Gives the program's terminal the size of the user's; its foreground job then gets a SIGWINCH. */
void terminal_copy_size(const struct terminal *terminal);

/** Takes the program's terminal away from it, as when a modem line breaks. */
void terminal_hang_up(struct terminal *terminal);

/** The modes of the program's terminal. @return false: it has been hung up */
bool terminal_program_modes(const struct terminal *terminal, struct termios2 *modes);

/**
 * The signals that a terminal makes of what is typed (^C, ^\\, ^Z).
 *
 * @param quoted the byte before was one that quotes the next (^V)
 */
uint64_t terminal_signals_of(const struct termios2 *modes, const unsigned char *bytes, size_t size, bool *quoted);

/** Whether the user's terminal lets no background job write to it (stty tostop). */
bool terminal_stops_writers(const struct terminal *terminal);

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
