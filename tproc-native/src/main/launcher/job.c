#include "job.h"

#include <signal.h>

#include "proc_file.h"
#include "signals.h"
#include "system.h"

/*
 * POSIX: a group is orphaned when no member has a parent that is in another group of the same session. Only this
 * process's own line of parents is looked at: from a wrapper in the same group up to the shell.
 */
bool job_is_orphaned(void) {
  struct process_stat self;
  if (!proc_read_stat(sys_pid(), &self)) return false;
  for (int parent = self.parent; parent > 0;) {
    struct process_stat stat;
    if (!proc_read_stat(parent, &stat) || stat.session != self.session) return true;
    if (stat.group != self.group) return false;
    parent = stat.parent;
  }
  return true;
}

/*
 * The signal is blocked here and stays pending until it is let through. The SIGCONT that ends the stop is not to be
 * passed on: the caller continues the program, and a second one would end the stop that the program makes next.
 */
void job_stop(int signal, bool whole_job) {
  const uint64_t this_one = signal_bit(signal);
  sys_kill(whole_job ? 0 : sys_pid(), signal);
  raw_syscall4(SYS_rt_sigprocmask, SIG_UNBLOCK, &this_one, NULL, SIGNAL_SET_SIZE); /* it stops here */
  raw_syscall4(SYS_rt_sigprocmask, SIG_BLOCK, &this_one, NULL, SIGNAL_SET_SIZE);
  signals_discard(signal_bit(SIGCONT));
}
