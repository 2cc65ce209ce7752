/*
 * THE CHILD. Few things are allowed here.
 *
 * Between the clone and the program's entry this code runs in a new process that still has the host thread's thread
 * pointer (fs on x86_64, tpidr_el0 on aarch64) and shares all of the host's memory. So here, and in everything called
 * from here:
 *
 *   - raw system calls only: no libc function, no errno (it is the host thread's!), no thread-local variable;
 *   - no stack protector (its canary is found through the thread pointer) and no sanitizer (its state is per thread);
 *   - nothing that the compiler may turn into a call of memcpy or memset: no struct copies, no large initialisers;
 *   - nothing is allocated, nothing locked.
 *
 * Whatever can be checked beforehand was checked by the launching thread. The steps left can only fail through a race
 * (a directory that becomes unreadable) or a restriction (seccomp); they are reported through the plan, in shared
 * memory.
 */
#include "spawn/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "base/compat.h"
#include "base/kernel_sigaction.h"
#include "base/raw_syscall.h"
#include "base/trampoline.h"
#include "spawn/child_steps.h"
#include "tproc_core.h"

#if defined(__x86_64__)
#include <asm/prctl.h>
#endif

#define CHILD_CODE static __attribute__((FOREIGN_THREAD_POINTER))

/* Of the kernel's headers; those that have them are not there everywhere, or are the C library's own. */
#define IOPRIO_WHO_PROCESS 1
#define ASK_PERSONALITY 0xffffffffu

/* More than that are being sent without an end. */
#define FORGOTTEN_MAX 1024

CHILD_STEP_CODE void child_give_up_at(struct child_plan *plan, enum child_step step, int number, long result) {
  plan->failed_errno = (int)-result;
  plan->failed_number = number;
  __atomic_store_n(&plan->failed_step, (uint32_t)step, __ATOMIC_RELEASE);
  /* The kernel then sets plan->state to CHILD_GONE, with a plain store, and wakes the waiter. A release orders what is
     before it, not that later store; the fence makes sure that who sees CHILD_GONE sees the step. */
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  for (;;) raw_syscall1(SYS_exit_group, 127);
}

CHILD_STEP_CODE void child_give_up(struct child_plan *plan, enum child_step step, long result) {
  child_give_up_at(plan, step, -1, result);
}

/*
 * The parent-death signal is sent when the *thread* that cloned ends; the host's own thread lives as long as the host.
 * A host that died before the prctl is noticed by the changed parent.
 */
CHILD_CODE void tie_to_host(struct child_plan *plan) {
  long result = raw_syscall2(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  if (result < 0) child_give_up(plan, CHILD_STEP_LIFELINE, result);
  if (raw_syscall0(SYS_getppid) != plan->host_pid) child_give_up(plan, CHILD_STEP_LIFELINE, -ESRCH);
}

/*
 * The descriptor table is still shared: the listener that the kernel puts into it is the spawner's. Without
 * WAIT_KILLABLE_RECV (before 5.19) a signal may interrupt a call that the broker is answering.
 */
CHILD_CODE void raise_fence(struct child_plan *plan) {
  long result = raw_syscall5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (result < 0) child_give_up(plan, CHILD_STEP_FENCE, result);
  result = raw_syscall3(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &plan->fence);
  if (result == -EINVAL)
    result = raw_syscall3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &plan->fence);
  if (result < 0) child_give_up(plan, CHILD_STEP_FENCE, result);
  plan->notify_fd = (int)result;
}

CHILD_STEP_CODE void child_join_group(struct child_plan *plan) {
  long result = raw_syscall2(SYS_setpgid, 0, plan->group);
  if (result < 0) child_give_up(plan, CHILD_STEP_GROUP, result);
}

CHILD_STEP_CODE void child_open_session(struct child_plan *plan) {
  if (!plan->session) return;
  long result = raw_syscall0(SYS_setsid);
  if (result < 0) child_give_up(plan, CHILD_STEP_SESSION, result);
}

