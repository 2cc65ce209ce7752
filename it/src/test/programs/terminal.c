/*
 * A terminal for tests: terminal ROWS COLUMNS COMMAND... runs a command on a pseudo-terminal of its own. What is
 * written there comes out of standard output. Standard input takes lines:
 *
 *   input HEX        as if typed
 *   size ROWS COLUMNS
 *   state            is answered on standard error: "state cooked echo 24 80 GROUP", or "raw", or "quiet"
 *
 * The end of the command is told there too: "exited 3" or "killed 9". At the end of standard input, this program hangs
 * up and ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master;
static pid_t command = -1;

static void fail(const char *what) {
  perror(what);
  exit(70);
}

static void set_size(int rows, int columns) {
  struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
  if (ioctl(master, TIOCSWINSZ, &size) != 0) fail("TIOCSWINSZ");
}

static void print_state(void) {
  struct termios settings;
  struct winsize size;
  pid_t group = 0;
  if (tcgetattr(master, &settings) != 0 || ioctl(master, TIOCGWINSZ, &size) != 0) fail("tcgetattr");
  if (ioctl(master, TIOCGPGRP, &group) != 0) group = 0;
  fprintf(stderr, "state %s %s %d %d %d\n", (settings.c_lflag & ICANON) != 0 ? "cooked" : "raw",
          (settings.c_lflag & ECHO) != 0 ? "echo" : "quiet", size.ws_row, size.ws_col, group);
}

static void type(const char *hex) {
  unsigned byte;
  for (; sscanf(hex, "%2x", &byte) == 1; hex += 2) {
    const char typed = (char)byte;
    while (write(master, &typed, 1) != 1)
      if (errno != EINTR) fail("write to the terminal");
  }
}

/* Returns whether there is more to come. */
static int obey(void) {
  static char *line;
  static size_t capacity;
  int rows, columns;
  if (getline(&line, &capacity, stdin) < 0) return 0;
  if (strncmp(line, "input ", 6) == 0) {
    type(line + 6);
  } else if (sscanf(line, "size %d %d", &rows, &columns) == 2) {
    set_size(rows, columns);
  } else if (strcmp(line, "state\n") == 0) {
    print_state();
  } else {
    fprintf(stderr, "unknown: %s", line);
  }
  return 1;
}

static void relay(void) {
  char bytes[4096];
  const ssize_t got = read(master, bytes, sizeof bytes);
  for (ssize_t done = 0; done < got;) {
    const ssize_t written = write(1, bytes + done, (size_t)(got - done));
    if (written < 0) fail("write");
    done += written;
  }
}

static void look_for_the_end(void) {
  int status;
  if (command < 0 || waitpid(command, &status, WNOHANG) != command) return;
  command = -1;
  if (WIFEXITED(status))
    fprintf(stderr, "exited %d\n", WEXITSTATUS(status));
  else
    fprintf(stderr, "killed %d\n", WTERMSIG(status));
}

static void run(const char *name, char *argv[]) {
  setsid();
  const int terminal = open(name, O_RDWR);
  if (terminal < 0 || ioctl(terminal, TIOCSCTTY, 0) != 0) fail(name);
  for (int i = 0; i < 3; i++) dup2(terminal, i);
  if (terminal > 2) close(terminal);
  /* A shell's background job has these ignored; who sits at a terminal has not. */
  signal(SIGINT, SIG_DFL);
  signal(SIGQUIT, SIG_DFL);
  execvp(argv[0], argv);
  fail(argv[0]);
}

int main(int argc, char *argv[]) {
  if (argc < 4) return 70;
  setvbuf(stdin, NULL, _IONBF, 0); /* poll must see what getline has not read */
  master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) fail("posix_openpt");
  const char *name = ptsname(master);
  /* Kept open: without it, the settings would be lost with the last program that has the terminal. */
  const int kept = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (kept < 0) fail(name);
  set_size(atoi(argv[1]), atoi(argv[2]));
  command = fork();
  if (command < 0) fail("fork");
  if (command == 0) run(name, argv + 3);
  struct pollfd both[] = {{.fd = 0, .events = POLLIN}, {.fd = master, .events = POLLIN}};
  for (;;) {
    if (poll(both, 2, 10) < 0 && errno != EINTR) fail("poll");
    if ((both[1].revents & POLLIN) != 0) relay();
    /* After its last output. */
    if ((both[1].revents & POLLIN) == 0) look_for_the_end();
    if ((both[0].revents & (POLLIN | POLLHUP)) != 0 && !obey()) return 0;
  }
}
