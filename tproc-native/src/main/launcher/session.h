/* The time in which the program runs: signals go to it, its terminal is relayed, its stops and its end are followed. */
#ifndef TPROC_LAUNCHER_SESSION_H
#define TPROC_LAUNCHER_SESSION_H

#include "host_connection.h"
#include "hosted.h"
#include "outcome.h"
#include "relay.h"
#include "witness.h"

struct session {
  const char *socket;  /**< path, for messages */
  const char *program; /**< its name, for messages */
  struct host_connection *connection;
  struct hosted hosted;
  int signals; /**< of signals_open, for all signals */
  struct terminal *terminal;
  struct relay *relay;      /**< NULL: the program has the user's descriptors themselves */
  int stop_signal;          /**< by which the next stop would natively be: the terminal's; 0: none of them */
  bool whole_job;           /**< the next stop is the whole job's, as of what the user has typed */
  int64_t typed_stop_until; /**< until when a program that handles ^Z, and was told of one, stops itself for it: then
                               the stop is the whole job's */
  int64_t next_look;        /**< when to look again whether a background job reads */
  struct witness *witness;  /**< of signals for the whole process group */
  int64_t witness_at;       /**< when to start it; 0: no more */
  int64_t gone_deadline;    /**< 0, or when the host must have said how the program has ended */
  size_t crash_size;        /**< of what the host has said of its crash; 0: nothing */
  char crash[WIRE_CRASH_TEXT_MAX];
};

/** Follows the program to its end, and then leaves the user's terminal as it was. */
struct outcome session_run(struct session *session);

#endif
