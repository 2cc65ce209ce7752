/*
 * Opens and examines constant paths while signals arrive whose handler does not ask for restarts, in a program that
 * also has the path of its own executable as a constant: prints how many calls failed, and whose that executable is.
 *
 *   constants ROUNDS
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ticks;

static void tick(int signal) {
  (void)signal;
  ticks = ticks + 1;
}

static void storm(void) {
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGURG};
  struct itimerspec often = {{0, 50000}, {0, 50000}};
  timer_t timer;
  sigaction(SIGURG, &(struct sigaction){.sa_handler = tick}, NULL);
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) exit(126);
  timer_settime(timer, 0, &often, NULL);
}

static int look(void) {
  struct stat status;
  int file = open("/dev/null", O_RDONLY);
  int failures = (file < 0) + (stat("/dev/null", &status) != 0);
  if (file >= 0) {
    failures += fstat(file, &status) != 0; /* for newer C libraries an fstatat with the path "" */
    close(file);
  }
  return failures;
}

int main(int argc, char *argv[]) {
  struct stat own, named;
  int rounds = argc > 1 ? atoi(argv[1]) : 1000, failures = 0;
  int same = stat("/proc/self/exe", &own) == 0 && stat(argv[0], &named) == 0 && own.st_ino == named.st_ino;
  storm();
  for (int i = 0; i < rounds || ticks == 0; i++) failures += look();
  printf("%d failures, %s\n", failures, same ? "itself" : "another");
  return failures != 0;
}
