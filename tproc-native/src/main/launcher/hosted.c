#include "hosted.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "message.h"
#include "proc_file.h"
#include "signals.h"
#include "system.h"
#include "terminal.h"

#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP 4 /* since Linux 6.9 */
#endif

#define ASLEEP_TRIES 25
#define BUSY_TRIES 1000
#define BLOCKED_WAIT_MILLISECONDS 2

/* The start of the kernel's siginfo_t for sigqueue; signal.h's has the same layout under names that differ by libc. */
struct queued_info {
  int32_t number, error, code, padding;
  int32_t pid;
  uint32_t uid;
  uint64_t value;
  uint64_t rest[12];
};
_Static_assert(sizeof(struct queued_info) == 128, "as the kernel's");

static long send_signal(const struct hosted *hosted, int signal, const struct queued_info *info, unsigned flags) {
  return raw_syscall4(SYS_pidfd_send_signal, hosted->pidfd, signal, info, flags);
}

void hosted_signal(const struct hosted *hosted, int signal) { send_signal(hosted, signal, NULL, 0); }

void hosted_pass_on(const struct hosted *hosted, const struct signalfd_siginfo *taken) {
  const int signal = (int)taken->ssi_signo;
  if (taken->ssi_code == SI_QUEUE) {
    struct queued_info info;
    memset(&info, 0, sizeof info);
    info.number = signal;
    info.code = SI_QUEUE;
    info.pid = (int32_t)taken->ssi_pid;
    info.uid = taken->ssi_uid;
    info.value = taken->ssi_ptr;
    if (send_signal(hosted, signal, &info, 0) == 0) return;
  }
  hosted_signal(hosted, signal);
}

/* Kernels without the flag need the number. The program still exists, dead or alive, as long as it has one. */
void hosted_signal_group(const struct hosted *hosted, int signal) {
  const long result = send_signal(hosted, signal, NULL, PIDFD_SIGNAL_PROCESS_GROUP);
  if (result != -EINVAL) return;
  const int pid = proc_pid_of(hosted->pidfd);
  if (pid > 1)
    sys_kill(-pid, signal);
  else
    hosted_signal(hosted, signal);
}

/* It runs, or waits for the processor; or it waits for the child of a vfork to exec. */
static bool is_busy(int pid) {
  struct process_stat stat;
  return proc_read_stat(pid, &stat) && (stat.state == 'R' || stat.state == 'D');
}

/* How many threads of a program are looked at. */
#define THREADS_MAX 64

static bool has_ended(int thread) {
  struct process_stat stat;
  return !proc_read_stat(thread, &stat) || stat.state == 'Z' || stat.state == 'X';
}

/* The first thread may be one that waits for nothing but its end, or has ended: any other takes the signal, too. */
static bool is_taken(int pid, uint64_t signal) {
  int threads[THREADS_MAX];
  const size_t count = proc_read_threads(pid, threads, THREADS_MAX);
  for (size_t i = 0; i < count; i++) {
    uint64_t not_default, blocked;
    if (proc_read_dispositions(threads[i], &not_default, &blocked) && (blocked & signal) == 0 && !has_ended(threads[i]))
      return true;
  }
  return false;
}

/*
 * Shells block everything for a moment around each fork, which on a busy machine lasts; a program that sleeps with a
 * signal blocked means it.
 */
bool hosted_has_default(const struct hosted *hosted, int signal) {
  const int pid = proc_pid_of(hosted->pidfd);
  for (int asleep = 0, busy = 0; asleep < ASLEEP_TRIES && busy < BUSY_TRIES;) {
    uint64_t not_default, blocked;
    if (pid <= 0 || !proc_read_dispositions(pid, &not_default, &blocked)) return false;
    if ((not_default & signal_bit(signal)) != 0) return false;
    if (is_taken(pid, signal_bit(signal))) return true;
    if (is_busy(pid))
      busy++;
    else
      asleep++;
    sys_poll(NULL, 0, BLOCKED_WAIT_MILLISECONDS);
  }
  return false;
}

bool hosted_controls_jobs(const struct hosted *hosted) {
  const uint64_t stops = signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU);
  uint64_t not_default, blocked;
  const int pid = proc_pid_of(hosted->pidfd);
  return pid > 0 && proc_read_dispositions(pid, &not_default, &blocked) && (not_default & stops) == stops;
}

/* A stop is one of all threads, but those that have ended before it, which the first may have. */
bool hosted_is_stopped(const struct hosted *hosted) {
  int threads[THREADS_MAX];
  const int pid = proc_pid_of(hosted->pidfd);
  const size_t count = pid > 0 ? proc_read_threads(pid, threads, THREADS_MAX) : 0;
  struct process_stat stat;
  for (size_t i = 0; i < count; i++)
    if (!has_ended(threads[i]))
      return proc_read_stat(threads[i], &stat) && (stat.state == 'T' || stat.state == 't'); /* t: a debugger watches */
  return false;
}

/* /dev/tty itself; it is a name for the controlling terminal. */
#define CONTROLLING_TERMINAL ((uint64_t)5 << 32)

#define DESCENDANTS_MAX 32

static bool reads(int pid, uint64_t device) {
  long call;
  int descriptor;
  if (!proc_read_call(pid, &call, &descriptor) || (call != SYS_read && call != SYS_readv)) return false;
  char path[PROC_PATH_SIZE];
  number_text(pid, put_text(path, "/proc/"));
  number_text(descriptor, put_text(path + strlen(path), "/fd/"));
  const uint64_t read_from = terminal_device(AT_FDCWD, path);
  return read_from == device || read_from == CONTROLLING_TERMINAL;
}

bool hosted_reads(const struct hosted *hosted, uint64_t device) {
  int pids[DESCENDANTS_MAX] = {proc_pid_of(hosted->pidfd)};
  size_t count = pids[0] > 0 ? 1 : 0;
  for (size_t i = 0; i < count; i++) {
    int threads[THREADS_MAX];
    const size_t thread_count = proc_read_threads(pids[i], threads, THREADS_MAX);
    for (size_t j = 0; j < thread_count; j++) {
      if (reads(threads[j], device)) return true;
      count += proc_read_children(threads[j], pids + count, DESCENDANTS_MAX - count);
    }
  }
  return false;
}
