/*
 * A process of the launcher's process group that takes the same signals as the launcher, when they are for the whole
 * group: the kernel tells nobody whether a signal was for one process or for its group. It holds nothing but a socket.
 */
#ifndef TPROC_LAUNCHER_WITNESS_H
#define TPROC_LAUNCHER_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "signals.h"

struct witness {
  int pid;                     /**< 0: there is none */
  int socket;                  /**< to it */
  uint16_t seen[SIGNAL_COUNT]; /**< how many of signal n+1 for the group the launcher has yet to take */
  int64_t seen_at;             /**< in sys_milliseconds */
};

/**
 * Starts one. Without it (no process to be had) a signal for the group is one for the launcher alone. Signals that came
 * before it are not known to it.
 */
void witness_start(struct witness *witness);

/**
 * Whether the signal that the launcher has just taken was one that another process has sent to the whole group. When
 * two of a number that are no real-time signals come at once, they may count as one.
 */
bool witness_has_seen(struct witness *witness, int signal);

/** Ends it, if there is one, and waits until it has ended. */
void witness_end(struct witness *witness);

#endif