CHILD_STEP_CODE void child_forget_signals(struct child_plan *plan, uint64_t forgotten) {
  const struct timespec at_once = {0, 0};
  struct kernel_sigaction ignoring;
  ignoring.handler = 1; /* SIG_IGN */
  ignoring.flags = 0;
  ignoring.restorer = 0;
  ignoring.mask = 0;
  for (int signal = 1; signal <= SIGNAL_COUNT; signal++) {
    if ((plan->ignored_signals >> (signal - 1) & 1) == 0) continue;
    const long result = raw_syscall4(SYS_rt_sigaction, signal, &ignoring, 0, sizeof ignoring.mask);
    if (result < 0) child_give_up(plan, CHILD_STEP_SIGNALS, result);
  }
  for (unsigned taken = 0; taken < FORGOTTEN_MAX; taken++)
    if (raw_syscall4(SYS_rt_sigtimedwait, &forgotten, 0, &at_once, sizeof forgotten) < 0) return;
}

/* CLONE_CLEAR_SIGHAND leaves ignored signals ignored, and the fallback to clone() leaves everything: set them all. */
CHILD_CODE void reset_signals(struct child_plan *plan) {
  struct kernel_sigaction action;
  action.flags = 0;
  action.restorer = 0;
  action.mask = 0;
  for (int signal = 1; signal <= SIGNAL_COUNT; signal++) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    action.handler = plan->ignored_signals >> (signal - 1) & 1;
    long result = raw_syscall4(SYS_rt_sigaction, signal, &action, 0, sizeof action.mask);
    if (result < 0) child_give_up(plan, CHILD_STEP_SIGNALS, result);
  }
}

/*
 * A copy of the spawner's table has nothing in it whose closing could wait: sockets, pidfds, listeners. (The first call
 * names a range in which no descriptor can be: it copies the table and closes nothing. unshare(CLONE_FILES) would do
 * the same, but containers' default profiles forbid unshare.)
 */
CHILD_CODE void get_own_descriptors(struct child_plan *plan) {
  const int socket = *plan->socket;
  long result = raw_syscall3(SYS_close_range, ~0u, ~0u, CLOSE_RANGE_UNSHARE);
  if (result >= 0 && socket > 0) result = raw_syscall3(SYS_close_range, 0, socket - 1, 0);
  if (result >= 0) result = raw_syscall3(SYS_close_range, socket + 1, ~0u, 0);
  if (result >= 0 && socket > 0) result = raw_syscall3(SYS_fcntl, socket, F_DUPFD_CLOEXEC, 0);
  if (result >= 0 && socket > 0) raw_syscall1(SYS_close, socket);
  if (result < 0) child_give_up(plan, CHILD_STEP_OWN_DESCRIPTORS, result);
}

