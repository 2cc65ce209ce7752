#include "outcome.h"

#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/kernel_sigaction.h"
#include "signals.h"
#include "system.h"
#include "tproc_core.h"
#include "wire/wire.h"

struct outcome outcome_of(uint32_t kind, int32_t status) {
  if (kind == TPROC_EXITED) return (struct outcome){.exit_code = status & 0xff};
  if ((kind == TPROC_SIGNALLED || kind == TPROC_CORE_DUMPED) && status >= 1 && status <= SIGNAL_COUNT)
    return (struct outcome){.signal = status};
  return (struct outcome){.exit_code = WIRE_EXIT_NO_HOST};
}

int outcome_end(struct outcome outcome) {
  if (outcome.signal == 0) return outcome.exit_code;
  /* The core that matters is the program's. A limit of 0 does not keep a kernel from piping a core to a handler. */
  const struct rlimit64 none = {.rlim_cur = 0, .rlim_max = 0};
  raw_syscall4(SYS_prlimit64, 0, RLIMIT_CORE, &none, NULL);
  raw_syscall5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
  const struct kernel_sigaction default_action = {0};
  raw_syscall4(SYS_rt_sigaction, outcome.signal, &default_action, NULL, SIGNAL_SET_SIZE);
  const uint64_t this_one = signal_bit(outcome.signal);
  sys_kill(sys_pid(), outcome.signal);
  raw_syscall4(SYS_rt_sigprocmask, SIG_UNBLOCK, &this_one, NULL, SIGNAL_SET_SIZE);
  return 128 + outcome.signal;
}
