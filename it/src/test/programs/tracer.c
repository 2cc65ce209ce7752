/* As a debugger: tracer PID attaches to a process, says "attached", and holds it until the end of its input. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <unistd.h>

int main(int argc, char *argv[]) {
  if (argc < 2) return 70;
  if (ptrace(PTRACE_SEIZE, (pid_t)strtol(argv[1], NULL, 10), 0, 0) != 0) {
    perror("ptrace");
    return 77;
  }
  puts("attached");
  fflush(stdout);
  char byte;
  ssize_t got;
  do {
    got = read(0, &byte, 1);
  } while (got > 0 || (got < 0 && errno == EINTR));
  return 0;
}