CHILD_STEP_CODE size_t child_receive_packet(struct child_plan *plan, int socket, union child_packet *packet) {
  char byte;
  struct iovec part;
  struct msghdr message;
  part.iov_base = &byte;
  part.iov_len = 1;
  message.msg_name = 0;
  message.msg_namelen = 0;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = packet->room;
  message.msg_controllen = sizeof packet->room;
  message.msg_flags = 0;
  const long result = raw_syscall3(SYS_recvmsg, socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (result < 0) child_give_up(plan, CHILD_STEP_RECEIVE_DESCRIPTORS, result);
  if (message.msg_controllen < CMSG_LEN(sizeof(int)) || (message.msg_flags & MSG_CTRUNC) != 0)
    child_give_up(plan, CHILD_STEP_RECEIVE_DESCRIPTORS, -EMFILE);
  return (packet->head.cmsg_len - CMSG_LEN(0)) / sizeof(int);
}

/* A limit that cannot be raised shows in what then fails. */
CHILD_STEP_CODE void child_allow_descriptors(struct child_plan *plan) {
  if (plan->files_while_placing.hard != 0) raw_syscall4(SYS_prlimit64, 0, RLIMIT_NOFILE, &plan->files_while_placing, 0);
}

/* The kernel gives each the lowest number that is free, so they have those that the steps count on. */
CHILD_CODE void receive_descriptors(struct child_plan *plan) {
  union child_packet packet;
  child_allow_descriptors(plan);
  for (size_t got = 0; got < plan->received_count;) got += child_receive_packet(plan, 0, &packet);
}

/*
 * Before the descriptors are placed: the working directory's own is then one that may be overwritten, and its number
 * keeps a place free in a table that is full.
 */
CHILD_CODE void enter_directory(struct child_plan *plan) {
  long result = raw_syscall1(SYS_fchdir, plan->directory);
  if (result < 0) child_give_up(plan, CHILD_STEP_DIRECTORY, result);
}

/* dup3 with flags 0 leaves close-on-exec clear. */
CHILD_CODE void place_descriptors(struct child_plan *plan) {
  for (size_t i = 0; i < plan->descriptor_step_count; i++) {
    const struct descriptor_step *step = &plan->descriptor_steps[i];
    enum child_step failing = CHILD_STEP_PLACE_DESCRIPTORS;
    long result;
    if (step->action == DESCRIPTOR_COPY) {
      result = raw_syscall3(SYS_dup3, step->from, step->to, 0);
    } else if (step->action == DESCRIPTOR_KEEP) {
      result = raw_syscall3(SYS_fcntl, step->from, F_SETFD, 0);
    } else {
      failing = CHILD_STEP_CLOSE_DESCRIPTORS;
      result = raw_syscall3(SYS_close_range, step->from, step->to, 0);
    }
    if (result < 0) child_give_up_at(plan, failing, (int)step->to, result);
  }
}

CHILD_STEP_CODE void child_take_terminal(struct child_plan *plan, int terminal) {
  long result = raw_syscall3(SYS_ioctl, terminal, TIOCSCTTY, 0);
  if (result < 0) child_give_up(plan, CHILD_STEP_TERMINAL, result);
}

/* Without the right to it the host's value stays, unless the launch wants it or nothing. */
CHILD_CODE void unless_forbidden(struct child_plan *plan, enum child_step step, long result) {
  if (result >= 0 || (!plan->exact && (result == -EACCES || result == -EPERM))) return;
  child_give_up(plan, step, result);
}

/* Before the limits: RLIMIT_NICE may take the right to it. */
CHILD_CODE void set_nice(struct child_plan *plan) {
  if (!plan->nice_set) return;
  unless_forbidden(plan, CHILD_STEP_NICE, raw_syscall3(SYS_setpriority, PRIO_PROCESS, 0, plan->nice));
}

/* A kernel without block devices has no such priorities; then there is none to be lost. */
CHILD_CODE void set_io_priority(struct child_plan *plan) {
  if (!plan->io_priority_set) return;
  const long result = raw_syscall3(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, plan->io_priority);
  if (result == -ENOSYS && !plan->exact) return;
  unless_forbidden(plan, CHILD_STEP_IO_PRIORITY, result);
}

/* A task's own, also where memory is shared. What the host's already is needs no right. */
CHILD_CODE void set_personality(struct child_plan *plan) {
  if (!plan->personality_set || raw_syscall1(SYS_personality, ASK_PERSONALITY) == (long)plan->personality) return;
  unless_forbidden(plan, CHILD_STEP_PERSONALITY, raw_syscall1(SYS_personality, plan->personality));
}

/* EINVAL: a cpuset keeps the host from all of these CPUs. */
CHILD_CODE void set_affinity(struct child_plan *plan) {
  if (plan->cpu_words == 0) return;
  const long result = raw_syscall3(SYS_sched_setaffinity, 0, plan->cpu_words * sizeof *plan->cpus, plan->cpus);
  if (result == -EINVAL && !plan->exact) return;
  unless_forbidden(plan, CHILD_STEP_AFFINITY, result);
}

/* The nice value stays. After all else that may take long: with SCHED_IDLE the host would wait for it. */
CHILD_CODE void set_scheduling(struct child_plan *plan) {
  if (!plan->policy_set) return;
  const int priority = plan->priority; /* the kernel's struct sched_param */
  unless_forbidden(plan, CHILD_STEP_SCHEDULING, raw_syscall3(SYS_sched_setscheduler, 0, plan->policy, &priority));
}

/* A hard limit above the own one takes a privilege; the own is then the nearest that can be had. */
CHILD_CODE long set_limit_below_own(const struct tproc_limit *wanted, int resource) {
  struct tproc_limit limit;
  long result = raw_syscall4(SYS_prlimit64, 0, resource, 0, &limit);
  if (result < 0) return result;
  limit.soft = wanted->soft < limit.hard ? wanted->soft : limit.hard;
  result = raw_syscall4(SYS_prlimit64, 0, resource, &limit, 0);
  return result == -EPERM ? 0 : result; /* RLIMIT_NOFILE above a fs.nr_open that was lowered: nothing can be set */
}

CHILD_CODE void set_limits(struct child_plan *plan) {
  for (int resource = 0; resource < TPROC_LIMIT_COUNT; resource++) {
    if ((plan->limits_set >> resource & 1) == 0) continue;
    long result = raw_syscall4(SYS_prlimit64, 0, resource, &plan->limits[resource], 0);
    if (result == -EPERM && !plan->exact) result = set_limit_below_own(&plan->limits[resource], resource);
    if (result < 0) child_give_up_at(plan, CHILD_STEP_LIMITS, resource, result);
  }
}

CHILD_CODE void await_change(struct child_plan *plan, uint32_t state) {
  while (__atomic_load_n(&plan->state, __ATOMIC_ACQUIRE) == state)
    raw_syscall4(SYS_futex, &plan->state, FUTEX_WAIT, state, 0);
}

/* A tracer that comes later would miss what the program does first. */
CHILD_CODE void await_tracer(struct child_plan *plan) {
  if (!plan->traced) return;
  __atomic_store_n(&plan->state, (uint32_t)CHILD_UNTRACED, __ATOMIC_RELEASE);
  raw_syscall3(SYS_futex, &plan->state, FUTEX_WAKE, 1);
  await_change(plan, CHILD_UNTRACED);
}

/* Release: who sees CHILD_RUNNING (await_child acquires it) also sees the listener and everything else written here. */
CHILD_CODE void announce(struct child_plan *plan) {
  __atomic_store_n(&plan->state, (uint32_t)CHILD_RUNNING, __ATOMIC_RELEASE);
  raw_syscall3(SYS_futex, &plan->state, FUTEX_WAKE, 1);
}

/*
 * A stop (SIGSTOP) would be the business of whose job this is: a launcher stops with its program. A debugger that
 * attaches interrupts the wait. SIGCONT is taken while it is blocked, so no debugger and no disposition hides it.
 */
CHILD_CODE void await_continuation(uint64_t blocked_signals) {
  const uint64_t awaited = 1ull << (SIGCONT - 1);
  const uint64_t blocked = blocked_signals | awaited;
  raw_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, 0, sizeof blocked);
  while (raw_syscall4(SYS_rt_sigtimedwait, &awaited, 0, 0, sizeof awaited) == -EINTR) continue;
}

