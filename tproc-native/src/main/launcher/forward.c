#include "forward.h"

#include "job.h"
#include "proc_file.h"
#include "system.h"

#define READ_LOOK_MILLISECONDS 200

/* From the terminal to all of its foreground group. Other signals of the kernel's, a timer's, mean one process. */
static bool is_from_terminal(const struct signalfd_siginfo *taken) {
  if (taken->ssi_code != SI_KERNEL) return false;
  switch (taken->ssi_signo) {
    case SIGHUP:
    case SIGINT:
    case SIGQUIT:
    case SIGTSTP:
    case SIGWINCH:
      return true;
    default:
      return false;
  }
}

static bool is_terminal_stop(int signal) { return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU; }

/* The host is to look soon whether the program is stopped. When it takes nothing, it will look a little later. */
static void ask_to_look(const struct session *session) {
  struct outgoing look = {.header = wire_header_for(WIRE_LOOK, 0, 0)};
  outgoing_send(session->connection, &look);
}

/*
 * For the terminal's stop signals the kernel asks whether a shell is there to continue the group, and drops them if
 * not. In the program's own session there never is; here there may be: then SIGSTOP, about which it does not ask, does
 * what the default action is. A program that handles the signal gets the signal.
 */
static void forward_terminal_stop(struct session *session, const struct signalfd_siginfo *taken, bool group) {
  int signal = (int)taken->ssi_signo;
  if (hosted_has_default(&session->hosted, signal)) {
    if (job_is_orphaned()) return;
    signal = SIGSTOP;
  }
  if (group)
    hosted_signal_group(&session->hosted, signal);
  else
    hosted_signal(&session->hosted, signal);
  ask_to_look(session);
}

bool forward_signal(struct session *session, const struct signalfd_siginfo *taken) {
  const int signal = (int)taken->ssi_signo;
  const bool group = is_from_terminal(taken);
  if (taken->ssi_code <= 0 && (int)taken->ssi_pid == sys_pid()) return false; /* EPIPE's SIGPIPE: the launcher's own */
  if (is_terminal_stop(signal)) {
    forward_terminal_stop(session, taken, group);
    return false;
  }
  if (signal == SIGWINCH && session->relay != NULL) {
    terminal_copy_size(session->terminal); /* its terminal tells the program, if the size is another */
    if (group) return false;
  }
  if (group)
    hosted_signal_group(&session->hosted, signal);
  else
    hosted_pass_on(&session->hosted, taken);
  return (SIGNALS_NOT_ENDING & signal_bit(signal)) == 0;
}

void forward_typed_stop(struct session *session) {
  const int leader = proc_pid_of(session->hosted.pidfd);
  if (leader <= 0 || terminal_foreground_group(session->terminal) != leader) return;
  if (!hosted_has_default(&session->hosted, SIGTSTP)) {
    ask_to_look(session); /* its handler may stop it */
    return;
  }
  if (job_is_orphaned()) return;
  session->typed_stop = true;
  hosted_signal_group(&session->hosted, SIGSTOP);
  ask_to_look(session);
}

void forward_read_in_background(struct session *session) {
  const int64_t now = sys_milliseconds();
  if (now < session->next_look || session->read_stop) return;
  session->next_look = now + READ_LOOK_MILLISECONDS;
  if (!hosted_reads(&session->hosted, session->terminal->device) || job_is_orphaned()) return;
  if (!hosted_has_default(&session->hosted, SIGTTIN)) {
    hosted_signal_group(&session->hosted, SIGTTIN); /* its handler decides; one that ignores it goes on waiting */
    return;
  }
  session->read_stop = true;
  hosted_signal_group(&session->hosted, SIGSTOP);
  ask_to_look(session);
}
