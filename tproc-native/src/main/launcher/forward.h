/* What becomes of a signal that was sent to the launcher. */
#ifndef TPROC_LAUNCHER_FORWARD_H
#define TPROC_LAUNCHER_FORWARD_H

#include "session.h"
#include "signals.h"

/** How long the host may keep silent about a program that is gone, after a signal that ends programs. */
#define FORWARD_PATIENCE_MILLISECONDS 2000

/**
 * Passes a signal on to the program, or to its process group when it came from the terminal.
 *
 * @return whether it is one that ends programs
 */
bool forward_signal(struct session *session, const struct signalfd_siginfo *taken);

/**
 * In the background: stops the program if it waits for input of its terminal, as the kernel would if it had the user's.
 */
void forward_read_in_background(struct session *session);

/**
 * The user has typed what stops the foreground job. If that is the program's own group, which is orphaned, in a session
 * without a shell, the kernel has dropped the terminal's SIGTSTP: this makes up for it.
 */
void forward_typed_stop(struct session *session);

#endif
