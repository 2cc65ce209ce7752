/*
 * forks MODE …: a program and fork.
 *
 *   kinds                     what starts a process or a thread and needs no fork: exits with 7 when all of it works,
 *                             and fork, clone and clone3 fail with ENOSYS
 *   hold ADDRESS BYTES PLACE  stores at PLACE where it has so many touched bytes, and waits at ADDRESS
 *   look FIRST SECOND         in a forked child: exits with 1 when it has the page at FIRST, and 2 more for SECOND
 */
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define main wait_at
#include "wait.c"
#undef main

#define AS_WANTED 7

static int ended_with(pid_t child) {
  int status;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int is_refused(long result) {
  if (result == 0) _exit(50); /* it was not, and this is the child */
  return result == -1 && errno == ENOSYS;
}

static void *run(void *argument) { return argument; }

static int kinds(void) {
  char *const shell[] = {(char *)"sh", (char *)"-c", (char *)"(exit 5); exit $?", NULL}, *const environment[] = {NULL};
  struct clone_args arguments = {.exit_signal = SIGCHLD};
  pthread_t thread;
  void *value = NULL;
  pid_t child;
  if (!is_refused(fork())) return 20;
  if (!is_refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))) return 21;
  if (!is_refused(syscall(SYS_clone3, &arguments, sizeof arguments))) return 22;
  if (pthread_create(&thread, NULL, run, &child) != 0 || pthread_join(thread, &value) != 0) return 23;
  if (value != &child) return 24;
  if (posix_spawn(&child, "/bin/sh", NULL, NULL, shell, environment) != 0 || ended_with(child) != 5) return 25;
  if (system("(exit 6)") != 6 << 8) return 26;
  child = vfork();
  if (child == 0) _exit(8);
  return ended_with(child) == 8 ? AS_WANTED : 27;
}

static int look(char *const *addresses) {
  unsigned char resident;
  const pid_t child = fork();
  if (child != 0) return ended_with(child);
  int seen = 0;
  for (int i = 0; i < 2; i++)
    if (mincore((void *)strtoul(addresses[i], NULL, 16), 1, &resident) == 0) seen |= 1 << i;
  _exit(seen);
}

int main(int argc, char *argv[]) {
  if (argc == 2 && strcmp(argv[1], "kinds") == 0) return kinds();
  if (argc == 4 && strcmp(argv[1], "look") == 0) return look(argv + 2);
  if (argc != 5) return 2;
  const size_t size = strtoul(argv[3], NULL, 10);
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 3;
  memset(memory, 1, size);
  *(uint64_t *)strtoul(argv[4], NULL, 16) = (uint64_t)memory;
  return wait_at(2, argv + 1);
}
