/* Changes everything about itself that must not be shared with its host, then says so and ends. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
  sigset_t all;
  struct rlimit limit;
  int failures = 0;
  sigfillset(&all);
  failures += sigprocmask(SIG_BLOCK, &all, NULL) != 0;
  for (int number = 1; number < 32; number++) {
    signal(number, SIG_IGN);
  }
  failures += chdir("/") != 0;
  umask(0);
  failures += getrlimit(RLIMIT_NOFILE, &limit) != 0;
  limit.rlim_cur = 16;
  failures += setrlimit(RLIMIT_NOFILE, &limit) != 0;
  failures += setpgid(0, 0) != 0;
  failures += setenv("CHANGED", "yes", 1) != 0;
  failures += prctl(PR_SET_NAME, "changed") != 0;
  failures += nice(1) == -1;
  printf("changed, %d failures\n", failures);
  fflush(stdout);
  for (int fd = 0; fd < 4096; fd++) {
    close(fd);
  }
  return failures;
}
