/*
 * Runs a command as a job, as a shell with job control does: in a process group of its own, whose parent is in the same
 * session. (The kernel stops no other group by SIGTSTP, and the tests may be started without such a parent.)
 * Prints the command's pid and ends as it does.
 *
 *   job COMMAND ARGUMENTS...
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char *argv[]) {
  if (argc < 2) return 70;
  setsid();
  const pid_t child = fork();
  if (child < 0) return 71;
  if (child == 0) {
    setpgid(0, 0);
    printf("%d\n", getpid());
    fflush(stdout);
    execv(argv[1], argv + 1);
    return 72;
  }
  int status;
  while (waitpid(child, &status, 0) != child) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
