#include "spawn/tracer.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/process_state.h"
#include "base/thread.h"

#define STACK_SIZE (256u << 10) /* aarch64 takes no less than 128 KiB */
#define COLLECT_NANOSECONDS 10000000u
#define OPTIONS (PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)

struct tracer {
  pthread_t thread;
  bool has_thread;
  pid_t pid;
  tracer_keeps *keeps;
  bool holds;           /* the last signal that stops was of tracer_hold; the thread's own */
  int stopping;         /* the signal that the last thread that was seen stands by, or 0; the thread's own */
  pthread_mutex_t lock; /* guards what follows up to the news */
  pthread_cond_t has_begun;
  bool begun;
  int failed;               /* when begun: 0 or a negative errno */
  bool refused;             /* by PTRACE_SEIZE */
  bool stopped;             /* the process, by a signal */
  int stopped_by;           /* the signal, of the last stop */
  enum tracer_news news;    /* not told yet; a later one replaces it, as the kernel does it */
  struct tproc_crash crash; /* the last one seen; its signal is 0 when there is none. Read when the thread has ended */
};

/* Waits of other threads and for other children do not meet: each sees its own only. */
#define MINE (__WALL | __WNOTHREAD)

/* As the kernel names them: an error of the program's own, or abort(). */
static bool is_crash(int signal) {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE || signal == SIGABRT ||
         signal == SIGTRAP || signal == SIGSYS;
}

static bool is_stop(int signal) {
  return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/* Whether the kernel names who has sent a signal. A timer, say, is the process's own. */
static bool has_sender(int code) { return code == SI_USER || code == SI_QUEUE || code == SI_TKILL; }

static void add(struct tproc_crash *crash, const char *name, uint64_t value) {
  struct tproc_register *next = &crash->registers[crash->register_count++];
  snprintf(next->name, sizeof next->name, "%s", name);
  next->value = value;
}

typedef struct user_regs_struct registers;

#if defined(__x86_64__)
/* What the kernel has in mind while it delivers a signal (its include/linux/errno.h): EINTR, unless the handler has
   SA_RESTART; and to begin anew in any case. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513

/* @return whether they were changed */
static bool begin_anew(const struct tracer *tracer, pid_t tid, registers *values) {
  (void)tid;
  if ((int64_t)values->rax != -ERESTARTSYS || !tracer->keeps((long)values->orig_rax)) return false;
  values->rax = (uint64_t)-ERESTARTNOINTR;
  return true;
}

static void describe_registers(const registers *from, struct tproc_crash *crash) {
  crash->program_counter = from->rip;
  crash->stack_pointer = from->rsp;
  add(crash, "rip", from->rip);
  add(crash, "rsp", from->rsp);
  add(crash, "rbp", from->rbp);
  add(crash, "rax", from->rax);
  add(crash, "rbx", from->rbx);
  add(crash, "rcx", from->rcx);
  add(crash, "rdx", from->rdx);
  add(crash, "rsi", from->rsi);
  add(crash, "rdi", from->rdi);
  add(crash, "r8", from->r8);
  add(crash, "r9", from->r9);
  add(crash, "r10", from->r10);
  add(crash, "r11", from->r11);
  add(crash, "r12", from->r12);
  add(crash, "r13", from->r13);
  add(crash, "r14", from->r14);
  add(crash, "r15", from->r15);
  add(crash, "eflags", from->eflags);
}
#else
/* The kernel has led the program back to its SVC before the stop, and leads it on for EINTR without another look. */
static bool begin_anew(const struct tracer *tracer, pid_t tid, registers *values) {
  (void)tracer;
  (void)tid;
  (void)values;
  return false;
}

static void describe_registers(const registers *from, struct tproc_crash *crash) {
  char name[8];
  crash->program_counter = from->pc;
  crash->stack_pointer = from->sp;
  add(crash, "pc", from->pc);
  add(crash, "sp", from->sp);
  for (unsigned i = 0; i < sizeof from->regs / sizeof from->regs[0]; i++) {
    snprintf(name, sizeof name, "x%u", i);
    add(crash, name, from->regs[i]);
  }
  add(crash, "pstate", from->pstate);
}
#endif

/* The thread stands where the signal meets it. A handler may take it: then it ends nobody, and is not asked for. */
static void write_down(struct tracer *tracer, pid_t tid, int signal) {
  siginfo_t info;
  registers values;
  struct iovec area = {&values, sizeof values};
  if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) != 0) return;
  if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &area) != 0) return;
  struct tproc_crash *crash = &tracer->crash;
  memset(crash, 0, sizeof *crash);
  crash->tid = tid;
  crash->signal = signal;
  crash->code = info.si_code;
  crash->sender = has_sender(info.si_code) ? info.si_pid : 0;
  crash->has_address = (signal == SIGSEGV || signal == SIGBUS) && info.si_code > 0 && info.si_code != SI_KERNEL;
  if (crash->has_address) crash->address = (uint64_t)info.si_addr;
  describe_registers(&values, crash);
}

