/*
 * A program that was started for a client: its end, its stops, those of its launcher, and the loss of its client. It
 * knows nothing of connections: it reports to the server (dispatch.h), which tells the client.
 */
#ifndef TPROC_SERVER_CLIENT_PROGRAM_H
#define TPROC_SERVER_CLIENT_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/workers.h"
#include "host/launch_info.h"
#include "server/options.h"
#include "server/watch.h"
#include "tproc_core.h"

/**
 * What is known of a program and its launcher. A launcher stops when it hears that its program has; and who stops a
 * launcher (SIGSTOP) means its program, too. Who continues a program means its launcher.
 *
 *                 the program      the program    the launcher      the launcher
 *                 stops            continues      stops             continues
 *   RUNNING       STOPPED, told    -              HELD, by SIGSTOP  -
 *   STOPPED       STOPPED, told    RUNNING, told  BOTH_STOPPED      -
 *   BOTH_STOPPED  the same, told   AHEAD, told,   -                 STOPPED
 *                                  with SIGCONT
 *   AHEAD         BOTH_STOPPED,    -              -                 RUNNING
 *                 told
 *   HELD          - (our doing)    -              -                 RUNNING, by SIGCONT
 *
 * From each of these to DETACHED when the client is lost, and to ENDED when the process ends; from DETACHED to ENDED,
 * from ENDED to GONE when its exit has been collected.
 */
enum client_program_state {
  CLIENT_PROGRAM_RUNNING,      /**< both run */
  CLIENT_PROGRAM_STOPPED,      /**< the program is stopped, and its launcher has been told so */
  CLIENT_PROGRAM_BOTH_STOPPED, /**< the launcher is stopped, too */
  CLIENT_PROGRAM_AHEAD,        /**< the program runs again, and its launcher does not yet */
  CLIENT_PROGRAM_HELD,         /**< the launcher was stopped, and we have stopped the program */
  CLIENT_PROGRAM_DETACHED,     /**< it has no client; only its end matters */
  CLIENT_PROGRAM_ENDED,        /**< it is asked for its exit again and again: a debugger that holds it sees it first */
  CLIENT_PROGRAM_GONE          /**< freed when the events of this round have been handled */
};

struct client_program {
  enum watch watch;
  enum client_program_state state;
  struct client_program *previous, *next;
  struct tproc_threadproc *threadproc;
  /** The server's note: whom to tell; NULL: its client is lost. Not looked into here. */
  struct connection *connection;
  pid_t launcher;
  int launcher_pidfd;                              /**< -1: not known */
  bool outlive;                                    /**< it is not hung up when its client is lost */
  bool tell_crash;                                 /**< the server's note: its client wants to hear of a crash */
  bool exec_told;                                  /**< the server's note: watchers know what came of its execve */
  uint64_t next_look, look_closely_until, kill_at; /**< milliseconds; kill_at 0: never */
};

/** All client programs of a server. */
struct client_programs {
  int events; /**< the server's epoll set */
  const struct server_options *options;
  struct workers *helpers;
  struct client_program *first, *gone;
};

/** What a launcher is told of its running program. */
enum client_program_news { CLIENT_PROGRAM_NO_NEWS, CLIENT_PROGRAM_HAS_STOPPED, CLIENT_PROGRAM_HAS_CONTINUED };

/**
 * Watches a threadproc that was launched for a client.
 *
 * @param socket the client's connection; -1: it is lost, and the caller goes on with client_program_lose_client
 * @return NULL and an error on failure; then the threadproc is still the caller's
 */
struct client_program *client_program_open(struct client_programs *programs, struct tproc_threadproc *threadproc,
                                           const struct launch_client *launcher, int socket, bool outlive,
                                           struct tproc_error *error);

/**
 * The process has ended: collects its exit. Then the program is gone, and its threadproc is to be released.
 *
 * @param wait whether to wait for the end
 * @return 0 and *exit; -EAGAIN: it has not ended, or a debugger has to see its end first, and client_program_tick
 *     asks for another try; or another negative errno when the exit cannot be known
 */
int client_program_collect(struct client_programs *programs, struct client_program *program, bool wait,
                           struct tproc_exit *exit, struct tproc_error *error);

/** Kills it if that is due. @return whether it is to be looked at now: collected if ENDED, asked for news otherwise */
bool client_program_tick(struct client_program *program, uint64_t now);

/** When client_program_tick may have something to do, in milliseconds; UINT64_MAX: not before another event. */
uint64_t client_program_due(const struct client_program *program);

/** The next of its stops and continuations that its launcher has to be told. @param signal what has stopped it */
enum client_program_news client_program_next(struct client_program *program, int *signal);

/** The client asks to look closely for a while. */
void client_program_look_closely(struct client_program *program, uint64_t now);

/** The client is lost: the program is hung up, unless it may outlive. */
void client_program_lose_client(const struct client_programs *programs, struct client_program *program);

/** Closes a threadproc, killed if need be, on a helper: releasing much memory takes a while. */
void client_program_release(const struct client_programs *programs, struct tproc_threadproc *threadproc);

/** Frees those that are gone. */
void client_programs_free_gone(struct client_programs *programs);

#endif
