#include "session.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

#include "crash_points.h"
#include "forward.h"
#include "guardian.h"
#include "job.h"
#include "launching.h"
#include "message.h"
#include "signals.h"
#include "system.h"
#include "typed_ahead.h"

#define GONE_MILLISECONDS 10000

/* What ends sooner does without a fork more; it hardly has processes that a signal for the group would be for. */
#define WITNESS_AFTER_MILLISECONDS 20

enum { SOCKET, SIGNALS, PROGRAM, RELAY, ENTRIES = RELAY + RELAY_ENTRIES };

static void leave_terminal(struct session *session) {
  if (session->relay == NULL) return;
  terminal_restore(session->terminal);
  crash_point("restored");
  guardian_end(session->terminal);
}

static struct outcome fail(struct session *session, const char *before, const char *after) {
  leave_terminal(session);
  message(before, session->socket, after, NULL);
  return (struct outcome){.exit_code = WIRE_EXIT_NO_HOST};
}

/*
 * The program has been stopped: the launcher stops too, so that the shell sees it, and continues the program when it is
 * continued itself. A host's word may be old: the program may run again. A program that handles ^Z, or reads it, stops
 * itself by SIGTSTP when it is ready for that; the rest of the job is to stop, too, as it would natively have been by
 * the terminal or the program's signal to its group (negative).
 */
static void follow_stop(struct session *session, int told) {
  const bool itself = session->stop_signal == 0 && (told == SIGTSTP || told == -SIGTSTP);
  const int signal = itself ? SIGTSTP : session->stop_signal != 0 ? session->stop_signal : SIGSTOP;
  const bool whole_job = session->whole_job || (itself && (told < 0 || sys_milliseconds() < session->typed_stop_until));
  session->stop_signal = 0;
  session->whole_job = false;
  session->typed_stop_until = 0;
  if (!hosted_is_stopped(&session->hosted)) return;
  if (session->relay != NULL) terminal_restore(session->terminal);
  const bool in_background = whole_job && (signal == SIGTTIN || signal == SIGTTOU);
  if (!in_background || !terminal_is_foreground(session->terminal)) /* it may have come to the foreground since */
    job_stop(signal, whole_job);
  if (session->relay != NULL) {
    relay_check_foreground(session->relay);
    terminal_copy_size(session->terminal);
  }
  hosted_signal_group(&session->hosted, SIGCONT);
}

/* It is said when the terminal is the user's again. */
static void note_crash(struct session *session, const struct answer *answer) {
  session->crash_size = answer->size - sizeof(struct wire_crashed);
  memcpy(session->crash, answer->payload + sizeof(struct wire_crashed), session->crash_size);
}

/* A line of where it was, and one of its registers. */
static void tell_crash(const struct session *session) {
  if (session->crash_size == 0) return;
  const char *end = memchr(session->crash, '\n', session->crash_size);
  const size_t size = end != NULL ? (size_t)(end - session->crash) : session->crash_size;
  message_about(session->program, " crashed: ", session->crash, size);
  if (end != NULL) message_text(end + 1, session->crash_size - size - 1);
}

static struct outcome follow_end(struct session *session, const struct answer *answer) {
  struct wire_ended ended;
  memcpy(&ended, answer->payload, sizeof ended);
  crash_point("ended");
  if (session->relay != NULL) {
    if (relay_holds_output(session->relay) && !job_is_orphaned()) job_stop(SIGTTOU, true);
    /* These end the wait for a terminal that takes no bytes. */
    signals_choose(session->signals,
                   signal_bit(SIGHUP) | signal_bit(SIGINT) | signal_bit(SIGQUIT) | signal_bit(SIGTERM));
    relay_drain(session->relay, session->signals);
    typed_ahead_put_back(session->relay);
  }
  leave_terminal(session);
  tell_crash(session);
  return outcome_of(ended.kind, ended.status);
}

static int told_signal(const struct answer *answer) {
  struct wire_stopped stopped;
  memcpy(&stopped, answer->payload, sizeof stopped);
  return stopped.signal;
}

