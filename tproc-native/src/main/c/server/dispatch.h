/*
 * What connections, requests and client programs report, and who hears of it. They do not know of each other: only here
 * are they brought together, so each call leads from here to one of them and back.
 */
#ifndef TPROC_SERVER_DISPATCH_H
#define TPROC_SERVER_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "server/server.h"

void dispatch_connection_event(struct tproc_server *server, struct connection *connection, uint32_t events);

/** A worker has done its part. Frees the request. */
void dispatch_request_done(struct tproc_server *server, struct request *request);

/** The process has ended. @param wait whether to wait for the end */
void dispatch_program_end(struct tproc_server *server, struct client_program *program, bool wait);

/** What is due in all of them. */
void dispatch_tick(struct tproc_server *server, uint64_t now);

/** Tells all clients, and closes their connections, also of those that do not read. */
void dispatch_fail_all(struct tproc_server *server, const struct tproc_error *error);

#endif
