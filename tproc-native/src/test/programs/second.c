/*
 * second MODE: a second thread does what cat does, and exits with 7.
 *
 *   ended         the first thread has ended by then
 *   timer-ended   the same, and a timer that repeats, and does not ring, has been set before
 *   ended-timer   the same after that
 *   blocks        the first thread waits, and blocks all signals
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static const struct itimerval seldom = {{100000, 0}, {100000, 0}};
static pthread_t first;
static const char *mode;

static bool is(const char *name) { return strcmp(mode, name) == 0; }

static void *copy(void *unused) {
  char bytes[4096];
  ssize_t size;
  if (!is("blocks")) pthread_join(first, NULL);
  if (is("ended-timer") && setitimer(ITIMER_REAL, &seldom, NULL) != 0) exit(6);
  while ((size = read(0, bytes, sizeof bytes)) > 0)
    if (write(1, bytes, (size_t)size) != size) exit(3);
  exit(7);
  return unused;
}

int main(int argc, char **argv) {
  pthread_t second;
  sigset_t all;
  if (argc != 2) return 2;
  first = pthread_self();
  mode = argv[1];
  if (pthread_create(&second, NULL, copy, NULL) != 0) return 4;
  if (is("timer-ended") && setitimer(ITIMER_REAL, &seldom, NULL) != 0) return 6;
  if (!is("blocks")) pthread_exit(NULL);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  pthread_join(second, NULL);
  return 5;
}
