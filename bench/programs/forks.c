/* Plain fork() of a program with little memory: `forks fork COUNT`, or `forks for-ever 1` until it is killed. */
#include <sys/wait.h>
#include <unistd.h>

#include "stopwatch.h"

static void fork_once(void) {
  const pid_t child = fork();
  require(child >= 0, "fork");
  if (child == 0) _exit(0);
  require(waitpid(child, NULL, 0) == child, "waitpid");
}

static void forks(long count) {
  for (long i = 0; i < count; i++) fork_once();
}

static void for_ever(long count) {
  for (long done = 0; count > 0; done++) {
    fork_once();
    if (done == 0) require(write(STDOUT_FILENO, "forking\n", 8) == 8, "write");
  }
}

static const struct operation operations[] = {{"fork", forks}, {"for-ever", for_ever}};

STOPWATCH_MAIN(operations)
