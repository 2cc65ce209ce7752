/*
 * A listening host, as its parts see it. All of it belongs to the server's one thread, which never waits for a client
 * or a program: what may take long is a request that a worker carries out.
 *
 *   server.c             opening, closing, the thread's loop
 *   server_socket.c      the socket's file
 *   server_accept.c      new connections, and the refusal of those too many
 *   server_connection.c  what comes and goes on one connection, and until when it has to
 *   server_request.c     a whole frame becomes a request, its answer frames
 *   server_discard.c     getting rid of what clients have passed
 *   server_work.c        what the workers do: launch, list, send a signal
 *   server_attached.c    the programs that run: their end, their stops, the loss of their client
 */
#ifndef TPROC_SERVER_H
#define TPROC_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/workers.h"
#include "host/launch.h"
#include "server/socket.h"
#include "tproc_core.h"
#include "wire/frame.h"
#include "wire/wire.h"

/** What is fixed in use, and smaller in tests. */
struct server_options {
  unsigned request_milliseconds; /**< for a client to send a whole request, or to read what it was sent */
  unsigned queue_milliseconds;   /**< for a launch to begin */
  unsigned hangup_milliseconds;  /**< for a program whose client is lost, from SIGHUP to SIGKILL */
  unsigned most_launches;        /**< at the same time */
  unsigned most_connections;
  int (*launch)(struct tproc_host *host, const struct tproc_launch *launch, const struct launch_client *client,
                struct tproc_threadproc **threadproc, struct tproc_error *error); /**< launch_for */
};

extern const struct server_options server_default_options;

/** tproc_server_open with options of a test's choice. */
int server_open(struct tproc_host *host, const char *path, const struct server_options *options,
                struct tproc_server **server, struct tproc_error *error);

/** What an event of the server's epoll set is about; the first member of what it is about. */
enum watch { WATCH_SOCKET, WATCH_NEWS, WATCH_CONNECTION, WATCH_CLIENT_PROGRAM };

struct connection {
  enum watch watch;
  bool gone;   /**< closed; freed when the events of this round have been handled */
  bool ending; /**< to be closed when everything has been sent */
  struct connection *previous, *next;
  int socket;
  uint32_t events; /**< waited for */
  struct launch_client peer;
  struct frame frame;      /**< arriving */
  uint64_t frame_deadline; /**< milliseconds; 0: none */
  char *output;            /**< not sent yet */
  size_t output_size;
  uint64_t output_deadline;
  struct request *request;        /**< being carried out; nothing is read meanwhile */
  struct client_program *program; /**< started here, and not ended yet */
};

/** A client's request, from its whole frame to its answer. */
struct request {
  struct work work;
  struct tproc_server *server;
  struct connection *connection; /**< NULL: the client is lost. The server's thread alone looks at it. */
  struct request *previous, *next;
  struct launch_client client;
  struct frame frame;
  uint64_t begin_deadline; /**< of a launch, milliseconds */

  /* By the worker: */
  int failed; /**< 0 or a negative errno */
  struct tproc_error error;
  enum wire_type answer;
  char *payload; /**< of the answer */
  size_t payload_size;
  bool outlive;
  struct tproc_threadproc *threadproc; /**< launched */
};

/** A program that was started for a client. */
struct client_program {
  enum watch watch;
  bool gone;
  struct client_program *previous, *next;
  struct tproc_threadproc *threadproc;
  struct connection *connection; /**< NULL: nobody is attached */
  pid_t launcher;
  int launcher_pidfd; /**< -1 when nobody is attached */
  bool outlive;
  bool uncollected; /**< it has ended, and is asked for its exit again and again */
  bool launcher_stopped;
  bool held;                                       /**< stopped by us, because its launcher is */
  bool stopped;                                    /**< its launcher has been told so */
  uint64_t next_look, look_closely_until, kill_at; /**< milliseconds; kill_at 0: never */
};

