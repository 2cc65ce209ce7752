#include "base/process_state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/proc_text.h"
#include "base/small_file.h"

static bool read_stat(pid_t pid, struct process_stat *stat) {
  char path[32], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  return small_file_read(path, text, sizeof text) && proc_parse_stat(text, stat);
}

char process_state(pid_t pid) {
  struct process_stat stat;
  return read_stat(pid, &stat) ? stat.state : '\0';
}

bool process_is_stopped(pid_t pid) {
  const char state = process_state(pid);
  return state == 'T' || state == 't';
}

static bool has_default(pid_t pid, int signal) {
  char path[32], text[4096];
  int64_t ignored, caught;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  return small_file_read(path, text, sizeof text) && proc_parse_field(text, "SigIgn:\t", 16, &ignored) &&
         proc_parse_field(text, "SigCgt:\t", 16, &caught) && (((ignored | caught) >> (signal - 1)) & 1) == 0;
}

bool process_has_lone_stop(pid_t pid) {
  struct process_stat stat;
  return read_stat(pid, &stat) && stat.session == pid && stat.has_terminal && has_default(pid, SIGTSTP);
}

bool process_clone_is_over(pid_t tid) {
  struct process_stat stat;
  return read_stat(tid, &stat) ? stat.has_execed : kill(tid, 0) != 0 && errno == ESRCH;
}

uint64_t process_break_start(pid_t pid) {
  struct process_stat stat;
  return read_stat(pid, &stat) ? stat.break_start : 0;
}

bool process_birth_read(pid_t pid, struct process_birth *birth) {
  struct process_stat stat;
  if (!read_stat(pid, &stat) || stat.started_at < 0) return false;
  const uint64_t each = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
  *birth = (struct process_birth){.parent = stat.parent, .started_at = (uint64_t)stat.started_at * each};
  return true;
}

/* execve gives a process the exit signal SIGCHLD, and __WCLONE does not wait for those that have it. */
bool process_has_execed(int pidfd) {
  siginfo_t info = {0};
  return waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT | __WCLONE) != 0 && errno == ECHILD;
}
