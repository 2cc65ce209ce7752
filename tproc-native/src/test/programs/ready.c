/*
 * ready WHAT WORD…: does WHAT, calls tproc_ready, and then, with the arguments that it has then, prints those after
 * WHAT and the variable WORD, one on each line. After "state" it does what `state` does with the next one.
 *
 * WHAT has a letter for each thing that it does before: e ends, a aborts, p waits for ever, x executes a program, c
 * closes all descriptors but the first three, f opens descriptor 5, t starts a thread, g sets signals, w writes, k
 * forks a child that has all its descriptors until the program ends, i has a timer that goes on, s is stopped, u a
 * thread that sets the users of all threads, again and again; "-" is nothing. After i and u it waits afterwards for
 * what goes on.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <tproc.h>
#include <unistd.h>

#define main state_main
#include "state.c"
#undef main

#define OWN_DESCRIPTOR 5

static void nothing(int signal) { (void)signal; }

static void *sleep_on(void *argument) {
  poll(NULL, 0, -1);
  return argument;
}

static void set_signals(void) {
  sigset_t blocked;
  signal(SIGUSR1, nothing);
  signal(SIGUSR2, nothing);
  signal(SIGPIPE, SIG_IGN);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGHUP);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
}

static int open_own(void) {
  const int file = open("/dev/null", O_RDWR | O_CLOEXEC);
  const int placed = dup2(file, OWN_DESCRIPTOR);
  return placed != OWN_DESCRIPTOR || close(file) != 0;
}

static void fork_child(void) {
  const pid_t parent = getpid();
  if (fork() != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  while (getppid() == parent) pause(); /* it may have ended before that */
  _exit(0);
}

static volatile int ticks, settings;

static void tick(int signal) {
  (void)signal;
  ticks++;
}

static int start_timer(void) {
  const struct itimerval often = {{0, 5000}, {0, 5000}};
  signal(SIGALRM, tick);
  return setitimer(ITIMER_REAL, &often, NULL);
}

static void *set_users(void *argument) {
  for (; setresuid((uid_t)-1, (uid_t)-1, (uid_t)-1) == 0; poll(NULL, 0, 1)) settings++;
  return argument;
}

static bool goes_on(volatile int *count) {
  const int before = *count;
  for (int i = 0; i < 2000 && *count - before < 3; i++) poll(NULL, 0, 5);
  return *count - before >= 3;
}

static int do_before(char what) {
  pthread_t thread;
  switch (what) {
    case 'e':
      exit(3);
    case 'a':
      abort();
    case 'p':
      for (;;) pause();
    case 'x':
      return execl("/proc/self/exe", "ready", "p", NULL);
    case 'c':
      return (int)syscall(SYS_close_range, 3, ~0u, 0);
    case 'f':
      return open_own();
    case 't':
      return pthread_create(&thread, NULL, sleep_on, NULL);
    case 'g':
      set_signals();
      return 0;
    case 'w':
      return write(STDOUT_FILENO, "out\n", 4) != 4 || write(STDERR_FILENO, "err\n", 4) != 4 ||
             read(STDIN_FILENO, &what, 1) != 0;
    case 'k':
      fork_child();
      return 0;
    case 'i':
      return start_timer();
    case 's':
      return raise(SIGSTOP);
    case 'u':
      return pthread_create(&thread, NULL, set_users, NULL);
    default:
      return 0;
  }
}

int main(int argc, char **argv, char **envp) {
  const char *what = argc > 1 ? argv[1] : "";
  for (const char *each = what; *each != '\0'; each++)
    if (do_before(*each) != 0) return 4;
  tproc_ready(&argc, &argv, &envp);
  if (envp != environ || tproc_ready(NULL, NULL, NULL)) return 6; /* it waits once */
  if (strchr(what, 'i') != NULL && !goes_on(&ticks)) return 7;
  if (strchr(what, 'u') != NULL && !goes_on(&settings)) return 8;
  if (argc > 3 && strcmp(argv[2], "state") == 0) return state_main(argc - 2, argv + 2, envp);
  for (int i = 2; i < argc; i++) puts(argv[i]);
  puts(getenv("WORD") != NULL ? getenv("WORD") : "none");
  return 0;
}
