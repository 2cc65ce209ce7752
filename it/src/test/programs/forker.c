/* Forks a child that exits with 7 and one that runs the given program; prints how both ended. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int wait_for(pid_t child) {
  int status = -1;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
    return -1;
  }
  return WEXITSTATUS(status);
}

int main(int argc, char *argv[]) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    _exit(7);
  }
  printf("forked: %d\n", wait_for(child));
  if (argc > 1) {
    fflush(stdout);
    child = fork();
    if (child == 0) {
      execv(argv[1], argv + 1);
      _exit(127);
    }
    printf("executed: %d\n", wait_for(child));
  }
  return 0;
}