/* Of a signal that ends or stops the program nothing is seen of this. */
static void keep_call(const struct tracer *tracer, pid_t tid) {
  registers values;
  struct iovec area = {&values, sizeof values};
  if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &area) != 0) return;
  if (begin_anew(tracer, tid, &values)) ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &area);
}

/* clone() without CLONE_THREAD and without a signal at its end makes a process that the kernel has traced, too. */
static bool is_of_another_process(const struct tracer *tracer, pid_t tid) {
  return syscall(SYS_tgkill, tracer->pid, tid, 0) != 0 && errno == ESRCH;
}

/* The signal carries which tracer it is for. */
int tracer_hold(const struct tracer *tracer, int pidfd) {
  siginfo_t info = {0};
  info.si_signo = SIGSTOP;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_ptr = (void *)(uintptr_t)tracer;
  return syscall(SYS_pidfd_send_signal, pidfd, SIGSTOP, &info, 0) != 0 ? -errno : 0;
}

static bool is_of_hold(const struct tracer *tracer, pid_t tid) {
  siginfo_t info;
  return ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) == 0 && info.si_signo == SIGSTOP && info.si_code == SI_QUEUE &&
         info.si_pid == getpid() && info.si_value.sival_ptr == tracer;
}

/* What refuses to be traced for that has not executed another program. */
static bool has_lost_main(const struct tracer *tracer) { return process_state(tracer->pid) == 'Z'; }

/* All threads but the main one, as the kernel lists them. @return whether `visit` was true of one */
static bool visit_others(const struct tracer *tracer, bool (*visit)(const struct tracer *, pid_t), bool only_first) {
  char path[32];
  bool any = false;
  snprintf(path, sizeof path, "/proc/%d/task", tracer->pid);
  DIR *threads = opendir(path);
  if (threads == NULL) return false;
  for (const struct dirent *each; !(any && only_first) && (each = readdir(threads)) != NULL;) {
    const pid_t tid = (pid_t)strtol(each->d_name, NULL, 10);
    if (tid > 0 && tid != tracer->pid) any |= visit(tracer, tid);
  }
  closedir(threads);
  return any;
}

static bool runs(const struct tracer *tracer, pid_t tid) {
  (void)tracer;
  const char state = process_state(tid);
  return state == 'R' || state == 'S' || state == 'D';
}

/*
 * For the process its main thread counts: who hears that it has stopped looks at that. When it has ended any does, but
 * of a stop only once all stand, and once: one that is seen late may be over for others already.
 */
static bool counts(const struct tracer *tracer, pid_t tid, bool stops) {
  if (tid == tracer->pid) return true;
  return stops != tracer->stopped && has_lost_main(tracer) && !(stops && visit_others(tracer, runs, true));
}

/* A continuation brings each thread here once more, without a signal that stops. */
static void note(struct tracer *tracer, bool stopped, int signal) {
  pthread_mutex_lock(&tracer->lock);
  const enum tracer_news stop = tracer->holds ? TRACER_HELD : TRACER_STOPPED;
  if (stopped || tracer->stopped) tracer->news = stopped ? stop : TRACER_CONTINUED;
  if (stopped) tracer->stopped_by = signal;
  tracer->stopped = stopped;
  pthread_mutex_unlock(&tracer->lock);
}

static void note_end(struct tracer *tracer) {
  pthread_mutex_lock(&tracer->lock);
  tracer->news = TRACER_ENDED;
  pthread_mutex_unlock(&tracer->lock);
}

/* A tracee that was killed meanwhile refuses everything, and is found dead by the next wait. */
static void answer_stop(struct tracer *tracer, pid_t tid, int signal) {
  if (is_of_another_process(tracer, tid)) {
    ptrace(PTRACE_DETACH, tid, NULL, NULL);
    return;
  }
  /* Listening it stays stopped, as it would untraced, until a SIGCONT. */
  const bool stops = is_stop(signal) && ptrace(PTRACE_LISTEN, tid, NULL, NULL) == 0;
  if (!stops) ptrace(PTRACE_CONT, tid, NULL, NULL);
  tracer->stopping = stops ? signal : 0;
  if (counts(tracer, tid, stops)) note(tracer, stops, signal);
}

