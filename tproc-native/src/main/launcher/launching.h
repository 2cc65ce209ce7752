/* From the command line to a running program: connect, ask, wait for the answer. */
#ifndef TPROC_LAUNCHER_LAUNCHING_H
#define TPROC_LAUNCHER_LAUNCHING_H

#include "host_connection.h"
#include "outcome.h"
#include "signals.h"

enum launched { LAUNCHED, NOT_LAUNCHED };

/**
 * Connects to the host. When that fails, standard error has been told why.
 *
 * @param outcome how the launcher ends when the host cannot be had
 */
enum launched launching_connect(struct host_connection *connection, const char *socket, struct patience *patience,
                                struct outcome *outcome);

/**
 * Sends the request and waits until the program runs.
 *
 * @param pidfd receives the program's pidfd
 */
enum launched launching_ask(struct host_connection *connection, const char *socket, struct outgoing *request,
                            struct patience *patience, int *pidfd, struct outcome *outcome);

/** Says what a FAILED says, and gives the exit code that it asks for. */
struct outcome launching_failed(const struct answer *answer);

#endif
