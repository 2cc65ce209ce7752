/* What was typed for the program and not read by it. */
#ifndef TPROC_LAUNCHER_TYPED_AHEAD_H
#define TPROC_LAUNCHER_TYPED_AHEAD_H

#include "relay.h"

/**
 * After the program's end, while the user's terminal is still raw, so that nothing is shown twice: puts it back into
 * that, for the shell. Where the kernel lets nobody do that (dev.tty.legacy_tiocsti) it is lost.
 */
void typed_ahead_put_back(const struct relay *relay);

#endif
