/*
 * activate SOCKET NOTIFY PROGRAM ARGS...: what a service manager does. Listens at SOCKET, starts the program with that
 * as descriptor 3, and prints "pid N", each notification that comes in at NOTIFY ("|" for its newlines), and at last
 * "exited N" or "killed N".
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(int ok, const char *what) {
  if (ok) return;
  perror(what);
  exit(99);
}

static int bound(const char *path, int type) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  check(strlen(path) < sizeof address.sun_path, "a shorter path");
  memcpy(address.sun_path, path, strlen(path) + 1);
  const int made = socket(AF_UNIX, type, 0);
  check(made >= 0 && bind(made, (struct sockaddr *)&address, sizeof address) == 0, path);
  return made;
}

static void start(int listening, const char *notify, char **command) {
  char pid[16];
  snprintf(pid, sizeof pid, "%d", getpid());
  setenv("LISTEN_PID", pid, 1);
  setenv("LISTEN_FDS", "1", 1);
  setenv("NOTIFY_SOCKET", notify, 1);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (listening != 3) dup2(listening, 3);
  execv(command[0], command);
  perror(command[0]);
  _exit(127);
}

static void print_notification(int notifications) {
  char text[4096];
  const ssize_t got = recv(notifications, text, sizeof text - 1, 0);
  check(got >= 0, "recv");
  text[got] = '\0';
  for (char *at = text; (at = strchr(at, '\n')) != NULL;) *at = '|';
  dprintf(1, "%s\n", text);
}

int main(int argc, char **argv) {
  check(argc > 3, "activate SOCKET NOTIFY PROGRAM");
  const int listening = bound(argv[1], SOCK_STREAM);
  check(listen(listening, 5) == 0, "listen");
  const int notifications = bound(argv[2], SOCK_DGRAM | SOCK_CLOEXEC);
  const pid_t child = fork();
  check(child >= 0, "fork");
  if (child == 0) start(listening, argv[2], argv + 3);
  dprintf(1, "pid %d\n", child);
  struct pollfd watched[2] = {{(int)syscall(SYS_pidfd_open, child, 0), POLLIN, 0}, {notifications, POLLIN, 0}};
  check(watched[0].fd >= 0, "pidfd_open");
  while (watched[0].revents == 0) {
    check(poll(watched, 2, -1) > 0, "poll");
    if (watched[1].revents != 0) {
      print_notification(notifications);
      watched[0].revents = 0; /* what it said last is printed first */
    }
  }
  int status = 0;
  check(waitpid(child, &status, 0) == child, "waitpid");
  if (WIFEXITED(status))
    dprintf(1, "exited %d\n", WEXITSTATUS(status));
  else
    dprintf(1, "killed %d\n", WTERMSIG(status));
  return 0;
}
