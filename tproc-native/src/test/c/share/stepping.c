#include "share/stepping.h"

#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* LL/SC loops never end when each instruction is an exception. */
static bool has_atomics(void) {
#if defined(__aarch64__)
  return (getauxval(AT_HWCAP) & (1u << 8)) != 0;
#else
  return true;
#endif
}

void nothing(void *context) { (void)context; }

const char *cannot_step(void) {
  if (SANITIZED) return "AddressSanitizer's own instructions would be stepped through";
  if (!has_atomics()) return "this CPU has no atomic instructions (LSE), and load/store-exclusive cannot be stepped";
  const pid_t process = start_stepped(nothing, nothing, NULL);
  if (process < 0) return "ptrace is not allowed here";
  kill_stepped(process);
  return NULL;
}

static cpu_set_t cpus_before;
static bool is_on_one_cpu;

/* Each step wakes the one and then the other, and it takes long to wake another CPU: most of all an emulated one. */
static void stay_on_one_cpu(void) {
  const int cpu = sched_getcpu();
  cpu_set_t one;
  if (cpu < 0 || sched_getaffinity(0, sizeof cpus_before, &cpus_before) != 0) return;
  CPU_ZERO(&one);
  CPU_SET((unsigned)cpu, &one);
  is_on_one_cpu = sched_setaffinity(0, sizeof one, &one) == 0;
}

static void go_to_any_cpu(void) {
  if (is_on_one_cpu) sched_setaffinity(0, sizeof cpus_before, &cpus_before);
  is_on_one_cpu = false;
}

static bool has_stopped(pid_t process) {
  int status;
  return process > 0 && waitpid(process, &status, 0) == process && WIFSTOPPED(status);
}

pid_t start_stepped(void (*prepare)(void *), void (*work)(void *), void *context) {
  fflush(NULL);
  stay_on_one_cpu();
  const pid_t process = fork();
  if (process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) _exit(2);
    prepare(context);
    raise(SIGSTOP);
    work(context);
    raise(SIGSTOP);
    _exit(0);
  }
  if (has_stopped(process)) return process;
  go_to_any_cpu();
  return -1;
}

static bool go_on(pid_t process, int how, int *status) {
  return ptrace(how, process, 0, 0) == 0 && waitpid(process, status, 0) == process;
}

bool step(pid_t process) {
  int status;
  if (!go_on(process, PTRACE_SINGLESTEP, &status)) return false;
  return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
}

bool run_on(pid_t process, bool work_done) {
  int status = 0;
  if (!work_done && (!go_on(process, PTRACE_CONT, &status) || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)) {
    kill_stepped(process);
    return false;
  }
  const bool ended = go_on(process, PTRACE_CONT, &status);
  go_to_any_cpu();
  return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void kill_stepped(pid_t process) {
  int status;
  if (process <= 0) return; /* which means others to kill() */
  kill(process, SIGKILL);
  while (waitpid(process, &status, 0) == process && WIFSTOPPED(status)) {
  }
  go_to_any_cpu();
}

void step_through(void (*prepare)(void *), void (*work)(void *), look_at_stepped *look, void *context,
                  struct trial *trial) {
  const pid_t process = start_stepped(prepare, work, context);
  look(context, process, trial);
  while (trial->failures == 0 && step(process)) {
    trial->instructions++;
    look(context, process, trial);
  }
  kill_stepped(process);
}

void fail_trial(struct trial *trial, const char *format, ...) {
  if (trial->failures++ > 0) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(trial->first, sizeof trial->first, format, arguments);
  va_end(arguments);
}
