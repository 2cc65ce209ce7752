/*
 * THE CHILD: DANGEROUS GROUND.
 *
 * Between the clone and the program's entry this code runs in a new process that still has the host thread's thread
 * pointer (fs on x86_64, tpidr_el0 on aarch64) and shares all of the host's memory. So here, and in everything called
 * from here:
 *
 *   - raw system calls only: no libc function, no errno (it is the host thread's!), no thread-local variable;
 *   - no stack protector (its canary lives behind the thread pointer) and no sanitizer (its state is per thread);
 *   - nothing that the compiler may turn into a call of memcpy or memset: no struct copies, no large initialisers;
 *   - nothing is allocated, nothing locked.
 *
 * Whatever can be checked beforehand was checked by the launching thread. The steps left can only fail through a race
 * (a directory that becomes unreadable) or a restriction (seccomp); they are reported through the plan, in shared
 * memory.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "raw_syscall.h"
#include "tproc_core.h"
#include "trampoline.h"

#if defined(__x86_64__)
#include <asm/prctl.h>
#endif

#define FOREIGN_THREAD_POINTER no_stack_protector, no_sanitize("address", "undefined")
#define CHILD_CODE static __attribute__((FOREIGN_THREAD_POINTER))

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define FIRST_UNUSED 3
#define ALL_FOLLOWING (~0u)
#define SIGNAL_COUNT 64

/* struct sigaction as the kernel has it; SIG_DFL is all zero. */
struct kernel_sigaction {
  uint64_t handler, flags, restorer, mask;
};

CHILD_CODE __attribute__((noreturn)) void give_up(struct child_plan *plan, enum child_step step, long result) {
  plan->failed_errno = (int)-result;
  __atomic_store_n(&plan->failed_step, (uint32_t)step, __ATOMIC_RELEASE);
  for (;;) raw_syscall1(SYS_exit_group, 127); /* the kernel then sets plan->state to CHILD_GONE and wakes the waiter */
}

/*
 * The parent-death signal is sent when the *thread* that cloned ends; the host's own thread lives as long as the host.
 * A host that died before the prctl is noticed by the changed parent.
 */
CHILD_CODE void tie_to_host(struct child_plan *plan) {
  long result = raw_syscall2(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  if (result < 0) give_up(plan, CHILD_STEP_LIFELINE, result);
  if (raw_syscall0(SYS_getppid) != plan->host_pid) give_up(plan, CHILD_STEP_LIFELINE, -ESRCH);
}

/*
 * The descriptor table is still shared: the listener that the kernel puts into it is the host's. Without
 * WAIT_KILLABLE_RECV (before 5.19) a signal may interrupt a call that the broker is answering.
 */
CHILD_CODE void raise_fence(struct child_plan *plan) {
  long result = raw_syscall5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (result < 0) give_up(plan, CHILD_STEP_FENCE, result);
  result = raw_syscall3(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &plan->fence);
  if (result == -EINVAL)
    result = raw_syscall3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &plan->fence);
  if (result < 0) give_up(plan, CHILD_STEP_FENCE, result);
  plan->listener = (int)result;
}

/* CLONE_CLEAR_SIGHAND leaves ignored signals ignored, and the fallback to clone() leaves everything: reset them all. */
CHILD_CODE void reset_signals(struct child_plan *plan) {
  struct kernel_sigaction default_action;
  default_action.handler = 0;
  default_action.flags = 0;
  default_action.restorer = 0;
  default_action.mask = 0;
  for (int signal = 1; signal <= SIGNAL_COUNT; signal++) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    long result = raw_syscall4(SYS_rt_sigaction, signal, &default_action, 0, sizeof default_action.mask);
    if (result < 0) give_up(plan, CHILD_STEP_SIGNALS, result);
  }
}

CHILD_CODE void close_between(struct child_plan *plan, unsigned first, unsigned last) {
  if (first > last) return;
  long result = raw_syscall3(SYS_close_range, first, last, 0);
  if (result < 0) give_up(plan, CHILD_STEP_OWN_DESCRIPTORS, result);
}

