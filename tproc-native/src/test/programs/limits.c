/*
 * limits [exec]: a program that limits its own memory, also for those it executes, and last of all in its place. The
 * same as a process and as a threadproc; exits with 7, or with what went wrong (the line, less 10).
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define AS_WANTED 7
#define MIB (1ul << 20)
#define REQUIRE(condition) \
  if (!(condition)) return __LINE__ - 10

static void *map(size_t size, int protection) {
  return mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int is_refused(const void *mapped) { return mapped == MAP_FAILED && errno == ENOMEM; }

static int limit(int resource, unsigned long soft, unsigned long hard) {
  const struct rlimit wanted = {soft, hard};
  struct rlimit read = {0, 0};
  if (setrlimit(resource, &wanted) != 0 || getrlimit(resource, &read) != 0) return -1;
  return read.rlim_cur == soft && read.rlim_max == hard ? 0 : -1;
}

static int ended_with(pid_t child) {
  int status;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int all_memory(void) {
  REQUIRE(limit(RLIMIT_AS, 512 * MIB, 1024 * MIB) == 0);
  for (int i = 0; i < 20; i++) {
    char *first = map(300 * MIB, PROT_NONE);
    REQUIRE(first != MAP_FAILED);
    REQUIRE(is_refused(map(300 * MIB, PROT_NONE)));
    REQUIRE(is_refused(mremap(first, 300 * MIB, 600 * MIB, MREMAP_MAYMOVE)));
    REQUIRE(malloc(300 * MIB) == NULL);
    first = mremap(first, 300 * MIB, 350 * MIB, MREMAP_MAYMOVE);
    REQUIRE(first != MAP_FAILED && munmap(first, 350 * MIB) == 0);
  }
  const int segment = shmget(IPC_PRIVATE, 600 * MIB, IPC_CREAT | 0600);
  if (segment >= 0) {
    const void *attached = shmat(segment, NULL, 0);
    shmctl(segment, IPC_RMID, NULL);
    REQUIRE(attached == (void *)-1 && errno == ENOMEM);
  }
  return 0;
}

static int data(void) {
  REQUIRE(limit(RLIMIT_AS, 1024 * MIB, 1024 * MIB) == 0);
  REQUIRE(limit(RLIMIT_DATA, 100 * MIB, 200 * MIB) == 0);
  void *mapped = map(300 * MIB, PROT_READ);
  REQUIRE(mapped != MAP_FAILED && munmap(mapped, 300 * MIB) == 0);
  REQUIRE(is_refused(map(150 * MIB, PROT_READ | PROT_WRITE)));
  mapped = map(50 * MIB, PROT_READ | PROT_WRITE);
  REQUIRE(mapped != MAP_FAILED && munmap(mapped, 50 * MIB) == 0);
  return 0;
}

static int errors(void) {
  struct rlimit wanted = {2, 1}, old = {3, 3};
  REQUIRE(setrlimit(RLIMIT_AS, &wanted) == -1 && errno == EINVAL);
  REQUIRE(syscall(SYS_prlimit64, 0, RLIMIT_AS, 8, NULL) == -1 && errno == EFAULT);
  REQUIRE(syscall(SYS_prlimit64, 0, RLIMIT_AS, NULL, 8) == -1 && errno == EFAULT);
  wanted = (struct rlimit){1024 * MIB, 2048 * MIB};
  const int raised = setrlimit(RLIMIT_AS, &wanted);
  REQUIRE(raised == 0 || errno == EPERM); /* it takes a capability */
  wanted = (struct rlimit){512 * MIB, 1024 * MIB};
  REQUIRE(prlimit(getpid(), RLIMIT_AS, &wanted, &old) == 0 && old.rlim_cur == 1024 * MIB);
  REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0 && old.rlim_max > 3);
  return 0;
}

static int children(void) {
  char *const shell[] = {(char *)"sh", (char *)"-c", (char *)"test $(ulimit -v) = 524288 && exit 5", NULL};
  char *const environment[] = {NULL};
  pid_t child;
  REQUIRE(limit(RLIMIT_AS, 512 * MIB, RLIM_INFINITY) == 0);
  REQUIRE(posix_spawn(&child, "/bin/sh", NULL, NULL, shell, environment) == 0 && ended_with(child) == 5);
  child = fork();
  if (child == 0) {
    execve("/nowhere/to/be/found", shell, environment);
    if (map(MIB, PROT_NONE) == MAP_FAILED) _exit(4);
    execve("/bin/sh", shell, environment);
  }
  REQUIRE(ended_with(child) == 5);
  return 0;
}

int main(int argc, char *argv[]) {
  if (argc == 2 && strcmp(argv[1], "exec") == 0) {
    REQUIRE(limit(RLIMIT_AS, 512 * MIB, 512 * MIB) == 0);
    REQUIRE(execl("/nowhere/to/be/found", "found", NULL) == -1 && map(MIB, PROT_NONE) != MAP_FAILED);
    /* It looks twice: the host sees only afterwards what a program has become. */
    execl("/bin/sh", "sh", "-c", "until test $(ulimit -v) = 524288; do sleep 0.01; done; exit 7", NULL);
    return 1;
  }
  int failed = children();
  if (!failed) failed = all_memory();
  if (!failed) failed = data();
  if (!failed) failed = errors();
  return failed ? failed : AS_WANTED;
}