/* The kernel then sets plan->state to CHILD_GONE, as at an end: the child has left the memory. */
CHILD_CODE void execute(struct child_plan *plan) {
  if (plan->executed == 0) return;
  raw_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &plan->blocked_signals, 0, sizeof plan->blocked_signals);
  child_give_up(plan, CHILD_STEP_EXECUTE, raw_syscall3(SYS_execve, plan->executed, plan->argv, plan->envp));
}

/* The program sets its own; until then a stray access faults in the child instead of hitting the host thread. */
CHILD_CODE void forget_thread_pointer(void) {
#if defined(__x86_64__)
  raw_syscall2(SYS_arch_prctl, ARCH_SET_FS, 0);
  raw_syscall2(SYS_arch_prctl, ARCH_SET_GS, 0);
#endif
}

CHILD_STEP_CODE void child_take_attributes(struct child_plan *plan) {
  set_nice(plan);
  set_io_priority(plan);
  set_personality(plan);
  set_affinity(plan);
  set_scheduling(plan);
  set_limits(plan);
  if (plan->umask != TPROC_UMASK_INHERIT) raw_syscall1(SYS_umask, plan->umask);
}

CHILD_CODE void take_state(struct child_plan *plan) {
  receive_descriptors(plan);
  enter_directory(plan);
  if (plan->terminal != 0) child_take_terminal(plan, plan->terminal);
  place_descriptors(plan);
  child_take_attributes(plan);
}

