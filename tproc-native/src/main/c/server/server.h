/*
 * A listening host. All of it belongs to the server's one thread, which never waits for a client or a program: what may
 * take long is a request that a worker carries out.
 *
 *   server          opening, closing, the thread's loop
 *   dispatch        what the parts report, and who hears of it; the parts do not know of each other:
 *   accept            new connections, and the refusal of those too many
 *   connection        what comes and goes on one connection, and until when it has to
 *   request, work     a whole frame becomes a request; what the workers do: launch, list, send a signal
 *   client_program    the programs that run: their end, their stops, the loss of their client
 *   socket, discard, options, watch   what they share: the socket's file, getting rid of what clients have passed,
 *                     limits and times, whose an event is
 *   notify_service    on its own: what systemd is told
 */
#ifndef TPROC_SERVER_H
#define TPROC_SERVER_H

#include <pthread.h>
#include <stdbool.h>

#include "server/accept.h"
#include "server/client_program.h"
#include "server/connection.h"
#include "server/options.h"
#include "server/request.h"
#include "server/socket.h"
#include "tproc_core.h"

struct tproc_server {
  struct tproc_host *host;
  struct server_options options;
  struct server_socket socket;
  pthread_t thread;
  int events;                       /**< epoll set */
  int news;                         /**< eventfd: requests are done, or the server is to stop */
  bool stopping;                    /**< atomic */
  struct detached_workers *closers; /**< of what clients have passed */
  struct acceptor acceptor;
  struct connections connections;
  struct requests requests;
  struct client_programs programs;
};

/** tproc_server_open with options of a test's choice. */
int server_open(struct tproc_host *host, const char *path, const struct server_options *options,
                struct tproc_server **server, struct tproc_error *error);

#endif