/* Closes everything from 3 on except `kept`: also when the table is full, stdio then finds free numbers. */
CHILD_CODE void close_all_but(struct child_plan *plan, const int *kept, int count) {
  unsigned from = FIRST_UNUSED;
  for (;;) {
    int next = -1; /* the lowest kept descriptor at or above from */
    for (int i = 0; i < count; i++)
      if (kept[i] >= 0 && (unsigned)kept[i] >= from && (next < 0 || kept[i] < next)) next = kept[i];
    if (next < 0) break;
    if ((unsigned)next > from) close_between(plan, from, (unsigned)next - 1);
    from = (unsigned)next + 1;
  }
  close_between(plan, from, ALL_FOLLOWING);
}

/*
 * Sources that are themselves 0-2 are first moved out of the way, so every permutation works; dup3 with flags 0 leaves
 * close-on-exec clear. The working directory's descriptor is kept until it has been used.
 */
CHILD_CODE void place_stdio(struct child_plan *plan) {
  int kept[4];
  kept[3] = plan->directory;
  for (int i = 0; i < 3; i++) kept[i] = plan->stdio[i];
  close_all_but(plan, kept, 4);
  for (int i = 0; i < 4; i++) {
    if (kept[i] < 0 || kept[i] >= FIRST_UNUSED) continue;
    long moved = raw_syscall3(SYS_fcntl, kept[i], F_DUPFD_CLOEXEC, FIRST_UNUSED);
    if (moved < 0) give_up(plan, CHILD_STEP_STDIO, moved);
    kept[i] = (int)moved;
  }
  for (int target = 0; target < 3; target++) {
    long result = kept[target] >= 0 ? raw_syscall3(SYS_dup3, kept[target], target, 0) : raw_syscall1(SYS_close, target);
    if (result < 0 && kept[target] >= 0) give_up(plan, CHILD_STEP_STDIO, result);
  }
  long result = raw_syscall1(SYS_fchdir, kept[3]);
  if (result < 0) give_up(plan, CHILD_STEP_DIRECTORY, result);
  close_between(plan, FIRST_UNUSED, ALL_FOLLOWING);
}

CHILD_CODE void announce(struct child_plan *plan) {
  __atomic_store_n(&plan->state, (uint32_t)CHILD_RUNNING, __ATOMIC_RELEASE);
  raw_syscall3(SYS_futex, &plan->state, FUTEX_WAKE, 1);
}

__attribute__((FOREIGN_THREAD_POINTER)) void child_main(void *argument) {
  struct child_plan *plan = argument;
  tie_to_host(plan);
  raise_fence(plan);
  raw_syscall2(SYS_prctl, PR_SET_NAME, plan->name);
  reset_signals(plan);
  long result = raw_syscall1(SYS_unshare, CLONE_FILES);
  if (result < 0) give_up(plan, CHILD_STEP_OWN_DESCRIPTORS, result);
  place_stdio(plan);
  if (plan->umask != TPROC_UMASK_INHERIT) raw_syscall1(SYS_umask, plan->umask);
  plan->abi->pid = (int32_t)raw_syscall0(SYS_getpid);

#if defined(__x86_64__)
  /* The program sets its own; until then a stray access faults in the child instead of hitting the host thread. */
  raw_syscall2(SYS_arch_prctl, ARCH_SET_FS, 0);
  raw_syscall2(SYS_arch_prctl, ARCH_SET_GS, 0);
#endif

  const uint64_t entry = plan->entry;
  const uint64_t stack_pointer = plan->stack_pointer;
  announce(plan);
  uint64_t no_signals = 0;
  raw_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, 0, sizeof no_signals);
  trampoline_enter(entry, stack_pointer);
}

const char *child_step_name(enum child_step step) {
  switch (step) {
    case CHILD_STEP_LIFELINE:
      return "tie the process to its host (prctl PR_SET_PDEATHSIG)";
    case CHILD_STEP_FENCE:
      return "raise the fence (seccomp with a listener; a host inside a threadproc or a sandbox with a listener "
             "cannot)";
    case CHILD_STEP_SIGNALS:
      return "reset signal dispositions (rt_sigaction)";
    case CHILD_STEP_OWN_DESCRIPTORS:
      return "get an own descriptor table (unshare, close_range)";
    case CHILD_STEP_STDIO:
      return "place stdin, stdout, stderr (dup3)";
    case CHILD_STEP_DIRECTORY:
      return "change to the working directory (fchdir)";
    case CHILD_STEP_NONE:
      break;
  }
  return "start";
}
