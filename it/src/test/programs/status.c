/* Runs a command and prints how it ended, as waitpid tells its parent: "exited 3", "killed 11" or "killed 11 core". */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char *argv[]) {
  if (argc < 2) return 70;
  const pid_t command = fork();
  if (command == 0) {
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    _exit(70);
  }
  int status;
  if (waitpid(command, &status, 0) != command) return 70;
  if (WIFEXITED(status))
    printf("exited %d\n", WEXITSTATUS(status));
  else
    printf("killed %d%s\n", WTERMSIG(status), WCOREDUMP(status) ? " core" : "");
  return 0;
}
