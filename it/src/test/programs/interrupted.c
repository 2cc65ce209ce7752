/*
 * Forks, or lets its heap grow, while signals arrive whose handler does not ask for restarts.
 *
 *   interrupted fork ROUNDS   no kernel lets a signal be seen in fork: prints which failed nevertheless
 *   interrupted heap ROUNDS   fills 64 MiB of small blocks each round and checks them: prints how many are wrong
 *
 * Before each step one signal is ordered, a little later each time, so that it meets the step anywhere. (With a
 * periodic timer a fork that takes longer than the period would start over without end, natively too.)
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK 4096
#define BLOCKS 16384
#define DELAY_MAX 1500

static volatile sig_atomic_t ticks;

static void tick(int signal) {
  (void)signal;
  ticks = ticks + 1;
}

static void order_signal(int after) {
  struct itimerval once = {{0, 0}, {0, 1 + after % DELAY_MAX}};
  setitimer(ITIMER_REAL, &once, NULL);
}

static int failed(const char *call) {
  printf("%s: %s\n", call, strerror(errno));
  return 1;
}

static int fork_once(int round) {
  order_signal(round * 7);
  pid_t child = fork();
  if (child == 0) _exit(0);
  if (child < 0) return failed("fork");
  while (waitpid(child, NULL, 0) < 0) {
    if (errno != EINTR) return failed("waitpid");
  }
  return 0;
}

static int fill_heap(int round) {
  static unsigned char *blocks[BLOCKS];
  int wrong = 0;
  for (int i = 0; i < BLOCKS; i++) {
    if (i % 8 == 0) order_signal((round + i) % 60);
    blocks[i] = malloc(BLOCK);
    if (blocks[i] != NULL) memset(blocks[i], i % 251, BLOCK);
  }
  for (int i = 0; i < BLOCKS; i++) {
    if (blocks[i] != NULL) wrong += blocks[i][0] != i % 251 || blocks[i][BLOCK - 1] != i % 251;
    free(blocks[i]);
  }
  return wrong;
}

int main(int argc, char *argv[]) {
  int fork_only = argc > 1 && strcmp(argv[1], "fork") == 0;
  int rounds = argc > 2 ? atoi(argv[2]) : 1000;
  int failures = 0;
  free(malloc(1)); /* libc's heap begins before the signals do */
  sigaction(SIGALRM, &(struct sigaction){.sa_handler = tick}, NULL);
  if (fork_only) sigaction(SIGCHLD, &(struct sigaction){.sa_handler = tick}, NULL);
  for (int i = 0; i < rounds && failures < 10; i++) failures += fork_only ? fork_once(i) : fill_heap(i);
  printf("%d failures\n", failures);
  return failures != 0 || ticks == 0;
}