/* True at the end; *outcome is then set. */
static bool take_answers(struct session *session, struct outcome *outcome) {
  for (;;) {
    struct answer answer;
    switch (host_connection_receive(session->connection, &answer)) {
      case RECEIVED_NOTHING:
        return false;
      case RECEIVED_END:
        *outcome = fail(session, "the host at ", " has ended, and its programs with it");
        return true;
      case RECEIVED_INVALID:
        *outcome = fail(session, "the host at ", " has sent what is not of this protocol");
        return true;
      case RECEIVED_ANSWER:
        break;
    }
    if (answer.type == WIRE_ENDED) {
      *outcome = follow_end(session, &answer);
      return true;
    }
    if (answer.type == WIRE_FAILED) {
      leave_terminal(session);
      *outcome = launching_failed(&answer);
      return true;
    }
    if (answer.type == WIRE_CRASHED) note_crash(session, &answer);
    if (answer.type == WIRE_STOPPED) follow_stop(session, told_signal(&answer));
  }
}

static void take_signals(struct session *session) {
  struct signalfd_siginfo taken;
  while (signals_take(session->signals, &taken)) {
    if (taken.ssi_signo == SIGCONT && session->relay != NULL) relay_check_foreground(session->relay);
    if (forward_signal(session, &taken) && session->gone_deadline != 0)
      session->gone_deadline = sys_milliseconds() + FORWARD_PATIENCE_MILLISECONDS;
  }
}

static long until(int64_t deadline) {
  const int64_t left = deadline - sys_milliseconds();
  return left < 0 ? 0 : (long)left;
}

static long next_timeout(const struct session *session) {
  if (session->gone_deadline != 0) return until(session->gone_deadline);
  const long relay = session->relay != NULL ? relay_timeout(session->relay) : -1;
  if (session->witness_at == 0) return relay;
  const long witness = until(session->witness_at);
  return relay < 0 || witness < relay ? witness : relay;
}

static void start_witness(struct session *session) {
  if (session->witness_at == 0 || session->gone_deadline != 0 || sys_milliseconds() < session->witness_at) return;
  session->witness_at = 0;
  witness_start(session->witness);
}

static void wait_for_events(struct session *session, struct pollfd entries[ENTRIES]) {
  entries[SOCKET] = (struct pollfd){.fd = session->connection->socket, .events = POLLIN};
  entries[SIGNALS] = (struct pollfd){.fd = session->signals, .events = POLLIN};
  entries[PROGRAM] = (struct pollfd){.fd = session->gone_deadline == 0 ? session->hosted.pidfd : -1, .events = POLLIN};
  unsigned count = RELAY;
  if (session->relay != NULL) {
    relay_prepare(session->relay, entries + RELAY);
    count = ENTRIES;
  }
  if (sys_poll(entries, count, next_timeout(session)) < 0)
    for (unsigned i = 0; i < count; i++) entries[i].revents = 0;
}

struct outcome session_run(struct session *session) {
  session->witness_at = sys_milliseconds() + WITNESS_AFTER_MILLISECONDS;
  for (;;) {
    struct pollfd entries[ENTRIES];
    struct outcome outcome;
    wait_for_events(session, entries);
    if (entries[PROGRAM].revents != 0) session->gone_deadline = sys_milliseconds() + GONE_MILLISECONDS;
    if (entries[SIGNALS].revents != 0) take_signals(session);
    start_witness(session);
    if (session->relay != NULL) {
      relay_look(session->relay);
      if (!session->relay->foreground) relay_check_foreground(session->relay);
      if (!session->relay->foreground) forward_use_in_background(session);
      forward_typed(session, relay_move(session->relay, entries + RELAY));
    }
    if (entries[SOCKET].revents != 0 && take_answers(session, &outcome)) return outcome;
    if (session->gone_deadline != 0 && sys_milliseconds() >= session->gone_deadline)
      return fail(session, "the program has ended, but the host at ", " does not say how: it hangs");
  }
}
