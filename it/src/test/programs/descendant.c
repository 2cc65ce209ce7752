/*
 * Children of every kind, and what they can do with memory:
 *
 *   descendant all               makes each kind of child, which work with memory; prints one "kind=answer" a line
 *   descendant work              works with memory; prints "worked"
 *   descendant outlive SELF GATE RESULT
 *                                leaves two children behind, prints their pids and waits. One has executed SELF, one
 *                                is only forked. When GATE can be read, each writes to RESULT-executed or
 *                                RESULT-forked how its memory calls went, and ends
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void *allocate(void *unused) {
  for (size_t size = 16; size < ((size_t)8 << 20); size *= 2) {
    char *block = malloc(size);
    if (block == NULL) return NULL;
    memset(block, 5, size);
    free(block);
  }
  return unused;
}

/** @return NULL, or the call that failed */
static const char *work(void) {
  char *block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return "mmap";
  memset(block, 1, 1 << 20);
  if (mprotect(block, 1 << 16, PROT_READ) != 0) return "mprotect";
  if (mprotect(block, 1 << 16, PROT_READ | PROT_WRITE) != 0) return "mprotect back";
  block = mremap(block, 1 << 20, 2 << 20, MREMAP_MAYMOVE);
  if (block == MAP_FAILED) return "mremap";
  if (munmap(block, 2 << 20) != 0) return "munmap";
  char answer[] = "not NULL";
  if (allocate(answer) == NULL) return "malloc";
  pthread_t thread;
  void *result = NULL;
  if (pthread_create(&thread, NULL, allocate, answer) != 0) return "pthread_create";
  if (pthread_join(thread, &result) != 0 || result == NULL) return "malloc in a thread";
  return NULL;
}

static int work_and_exit(void) { return work() == NULL ? 0 : 9; }

static void wait_for(const char *kind, pid_t child) {
  int status = -1;
  if (child < 0 || waitpid(child, &status, 0) != child)
    printf("%s=%s\n", kind, strerrorname_np(errno));
  else if (WIFSIGNALED(status))
    printf("%s=signal %d\n", kind, WTERMSIG(status));
  else
    printf("%s=%d\n", kind, WEXITSTATUS(status));
  fflush(stdout);
}

static void all(char *self) {
  char *const command[] = {self, "work", NULL};
  pid_t child = fork();
  if (child == 0) _exit(work_and_exit());
  wait_for("fork", child);

  child = fork();
  if (child == 0) {
    const pid_t grandchild = fork();
    int status = -1;
    if (grandchild == 0) _exit(work_and_exit());
    _exit(waitpid(grandchild, &status, 0) == grandchild && status == 0 ? work_and_exit() : 8);
  }
  wait_for("fork of a fork", child);

  child = vfork();
  if (child == 0) _exit(3);
  wait_for("vfork", child);

  child = fork();
  if (child == 0) {
    execv(self, command);
    _exit(127);
  }
  wait_for("fork and exec", child);

  child = vfork();
  if (child == 0) {
    execv(self, command);
    _exit(127);
  }
  wait_for("vfork and exec", child);

  child = vfork();
  if (child == 0) {
    execv("/no/such/program", command);
    _exit(errno == ENOENT ? 4 : 5);
  }
  wait_for("vfork and failed exec", child);

  if (posix_spawn(&child, self, NULL, NULL, command, environ) != 0) child = -1;
  wait_for("posix_spawn", child);
  printf("itself=%s\n", work() == NULL ? "0" : "failed");
}

/* What a forked child opens before its host's end needs no answer of the host's afterwards; so does polling. */
static int survive(const char *kind, const char *gate, const char *result, int ready) {
  char path[4096], text[256];
  struct pollfd input = {.fd = open(gate, O_RDONLY | O_NONBLOCK | O_CLOEXEC), .events = POLLIN};
  snprintf(path, sizeof path, "%s-%s", result, kind);
  const int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (write(ready, "r", 1) != 1 || close(ready) != 0 || poll(&input, 1, -1) != 1) return 1;
  const char *failed = work();
  const int length = snprintf(text, sizeof text, "%s%s%s\n", failed == NULL ? "worked" : failed,
                              failed == NULL ? "" : ": ", failed == NULL ? "" : strerrorname_np(errno));
  return write(file, text, (size_t)length) == length ? 0 : 1;
}

static int outlive(char *self, char *gate, char *result) {
  int ends[2];
  char number[16], both[2];
  if (pipe(ends) != 0) return 1;
  snprintf(number, sizeof number, "%d", ends[1]);
  char *const command[] = {self, "survive", gate, result, number, NULL};
  const pid_t executed = fork();
  if (executed == 0) {
    execv(self, command);
    _exit(127);
  }
  const pid_t forked = fork();
  if (forked == 0) _exit(survive("forked", gate, result, ends[1]));
  for (int i = 0; i < 2; i++)
    if (read(ends[0], &both[i], 1) != 1) return 1;
  printf("%d\n%d\n", executed, forked);
  fflush(stdout);
  for (;;) pause();
}

int main(int argc, char *argv[]) {
  if (argc == 2 && strcmp(argv[1], "all") == 0)
    all(argv[0]);
  else if (argc == 2 && strcmp(argv[1], "work") == 0)
    return work_and_exit();
  else if (argc == 5 && strcmp(argv[1], "outlive") == 0)
    return outlive(argv[2], argv[3], argv[4]);
  else if (argc == 5 && strcmp(argv[1], "survive") == 0)
    return survive("executed", argv[2], argv[3], atoi(argv[4]));
  else
    return 64;
  return 0;
}
