#include "forward.h"

#include "job.h"
#include "proc_file.h"
#include "system.h"

#define READ_LOOK_MILLISECONDS 200

/* What an editor takes at most to stop for a ^Z. */
#define TYPED_STOP_MILLISECONDS 5000

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
    session->stop_signal = signal;
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
  const bool from_terminal = is_from_terminal(taken);
  if (taken->ssi_code <= 0 && (int)taken->ssi_pid == sys_pid()) return false; /* EPIPE's SIGPIPE: the launcher's own */
  const bool group = from_terminal || (taken->ssi_code == SI_USER && witness_has_seen(session->witness, signal));
  if (is_terminal_stop(signal)) {
    forward_terminal_stop(session, taken, group);
    return false;
  }
  if (signal == SIGWINCH && session->relay != NULL) {
    terminal_copy_size(session->terminal); /* its terminal tells the program, if the size is another */
    if (from_terminal) return false;
  }
  if (group)
    hosted_signal_group(&session->hosted, signal);
  else
    hosted_pass_on(&session->hosted, taken);
  return (SIGNALS_NOT_ENDING & signal_bit(signal)) == 0;
}

/* With the whole job, as the terminal would. */
static void stop_program(struct session *session, int signal) {
  session->stop_signal = signal;
  session->whole_job = true;
  hosted_signal_group(&session->hosted, SIGSTOP);
  ask_to_look(session);
}

static void stop_typed(struct session *session) {
  if (!hosted_has_default(&session->hosted, SIGTSTP)) {
    session->typed_stop_until = sys_milliseconds() + TYPED_STOP_MILLISECONDS; /* its handler may stop it */
    ask_to_look(session);
  } else if (!job_is_orphaned())
    stop_program(session, SIGTSTP);
}

/* A shell with jobs of its own would natively be in a group of its own, too. The launcher does not pass on its own. */
static void interrupt_job(const struct session *session, uint64_t signals) {
  if (session->terminal->user < 0 || !session->relay->foreground || hosted_controls_jobs(&session->hosted)) return;
  if ((signals & signal_bit(SIGINT)) != 0) sys_kill(0, SIGINT);
  if ((signals & signal_bit(SIGQUIT)) != 0) sys_kill(0, SIGQUIT);
}

/* A terminal whose session is over has no foreground group: the program has ended of what was typed. */
void forward_typed(struct session *session, uint64_t signals) {
  if (signals == 0) return;
  const int group = terminal_foreground_group(session->terminal);
  const int leader = proc_pid_of(session->hosted.pidfd);
  if (group != 0 && group != leader) return;
  interrupt_job(session, signals);
  if (leader > 0 && (signals & signal_bit(SIGTSTP)) != 0) stop_typed(session);
}

/* A handler decides; what ignores the signal goes on. */
static void stop_in_background(struct session *session, int signal) {
  if (hosted_has_default(&session->hosted, signal))
    stop_program(session, signal);
  else
    hosted_signal_group(&session->hosted, signal);
}

void forward_use_in_background(struct session *session) {
  const int64_t now = sys_milliseconds();
  if (now < session->next_look || session->stop_signal == SIGTTIN || session->stop_signal == SIGTTOU) return;
  session->next_look = now + READ_LOOK_MILLISECONDS;
  const bool writes = relay_holds_output(session->relay);
  if (!writes && !hosted_reads(&session->hosted, session->terminal->device)) return;
  if (!job_is_orphaned()) stop_in_background(session, writes ? SIGTTOU : SIGTTIN);
  if (writes && session->stop_signal == 0) relay_show_held(session->relay);
}
