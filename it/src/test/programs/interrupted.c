/*
 * Forks, executes, or lets its heap grow, while signals arrive whose handler does not ask for restarts.
 *
 *   interrupted fork ROUNDS   no kernel lets a signal be seen in fork: prints which failed nevertheless
 *   interrupted execute ROUNDS   nor in execve: of a constant path, and of what is found in PATH
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
#include <time.h>
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

/* A timer of this kind ends with the execve, and SIGURG is ignored by what is executed. */
static void storm(void) {
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGURG};
  struct itimerspec often = {{0, 50000}, {0, 50000}};
  timer_t timer;
  sigaction(SIGURG, &(struct sigaction){.sa_handler = tick}, NULL);
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) _exit(126);
  timer_settime(timer, 0, &often, NULL);
}

static void execute(int round) {
  char *const arguments[] = {"true", NULL};
  storm();
  if (round % 2 == 0)
    execvp("true", arguments);
  else
    execv("/bin/true", arguments);
  failed("execve");
  fflush(stdout);
  _exit(1);
}

static int execute_once(int round) {
  int status;
  pid_t child = fork();
  if (child == 0) execute(round);
  if (child < 0) return failed("fork");
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return failed("waitpid");
  }
  return status != 0;
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

static int (*step_named(const char *name))(int) {
  return strcmp(name, "fork") == 0 ? fork_once : strcmp(name, "execute") == 0 ? execute_once : fill_heap;
}

int main(int argc, char *argv[]) {
  int (*step)(int) = step_named(argc > 1 ? argv[1] : "heap");
  int rounds = argc > 2 ? atoi(argv[2]) : 1000;
  int failures = 0;
  free(malloc(1)); /* libc's heap begins before the signals do */
  sigaction(SIGALRM, &(struct sigaction){.sa_handler = tick}, NULL);
  if (step != fill_heap) sigaction(SIGCHLD, &(struct sigaction){.sa_handler = tick}, NULL);
  for (int i = 0; i < rounds && failures < 10; i++) failures += step(i);
  printf("%d failures\n", failures);
  return failures != 0 || ticks == 0;
}
