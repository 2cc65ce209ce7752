/*
 * Plain fork() of a program with little memory: `forks fork COUNT`, or `forks for-ever 1` until it is killed. And what
 * it forks beside: `forks holds MIB` of touched memory, until it is killed.
 */
#include <sys/mman.h>
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

static void holds(long mebibytes) {
  const size_t size = (size_t)mebibytes << 20;
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  require(madvise(memory, size, MADV_NOHUGEPAGE) == 0, "madvise"); /* as most of a heap is */
  for (size_t at = 0; at < size; at += 4096) memory[at] = 1;
  require(write(STDOUT_FILENO, "holding\n", 8) == 8, "write");
  for (;;) pause();
}

static const struct operation operations[] = {{"fork", forks}, {"for-ever", for_ever}};

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "holds") == 0) holds(atol(argv[2]));
  return stopwatch_main(argc, argv, operations, sizeof operations / sizeof operations[0]);
}