static void answer(struct tracer *tracer, pid_t tid, int status) {
  const int signal = status & 0xff, event = status >> 8;
  if (event == PTRACE_EVENT_STOP) {
    answer_stop(tracer, tid, signal);
  } else if (event == PTRACE_EVENT_EXEC) { /* an ordinary process from here on, of whose end nothing is known */
    tracer->crash.signal = 0;
    ptrace(PTRACE_DETACH, tid, NULL, NULL);
  } else if (event != 0) {
    ptrace(PTRACE_CONT, tid, NULL, NULL);
  } else {
    if (is_crash(signal)) write_down(tracer, tid, signal);
    if (is_stop(signal)) tracer->holds = is_of_hold(tracer, tid);
    keep_call(tracer, tid);
    ptrace(PTRACE_CONT, tid, NULL, (void *)(intptr_t)signal);
  }
}

static int await(idtype_t kind, pid_t id, int what, siginfo_t *info) {
  int result;
  do {
    *info = (siginfo_t){0};
    result = waitid(kind, (id_t)id, info, what | MINE);
  } while (result != 0 && errno == EINTR);
  return result;
}

/* The kernel refuses all requests for an exec that no wait has taken. One killed meanwhile does not stand there. */
static void answer_stopped(struct tracer *tracer, pid_t tid) {
  siginfo_t info;
  if (await(P_PID, tid, WSTOPPED | WNOHANG, &info) == 0 && info.si_pid == tid) answer(tracer, tid, info.si_status);
}

/*
 * Threads that have ended are collected, or the process's end would never show. The process's own exit is not: that is
 * for who waits for it (and may have done so already, then there is nothing left to wait for). One that has ended may
 * have been the last that was still to stop.
 */
static void follow(struct tracer *tracer) {
  siginfo_t info, collected;
  while (await(P_ALL, 0, WEXITED | WSTOPPED | WNOWAIT, &info) == 0) {
    if (info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED) {
      answer_stopped(tracer, info.si_pid);
    } else if (info.si_pid == tracer->pid) {
      return;
    } else {
      await(P_PID, info.si_pid, WEXITED, &collected);
      if (tracer->stopping != 0 && counts(tracer, info.si_pid, true)) note(tracer, true, tracer->stopping);
    }
  }
}

static bool seize(pid_t tid) { return ptrace(PTRACE_SEIZE, tid, NULL, (void *)OPTIONS) == 0; }

/* Refused are those that are traced already, and those that are ending. @return whether it is a new one */
static bool seize_other(const struct tracer *tracer, pid_t tid) {
  if (!seize(tid)) return false;
  if (is_of_another_process(tracer, tid)) ptrace(PTRACE_INTERRUPT, tid, NULL, NULL); /* an id that came again */
  return true;
}

/* Not what has execed meanwhile. Where it cannot be told it is. A thread that has ended has no memory to compare. */
static bool is_hosted(const struct tracer *tracer) {
  return syscall(SYS_kcmp, getpid(), tracer->pid, KCMP_VM, 0, 0) <= 0 || has_lost_main(tracer);
}

static void leave(const struct tracer *tracer) {
  siginfo_t info;
  ptrace(PTRACE_INTERRUPT, tracer->pid, NULL, NULL);
  if (await(P_PID, tracer->pid, WEXITED | WSTOPPED | WNOWAIT, &info) != 0 || info.si_code != CLD_TRAPPED) return;
  if (await(P_PID, tracer->pid, WSTOPPED | WNOHANG, &info) != 0 || info.si_pid == 0) return;
  const int event = info.si_status >> 8, signal = event != 0 ? 0 : info.si_status;
  ptrace(PTRACE_DETACH, tracer->pid, NULL, (void *)(intptr_t)signal);
}

/*
 * What a traced thread starts is traced. What is not yet may start others meanwhile: so until there is no new one. Who
 * seizes a thread that execs gets what it has become, too late for the event of the execve. A main thread that has
 * ended is not to be traced; the others are.
 */
static int seize_all(const struct tracer *tracer) {
  const int failed = seize(tracer->pid) ? 0 : -errno;
  if (failed && !has_lost_main(tracer)) return failed;
  for (bool any = !failed; is_hosted(tracer);) {
    const bool more = visit_others(tracer, seize_other, false);
    any |= more;
    if (!more && is_hosted(tracer)) return any ? 0 : failed;
  }
  leave(tracer);
  return -ESRCH;
}

