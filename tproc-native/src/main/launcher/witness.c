#include "witness.h"

#include <linux/wait.h>
#include <string.h>
#include <sys/prctl.h>

#include "signals.h"
#include "system.h"

#define SOCKET 0

/* Real-time signals queue up. */
struct counts {
  uint16_t of[SIGNAL_COUNT];
};

/* The kernel gives a group's signal to its youngest process first, and to the launcher some microseconds later. */
#define SEEN_MILLISECONDS 100

#define FIRST_REAL_TIME 32 /* the kernel's SIGRTMIN */

#define ANSWER_MILLISECONDS 50
#define STUCK_MILLISECONDS 2000

/* What the launcher sends to its own group is no news to it. What the kernel sends, the launcher knows by its code. */
static void take_signals(int launcher, struct counts *taken) {
  const uint64_t all = ~UINT64_C(0);
  const struct timespec at_once = {0};
  siginfo_t info;
  long signal;
  while ((signal = raw_syscall4(SYS_rt_sigtimedwait, &all, &info, &at_once, SIGNAL_SET_SIZE)) > 0)
    if (info.si_code == SI_USER && info.si_pid != launcher) taken->of[signal - 1]++;
}

/* All signals are blocked, as in the launcher, and so stay pending until it asks. */
__attribute__((noreturn)) static void watch(int launcher, int socket) {
  raw_syscall5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  raw_syscall5(SYS_prctl, PR_SET_NAME, "tproc-witness", 0, 0, 0);
  if (socket != SOCKET) raw_syscall3(SYS_dup3, socket, SOCKET, 0);
  raw_syscall3(SYS_close_range, SOCKET + 1, ~0u, 0);
  char question;
  while (sys_read(SOCKET, &question, 1) == 1) { /* its end is the launcher's */
    struct counts taken = {{0}};
    take_signals(launcher, &taken);
    sys_write(SOCKET, &taken, sizeof taken);
  }
  sys_exit(0);
}

void witness_start(struct witness *witness) {
  int ends[2] = {-1, -1};
  if (raw_syscall4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return;
  const int launcher = sys_pid();
  /* A fork whose end sends no signal: the launcher's SIGCHLDs are its caller's. */
  const long pid = raw_syscall5(SYS_clone, 0, 0, 0, 0, 0);
  if (pid == 0) watch(launcher, ends[1]);
  sys_close(ends[1]);
  if (pid < 0) {
    sys_close(ends[0]);
    return;
  }
  witness->socket = ends[0];
  witness->pid = (int)pid;
}

/* A SIGSTOP for the group stops it, too, and who continues the launcher need not continue it. */
static bool has_answered(const struct witness *witness) {
  struct pollfd entry = {.fd = witness->socket, .events = POLLIN};
  if (sys_poll(&entry, 1, ANSWER_MILLISECONDS) > 0) return true;
  sys_kill(witness->pid, SIGCONT);
  return sys_poll(&entry, 1, STUCK_MILLISECONDS) > 0;
}

static bool ask(struct witness *witness) {
  struct counts taken;
  if (sys_write(witness->socket, "", 1) != 1 || !has_answered(witness) ||
      sys_read(witness->socket, &taken, sizeof taken) != (long)sizeof taken)
    return false;
  const int64_t now = sys_milliseconds();
  if (now - witness->seen_at > SEEN_MILLISECONDS) memset(witness->seen, 0, sizeof witness->seen);
  for (int i = 0; i < SIGNAL_COUNT; i++)
    if (i + 1 >= FIRST_REAL_TIME)
      witness->seen[i] += taken.of[i];
    else if (taken.of[i] != 0)
      witness->seen[i] = 1;
  witness->seen_at = now;
  return true;
}

bool witness_has_seen(struct witness *witness, int signal) {
  if (witness->pid == 0) return false;
  if (!ask(witness)) {
    witness_end(witness);
    return false;
  }
  if (witness->seen[signal - 1] == 0) return false;
  witness->seen[signal - 1]--;
  return true;
}

void witness_end(struct witness *witness) {
  if (witness->pid == 0) return;
  sys_close(witness->socket);
  sys_kill(witness->pid, SIGKILL);
  raw_syscall4(SYS_wait4, witness->pid, NULL, __WALL, NULL);
  witness->pid = 0;
}