struct tproc_server {
  struct tproc_host *host;
  struct server_options options;
  struct server_socket socket;
  pthread_t thread;
  int events;                        /**< epoll set */
  int news;                          /**< eventfd: requests are done, or the server is to stop */
  int spare;                         /**< a descriptor to give up when there are no more; -1: given up */
  bool stopping;                     /**< atomic */
  bool accepting;                    /**< the socket is watched */
  uint64_t accept_at;                /**< when it is to be watched again */
  struct workers launchers, helpers; /**< the latter do what is to work while launches hang */
  struct connection *connections, *gone_connections;
  size_t connection_count;
  struct request *requests; /**< launches that have not been answered */
  struct client_program *programs, *gone_programs;
};

/* server_accept.c */
void server_accept(struct tproc_server *server);
void server_accept_tick(struct tproc_server *server, uint64_t now);
/** @return 0 or a negative errno */
int server_watch_socket(struct tproc_server *server, struct tproc_error *error);

/* server_connection.c */
/** Takes over the socket in any case. @return NULL on failure, then the socket is closed */
struct connection *connection_open(struct tproc_server *server, int socket, const struct launch_client *peer);
void connection_event(struct tproc_server *server, struct connection *connection, uint32_t events);
void connection_tick(struct tproc_server *server, struct connection *connection, uint64_t now);
/** Sends a frame, or notes it for later. A connection that fails is closed. `descriptor` is -1 or sent at once. */
void connection_send(struct tproc_server *server, struct connection *connection, enum wire_type type,
                     const void *payload, size_t size, int descriptor);
void connection_fail(struct tproc_server *server, struct connection *connection, const struct tproc_error *error,
                     int exit_code);
/** Closes it as soon as everything has been sent. */
void connection_end(struct tproc_server *server, struct connection *connection);
void connection_close(struct tproc_server *server, struct connection *connection);
/** Waits for what the connection's state calls for. */
void connection_update(struct tproc_server *server, struct connection *connection);
/** Sends a FAILED without waiting, on a socket that is about to be closed. */
void connection_refuse(int socket, int code, const char *message);

/* server_request.c */
/** Makes a request of connection->frame, which is whole, and empties it. */
void request_begin(struct tproc_server *server, struct connection *connection);
/** The worker has done its part. Frees the request. */
void request_done(struct tproc_server *server, struct request *request);
/** Nobody waits for the answer any more. */
void request_abandon(struct request *request);
void request_tick(struct tproc_server *server, struct request *request, uint64_t now);
/* server_discard.c */
/**
 * Frees a frame that is not wanted any more and closes its descriptors, and a connection's socket (-1: none) with those
 * that have not been read: on a helper when there are any, since closing a client's descriptor may block.
 */
void discard(struct tproc_server *server, struct frame *frame, int socket);

/* server_work.c */
void work_launch(struct work *work);
void work_list(struct work *work);
void work_maps(struct work *work);
void work_signal(struct work *work);

/* server_attached.c*/
/** Watches a threadproc that was launched for `connection` (NULL: which is lost). @return 0 or a negative errno */
int client_program_open(struct tproc_server *server, struct tproc_threadproc *threadproc, struct connection *connection,
                        const struct launch_client *launcher, bool outlive, struct tproc_error *error);
/** It has ended: tells its client, and releases it. @param wait whether to wait for the end */
void client_program_end(struct tproc_server *server, struct client_program *program, bool wait);
void client_program_tick(struct tproc_server *server, struct client_program *program, uint64_t now);
/** The client asks to look closely for a while. */
void client_program_look(struct tproc_server *server, struct client_program *program);
/** The client is lost: the program is hung up, unless it may outlive. */
void client_program_lose_client(struct tproc_server *server, struct client_program *program);
/** Closes a threadproc, killed if need be, on a helper: releasing much memory takes a while. */
void client_program_release(struct tproc_server *server, struct tproc_threadproc *threadproc);

#endif
