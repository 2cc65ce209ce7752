/*
 * Says "ready" and then waits for signals: "waiter" dies of them, "waiter report" prints the number of each and leaves
 * on SIGTERM with code 3, "waiter stubborn" ignores SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int report(void) {
  sigset_t all;
  int signal = 0;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  puts("ready");
  fflush(stdout);
  while (sigwait(&all, &signal) == 0 && signal != SIGTERM) {
    printf("%d\n", signal);
    fflush(stdout);
  }
  return 3;
}

int main(int argc, char *argv[]) {
  if (argc > 1 && strcmp(argv[1], "report") == 0) {
    return report();
  }
  if (argc > 1 && strcmp(argv[1], "stubborn") == 0) {
    signal(SIGTERM, SIG_IGN);
  }
  puts("ready");
  fflush(stdout);
  for (;;) {
    pause();
  }
}
