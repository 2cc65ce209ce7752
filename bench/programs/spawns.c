/* How fast a small native process starts programs: `spawns COUNT PROGRAM [ARGUMENT...]`, by posix_spawn and waitpid. */
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stopwatch.h"

static void spawn_and_wait(char **command) {
  pid_t child;
  const int failed = posix_spawn(&child, command[0], NULL, NULL, command, environ);
  require(failed == 0, command[0]);
  require(waitpid(child, NULL, 0) == child, "waitpid");
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: %s COUNT PROGRAM [ARGUMENT...]\n", argv[0]);
    return 2;
  }
  const long count = atol(argv[1]);
  const double start = stopwatch_now();
  for (long i = 0; i < count; i++) spawn_and_wait(argv + 2);
  printf("%.1f\n", (stopwatch_now() - start) / (double)count);
}
