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
 * In the background: stops the program if it waits for input of its terminal, or has written to it and the user's lets
 * no background job write (TOSTOP), as the kernel would if it had the user's.
 */
void forward_use_in_background(struct session *session);

/**
 * The user has typed what makes `signals`, which the program's terminal has sent to its foreground job. If that is the
 * program's own group, the user's terminal would have sent them to the launcher's: what waits for the launcher (a
 * script, make) gets SIGINT and SIGQUIT by this. And the kernel has dropped SIGTSTP, since the program's group is
 * orphaned, in a session without a shell: this makes up for it.
 */
void forward_typed(struct session *session, uint64_t signals);

#endif
