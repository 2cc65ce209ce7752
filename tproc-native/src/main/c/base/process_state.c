#include "base/process_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/proc_text.h"

char process_state(pid_t pid) {
  char path[32], text[256];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return '\0';
  const ssize_t got = read(file, text, sizeof text - 1);
  close(file);
  text[got > 0 ? got : 0] = '\0';
  struct process_stat stat;
  return proc_parse_stat(text, &stat) ? stat.state : '\0';
}

/* execve gives a process the exit signal SIGCHLD, and __WCLONE does not wait for those that have it. */
bool process_has_execed(int pidfd) {
  siginfo_t info = {0};
  return waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT | __WCLONE) != 0 && errno == ECHILD;
}