/* What the program runs ahead with: a group of its own, and the socket, which no program that it executes gets. */
CHILD_CODE void keep_link(struct child_plan *plan) {
  if (plan->link == 0) return;
  long result = raw_syscall2(SYS_setpgid, 0, 0);
  if (result < 0) child_give_up(plan, CHILD_STEP_GROUP, result);
  result = raw_syscall3(SYS_fcntl, plan->link, F_SETFD, FD_CLOEXEC);
  if (result >= 0) result = child_identify(plan->link, &plan->link_identity);
  if (result < 0) child_give_up_at(plan, CHILD_STEP_PLACE_DESCRIPTORS, plan->link, result);
}

__attribute__((FOREIGN_THREAD_POINTER)) void child_main(void *argument) {
  struct child_plan *plan = argument;
  tie_to_host(plan);
  raise_fence(plan);
  raw_syscall2(SYS_prctl, PR_SET_NAME, plan->name);
  child_open_session(plan);
  reset_signals(plan);
  get_own_descriptors(plan);
  take_state(plan);
  keep_link(plan);
  execute(plan);
  plan->abi->pid = (int32_t)raw_syscall0(SYS_getpid);
  await_tracer(plan);
  forget_thread_pointer();

  const uint64_t entry = plan->entry;
  const uint64_t stack_pointer = plan->stack_pointer;
  const uint64_t blocked_signals = plan->blocked_signals;
  const bool held = plan->held;
  announce(plan);
  if (held) await_continuation(blocked_signals);
  raw_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &blocked_signals, 0, sizeof blocked_signals);
  trampoline_enter(entry, stack_pointer);
}

CHILD_STEP_CODE void child_say_ready(int socket) {
  const char word = CHILD_READY;
  raw_syscall6(SYS_sendto, socket, (long)&word, 1, MSG_NOSIGNAL, 0, 0);
}

CHILD_STEP_CODE void child_await_release(struct child_plan *plan, int socket) {
  await_change(plan, CHILD_RUNNING);
  __atomic_store_n(&plan->state, (uint32_t)CHILD_PREPARED, __ATOMIC_RELEASE);
  child_say_ready(socket);
  await_change(plan, CHILD_PREPARED);
}

CHILD_STEP_CODE void child_begin_to_run(struct child_plan *plan) {
  uint32_t released = CHILD_STARTING;
  if (__atomic_compare_exchange_n(&plan->state, &released, (uint32_t)CHILD_RUNNING, false, __ATOMIC_ACQ_REL,
                                  __ATOMIC_ACQUIRE))
    return;
  for (;;) raw_syscall1(SYS_exit_group, 127);
}

