/*
 * A process that gives the user's terminal its modes back when the launcher has been killed with SIGKILL. It holds
 * nothing but the terminal and a pipe whose end tells it of the launcher's death.
 */
#ifndef TPROC_LAUNCHER_GUARDIAN_H
#define TPROC_LAUNCHER_GUARDIAN_H

#include "terminal.h"

/** Starts one. Without it (no process to be had) everything works, but a SIGKILL leaves the terminal raw. */
void guardian_start(struct terminal *terminal);

/** The terminal is about to be raw; terminal->saved are the modes to go back to. */
void guardian_tell_raw(const struct terminal *terminal);

/** The terminal has its modes back: there is nothing left to do. */
void guardian_tell_restored(const struct terminal *terminal);

/** Ends it, and waits until it has ended. */
void guardian_end(struct terminal *terminal);

#endif
