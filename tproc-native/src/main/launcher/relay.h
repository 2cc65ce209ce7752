/* Bytes between the user's terminal and the program's. */
#ifndef TPROC_LAUNCHER_RELAY_H
#define TPROC_LAUNCHER_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "terminal.h"

#define RELAY_ENTRIES 3

struct relay_buffer {
  size_t start, end;
  unsigned char bytes[4096];
};

struct relay {
  struct terminal *terminal;
  int input, output; /**< the user's; input is -1 when it has ended */
  bool output_never_blocks;
  bool foreground;            /**< the user's terminal is ours to read */
  bool open;                  /**< somebody has the program's terminal open; always, unless it is apart */
  int watch;                  /**< epoll: readable when there was output on a terminal that is apart */
  int64_t look_closely_until; /**< it has just been used: it may soon be opened again */
  bool held;                  /**< in the background of a terminal that lets no background job write (TOSTOP) */
  bool lets_pass;             /**< all the same */
  bool quoted;                /**< what was typed last quotes the next byte */
  bool line_begun;            /**< the last byte of input was not the end of a line */
  int end_bytes;              /**< bytes still to be written that mean the end of input */
  struct relay_buffer typed, shown;
};

/** @param terminal with a program's terminal */
void relay_start(struct relay *relay, struct terminal *terminal);

/** Looks whether the user's terminal is ours: then it is made raw and read, otherwise left alone. */
void relay_check_foreground(struct relay *relay);

/** Fills in what to wait for: RELAY_ENTRIES entries. */
void relay_prepare(const struct relay *relay, struct pollfd entries[RELAY_ENTRIES]);

/** Whether the program has written what a background job may not write. */
bool relay_holds_output(const struct relay *relay);

/** It may, until it is in the foreground once more. */
void relay_show_held(struct relay *relay);

/** Looks whether a terminal that is apart is in use: only then the user's is made raw and read. */
void relay_look(struct relay *relay);

/** After how many milliseconds to look again, whatever happens; -1: never. */
long relay_timeout(const struct relay *relay);

/**
 * Moves what can be moved.
 *
 * @return the signals that the program's terminal makes of what the user has typed
 */
uint64_t relay_move(struct relay *relay, const struct pollfd entries[RELAY_ENTRIES]);

/**
 * After the program's end: shows what it has written. Children of the program that go on writing are not waited for.
 *
 * @param interrupt a descriptor that ends this when it is readable
 */
void relay_drain(struct relay *relay, int interrupt);

#endif
