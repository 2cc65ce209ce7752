/*
 * Makes memory calls, or forks, while a timer's signals keep arriving whose handler does not ask for restarts. No
 * kernel lets such a signal be seen in these calls; prints which failed nevertheless.
 *
 *   interrupted memory|fork ROUNDS
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (1u << 20)

static volatile sig_atomic_t ticks;

static void tick(int signal) {
  (void)signal;
  ticks = ticks + 1;
}

static int failed(const char *call) {
  printf("%s: %s\n", call, strerror(errno));
  return 1;
}

static int memory_calls(void) {
  char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return failed("mmap");
  memory[0] = 1;
  if (mprotect(memory, SIZE, PROT_READ) != 0) return failed("mprotect");
  memory = mremap(memory, SIZE, 2 * SIZE, MREMAP_MAYMOVE);
  if (memory == MAP_FAILED) return failed("mremap");
  if (madvise(memory, SIZE, MADV_DONTNEED) != 0) return failed("madvise");
  if (munmap(memory, 2 * SIZE) != 0) return failed("munmap");
  if (sbrk(4096) == (void *)-1) return failed("sbrk");
  if (sbrk(-4096) == (void *)-1) return failed("sbrk back");
  return 0;
}

static int forks(void) {
  pid_t child = fork();
  if (child == 0) _exit(0);
  if (child < 0) return failed("fork");
  while (waitpid(child, NULL, 0) < 0) {
    if (errno != EINTR) return failed("waitpid");
  }
  return 0;
}

int main(int argc, char *argv[]) {
  int fork_only = argc > 1 && strcmp(argv[1], "fork") == 0;
  int rounds = argc > 2 ? atoi(argv[2]) : 1000;
  struct sigaction action = {.sa_handler = tick};
  struct itimerval often = {{0, 200}, {0, 200}};
  int failures = 0;
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGCHLD, &action, NULL);
  setitimer(ITIMER_REAL, &often, NULL);
  for (int i = 0; i < rounds && failures < 10; i++) {
    failures += fork_only ? forks() : memory_calls();
  }
  printf("%d failures\n", failures);
  return failures != 0 || ticks == 0;
}