/* The thread pointer is the program's by now, if its linker has run. The stack above is written to meanwhile. */
static __attribute__((FOREIGN_THREAD_POINTER, noreturn)) void child_wait(void *argument, uint64_t program_entry) {
  struct child_plan *plan = argument;
  raw_syscall3(SYS_close_range, 1, ~0u, 0);
  child_await_release(plan, 0);
  raw_syscall2(SYS_prctl, PR_SET_NAME, plan->name);
  child_join_group(plan);
  child_open_session(plan);
  child_forget_signals(plan, ~0ull);
  take_state(plan);

  const uint64_t entry = plan->entry;
  const uint64_t returned = plan->linker_returned;
  const uint64_t stack_pointer = plan->stack_pointer;
  const uint64_t blocked_signals = plan->blocked_signals;
  const int socket = plan->last_socket;
  const bool linked = plan->linker_load != 0;
  child_begin_to_run(plan);
  child_say_ready(socket);
  raw_syscall1(SYS_close, socket);
  raw_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &blocked_signals, 0, sizeof blocked_signals);
  if (linked) trampoline_resume_linker(returned, stack_pointer, program_entry);
  trampoline_enter(entry, stack_pointer);
}

/* What the linker says it says to the socket, and so to who prepares: then an ordinary start is to say it. */
CHILD_CODE void listen_to_linker(void) {
  raw_syscall3(SYS_dup3, 0, 1, 0);
  raw_syscall3(SYS_dup3, 0, 2, 0);
}

__attribute__((FOREIGN_THREAD_POINTER)) void child_prepare(void *argument) {
  struct child_plan *plan = argument;
  tie_to_host(plan);
  raise_fence(plan);
  raw_syscall2(SYS_prctl, PR_SET_NAME, plan->name);
  raw_syscall2(SYS_setpgid, 0, 0);
  reset_signals(plan);
  get_own_descriptors(plan);
  raw_syscall1(SYS_chdir, "/");
  listen_to_linker();
  plan->abi->pid = (int32_t)raw_syscall0(SYS_getpid);
  forget_thread_pointer();

  const uint64_t load = plan->linker_load;
  const uint64_t stack_pointer = plan->stack_pointer;
  announce(plan);
  if (load == 0) child_wait(plan, 0);
  trampoline_call_linker(load, stack_pointer, child_wait, plan);
}

const char *child_step_name(enum child_step step) {
  switch (step) {
    case CHILD_STEP_LIFELINE:
      return "tie the process to its host (prctl PR_SET_PDEATHSIG)";
    case CHILD_STEP_FENCE:
      return "raise the fence (seccomp with a listener; a host inside a threadproc or a sandbox with a listener "
             "cannot)";
    case CHILD_STEP_GROUP:
      return "join the host's process group (setpgid)";
    case CHILD_STEP_SESSION:
      return "open a session (setsid)";
    case CHILD_STEP_SIGNALS:
      return "set signal dispositions (rt_sigaction)";
    case CHILD_STEP_OWN_DESCRIPTORS:
      return "get an own descriptor table (close_range)";
    case CHILD_STEP_RECEIVE_DESCRIPTORS:
      return "receive its descriptors (recvmsg)";
    case CHILD_STEP_DIRECTORY:
      return "change to the working directory (fchdir)";
    case CHILD_STEP_PLACE_DESCRIPTORS:
      return "place descriptors (dup3)";
    case CHILD_STEP_CLOSE_DESCRIPTORS:
      return "close all other descriptors (close_range)";
    case CHILD_STEP_TERMINAL:
      return "make a terminal the controlling one (ioctl TIOCSCTTY; that of another session cannot be had)";
    case CHILD_STEP_NICE:
      return "set the nice value (setpriority)";
    case CHILD_STEP_IO_PRIORITY:
      return "set the I/O priority (ioprio_set)";
    case CHILD_STEP_PERSONALITY:
      return "set the personality (personality)";
    case CHILD_STEP_AFFINITY:
      return "choose its CPUs (sched_setaffinity)";
    case CHILD_STEP_SCHEDULING:
      return "set the scheduling policy (sched_setscheduler)";
    case CHILD_STEP_LIMITS:
      return "set resource limits (prlimit64)";
    case CHILD_STEP_EXECUTE:
      return "execute it as an ordinary process (execve)";
    case CHILD_STEP_NONE:
      break;
  }
  return "start";
}
