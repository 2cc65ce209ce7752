/* For each line of its input, forks a child that reads the byte at the given address, and prints it: `forking ADDRESS`.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char *argv[]) {
  if (argc != 2) return 64;
  const volatile unsigned char *address = (unsigned char *)(uintptr_t)strtoull(argv[1], NULL, 0);
  for (int c; (c = getchar()) != EOF;) {
    int status = 0;
    if (c != '\n') continue;
    const pid_t child = fork();
    if (child == 0) _exit(*address);
    if (child < 0 || waitpid(child, &status, 0) != child) return 1;
    printf("%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
    fflush(stdout);
  }
  return 0;
}
