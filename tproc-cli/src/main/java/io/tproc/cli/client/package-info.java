/**
 * Talks to a listening host as docs/protocol.md says: lists threadprocs, lists their memory, sends
 * signals. The C header {@code wire.h} has the same structures, in the same order.
 *
 * <p>Whatever a host sends is checked before it is used, also sizes against what has arrived.
 */
@NullMarked
package io.tproc.cli.client;

import org.jspecify.annotations.NullMarked;
