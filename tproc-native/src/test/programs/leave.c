/*
 * leave MODE ADDRESS PROGRAM: a program and execve.
 *
 *   exec        execs `PROGRAM ADDRESS`; exits with the errno when that fails
 *   thread      the same from a second thread
 *   missing     execs a program that does not exist, then waits at ADDRESS as wait.c does
 *   children    a forked and a vforked child exec `PROGRAM`; exits with 7 when both have ended with 9
 */
#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define main wait_at
#include "wait.c"
#undef main

#define AS_WANTED 7
#define END "9"

static char **arguments;

static void *exec(void *unused) {
  execl(arguments[3], arguments[3], arguments[2], (char *)NULL);
  _exit(errno);
  return unused;
}

static int ended_with(pid_t child) {
  int status;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int exec_in_children(const char *program) {
  char *const command[] = {(char *)program, "exit", END, NULL}, *const environment[] = {NULL};
  pid_t spawned, forked = fork();
  if (forked == 0) {
    execve(program, command, environment);
    _exit(errno);
  }
  if (posix_spawn(&spawned, program, NULL, NULL, command, environment) != 0) return 70;
  return ended_with(forked) == 9 && ended_with(spawned) == 9 ? AS_WANTED : 71;
}

int main(int argc, char *argv[]) {
  pthread_t thread;
  arguments = argv;
  if (argc != 4) return 2;
  if (strcmp(argv[1], "exec") == 0) exec(NULL);
  if (strcmp(argv[1], "thread") == 0 && pthread_create(&thread, NULL, exec, NULL) == 0) pthread_join(thread, NULL);
  if (strcmp(argv[1], "children") == 0) return exec_in_children(argv[3]);
  if (strcmp(argv[1], "missing") == 0) {
    execl("/nowhere/to/be/found", "found", (char *)NULL);
    return wait_at(2, argv + 1);
  }
  return 99;
}
