#include "guardian.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/wait.h>
#include <string.h>
#include <sys/prctl.h>

#include "system.h"

#define USER_TERMINAL 0
#define PIPE 1

struct notice {
  uint32_t raw;
  struct termios2 saved;
};

/*
 * Only if the modes are still those that the launcher has set: the foreground job may have set its own. With a terminal
 * that is apart the treatment of output and of ^C are the program's.
 */
static void restore(const struct notice *notice) {
  struct termios2 now;
  const struct termios2 raw = terminal_raw_modes(notice->saved);
  if (sys_ioctl(USER_TERMINAL, TCGETS2, &now) != 0 || now.c_iflag != raw.c_iflag ||
      ((now.c_lflag ^ raw.c_lflag) & ~(tcflag_t)ISIG) != 0)
    return;
  sys_ioctl(USER_TERMINAL, TCSETS2, &notice->saved);
}

/* All signals are blocked, as in the launcher; in a session of its own no terminal and no shell sends any. */
__attribute__((noreturn)) static void guard(int terminal, int pipe) {
  raw_syscall0(SYS_setsid);
  raw_syscall5(SYS_prctl, PR_SET_NAME, "tproc-guardian", 0, 0, 0);
  const int moved = sys_fcntl(pipe, F_DUPFD, 3);
  raw_syscall3(SYS_dup3, terminal, USER_TERMINAL, 0);
  raw_syscall3(SYS_dup3, moved, PIPE, 0);
  raw_syscall3(SYS_close_range, 2, ~0u, 0);
  struct notice notice = {.raw = 0}, next;
  for (;;) {
    const long size = sys_read(PIPE, &next, sizeof next);
    if (size == (long)sizeof next)
      notice = next;
    else if (size != -EINTR)
      break;
  }
  if (notice.raw != 0) restore(&notice);
  sys_exit(0);
}

void guardian_start(struct terminal *terminal) {
  int ends[2] = {-1, -1};
  if (raw_syscall2(SYS_pipe2, ends, O_CLOEXEC) != 0) return;
  /* A fork whose end sends no signal: the launcher's SIGCHLDs are its caller's. */
  const long pid = raw_syscall5(SYS_clone, 0, 0, 0, 0, 0);
  if (pid == 0) guard(terminal->user, ends[0]);
  sys_close(ends[0]);
  if (pid < 0) {
    sys_close(ends[1]);
    return;
  }
  terminal->guardian = ends[1];
  terminal->guardian_pid = (int)pid;
}

static void tell(const struct terminal *terminal, const struct notice *notice) {
  if (terminal->guardian >= 0) sys_write(terminal->guardian, notice, sizeof *notice);
}

void guardian_tell_raw(const struct terminal *terminal) {
  struct notice notice;
  memset(&notice, 0, sizeof notice);
  notice.raw = 1;
  notice.saved = terminal->saved;
  tell(terminal, &notice);
}

void guardian_tell_restored(const struct terminal *terminal) {
  struct notice notice;
  memset(&notice, 0, sizeof notice);
  tell(terminal, &notice);
}

void guardian_end(struct terminal *terminal) {
  if (terminal->guardian < 0) return;
  sys_close(terminal->guardian);
  terminal->guardian = -1;
  raw_syscall4(SYS_wait4, terminal->guardian_pid, NULL, __WALL, NULL);
}