/* Not by the tracer's own wait: it is another thread's that traces. */
static bool collect_other(const struct tracer *tracer, pid_t tid) {
  siginfo_t info;
  (void)tracer;
  waitid(P_PID, (id_t)tid, &info, WEXITED | WNOHANG | __WALL);
  return false;
}

/* One that has been continued and not been asked for it yet says so to the tracer alone from here on. */
static void take_continuation(struct tracer *tracer) {
  siginfo_t info;
  if (await(P_PID, tracer->pid, WCONTINUED | WNOHANG, &info) != 0 || info.si_pid == 0) return;
  if (info.si_code != CLD_CONTINUED) { /* a stop, which counts as seen */
    answer(tracer, tracer->pid, info.si_status);
    return;
  }
  pthread_mutex_lock(&tracer->lock);
  tracer->news = TRACER_CONTINUED;
  pthread_mutex_unlock(&tracer->lock);
}

static void note_begin(struct tracer *tracer, int failed, bool refused) {
  pthread_mutex_lock(&tracer->lock);
  tracer->begun = true;
  tracer->failed = failed;
  tracer->refused = refused;
  if (failed) tracer->news = TRACER_ENDED;
  pthread_cond_broadcast(&tracer->has_begun);
  pthread_mutex_unlock(&tracer->lock);
}

static void *trace(void *argument) {
  struct tracer *tracer = argument;
  const int failed = seize_all(tracer);
  note_begin(tracer, failed, true);
  if (failed) return NULL;
  take_continuation(tracer);
  follow(tracer);
  note_end(tracer);
  return NULL;
}

struct tracer *tracer_new(pid_t pid, tracer_keeps *keeps) {
  struct tracer *tracer = calloc(1, sizeof *tracer);
  if (tracer == NULL) return NULL;
  tracer->pid = pid;
  tracer->keeps = keeps;
  pthread_mutex_init(&tracer->lock, NULL);
  thread_condition_init(&tracer->has_begun);
  return tracer;
}

/*
 * PTRACE_SEIZE waits for an execve of another thread, which waits until those that are traced already have ended and
 * been collected. That the tracer cannot do while it waits, so who waits for it does.
 */
int tracer_await_begin(struct tracer *tracer, struct tproc_error *error) {
  pthread_mutex_lock(&tracer->lock);
  while (!tracer->begun) {
    const struct timespec soon = clock_after(COLLECT_NANOSECONDS);
    if (pthread_cond_timedwait(&tracer->has_begun, &tracer->lock, &soon) != ETIMEDOUT) continue;
    pthread_mutex_unlock(&tracer->lock);
    visit_others(tracer, collect_other, false);
    pthread_mutex_lock(&tracer->lock);
  }
  const int failed = tracer->failed;
  const bool refused = tracer->refused;
  pthread_mutex_unlock(&tracer->lock);
  if (!failed) return 0;
  if (!refused) return tproc_fail(error, -failed, "trace it for a crash report: start a thread");
  return tproc_fail(error, -failed,
                    "trace it for a crash report (PTRACE_SEIZE; kernel.yama.ptrace_scope above 1 or a sandbox forbids "
                    "it, or the host is not dumpable)");
}

int tracer_begin(struct tracer *tracer, struct tproc_error *error) {
  const int failed = thread_start(&tracer->thread, STACK_SIZE, "tproc-tracer", trace, tracer);
  tracer->has_thread = failed == 0;
  if (failed) note_begin(tracer, failed, false);
  return tracer_await_begin(tracer, error);
}

/* What another process has sent is no crash, though the number be that of one. */
static bool is_own(const struct tracer *tracer) {
  return !has_sender(tracer->crash.code) || tracer->crash.sender == tracer->pid;
}

enum tracer_news tracer_next_news(struct tracer *tracer, int *signal) {
  pthread_mutex_lock(&tracer->lock);
  const enum tracer_news news = tracer->news;
  *signal = tracer->stopped_by;
  if (news != TRACER_ENDED) tracer->news = TRACER_NO_NEWS;
  pthread_mutex_unlock(&tracer->lock);
  return news;
}

bool tracer_end(struct tracer *tracer, int signal, struct tproc_crash *crash) {
  if (tracer->has_thread) pthread_join(tracer->thread, NULL);
  const bool seen = signal != 0 && tracer->crash.signal == signal && is_own(tracer);
  if (seen) *crash = tracer->crash;
  pthread_cond_destroy(&tracer->has_begun);
  pthread_mutex_destroy(&tracer->lock);
  free(tracer);
  return seen;
}
