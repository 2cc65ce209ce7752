/*
 * crash MODE: programs that crash, or only nearly.
 *
 *   fault          writes to address 16
 *   thread         the same in a second thread, beside others that wait
 *   abort          abort()
 *   kill           kills itself with SIGSEGV
 *   illegal        an instruction that does not exist
 *   handled        writes to address 16 a hundred times, each of which its handler mends; exits with 7
 *   signals        gets and handles a thousand signals, and exits with 7
 *   calls          makes calls that go to the host while a timer sends signals all the time, whose handler has no
 *                  SA_RESTART; exits with 7 when none of them failed
 *   child          a forked child crashes, and one that shares its memory; exits with 7 when it sees so
 *   exec PROGRAM   execs `PROGRAM fault`
 *   thread-exec PROGRAM  the same from a second thread
 *   handled-exec PROGRAM  handles faults as above, and then execs `PROGRAM fault`
 *   stop           stops itself, and exits with 7 when it is continued
 *   threads        starts and joins two hundred threads, and exits with 7
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AS_WANTED 7

static char **arguments;
static sigjmp_buf before;
static volatile int handled;

static void fault(void) { *(volatile int *)16 = 1; }

static void *fault_in_thread(void *argument) {
  (void)argument;
  fault();
  return NULL;
}

static void *wait_in_thread(void *argument) {
  (void)argument;
  for (;;) pause();
  return NULL;
}

static void *end_in_thread(void *argument) { return argument; }

static void *exec_in_thread(void *argument) {
  (void)argument;
  execl(arguments[2], arguments[2], "fault", (char *)NULL);
  return NULL;
}

static pthread_t start(void *(*function)(void *)) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, function, NULL) != 0) exit(70);
  return thread;
}

static void run_thread(void *(*function)(void *)) {
  start(wait_in_thread);
  start(wait_in_thread);
  pthread_join(start(function), NULL);
}

static void mend(int signal) {
  (void)signal;
  handled++;
  siglongjmp(before, 1);
}

static void count(int signal) {
  (void)signal;
  handled++;
}

static int handle_faults(void) {
  signal(SIGSEGV, mend);
  for (volatile int i = 0; i < 100; i++)
    if (sigsetjmp(before, 1) == 0) fault();
  return handled == 100 ? AS_WANTED : 71;
}

static int handle_signals(void) {
  signal(SIGUSR1, count);
  for (int i = 0; i < 1000; i++) raise(SIGUSR1);
  return handled == 1000 ? AS_WANTED : 71;
}

static int crash_in_clone(void *argument) {
  (void)argument;
  fault();
  return 0;
}

/* A process that is no thread, and sends no signal at its end: one that the kernel has traced with its maker. */
static int clone_crashes(void) {
  static char stack[65536] __attribute__((aligned(16)));
  int status;
  const pid_t pid = clone(crash_in_clone, stack + sizeof stack, CLONE_VM, NULL);
  return pid > 0 && waitpid(pid, &status, __WALL) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static int crash_in_children(void) {
  int status;
  const pid_t pid = fork();
  if (pid == 0) fault();
  if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV) return 72;
  return clone_crashes() ? AS_WANTED : 73;
}

static int many_threads(void) {
  for (int i = 0; i < 200; i++) pthread_join(start(end_in_thread), NULL);
  return AS_WANTED;
}

/* Some hundred of these signals come while a call waits to be heard. */
static long microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

/* @return how many of its calls failed */
static int make_calls_once(void) {
  char path[256];
  void *memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int failed = memory == MAP_FAILED || munmap(memory, 65536) != 0;
  return failed + (readlink("/proc/self/exe", path, sizeof path) <= 0);
}

/* Often, but on an emulated machine not so often that a call begins anew for ever. */
static long interval(void) {
  const long start = microseconds();
  for (int i = 0; i < 20; i++) make_calls_once();
  const long each = (microseconds() - start) / 20;
  return each < 20 ? 200 : 10 * each;
}

static int make_calls(void) {
  int failed = 0;
  struct sigaction action = {.sa_handler = count};
  const long between = interval();
  struct itimerval often = {{between / 1000000, between % 1000000}, {between / 1000000, between % 1000000}};
  const long enough = microseconds() + 10000000;
  if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &often, NULL) != 0) return 1;
  for (int i = 0; i < 20000 || handled < 1000; i++) {
    failed += make_calls_once();
    if (handled >= 50 && microseconds() > enough) break;
  }
  often = (struct itimerval){{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &often, NULL);
  return failed == 0 ? AS_WANTED : 2;
}

int main(int argc, char **argv) {
  arguments = argv;
  if (argc < 2) return 2;
  const char *mode = argv[1];
  if (strcmp(mode, "fault") == 0) fault();
  if (strcmp(mode, "thread") == 0) run_thread(fault_in_thread);
  if (strcmp(mode, "abort") == 0) abort();
  if (strcmp(mode, "kill") == 0) kill(getpid(), SIGSEGV);
  if (strcmp(mode, "illegal") == 0) __builtin_trap();
  if (strcmp(mode, "handled") == 0) return handle_faults();
  if (strcmp(mode, "signals") == 0) return handle_signals();
  if (strcmp(mode, "calls") == 0) return make_calls();
  if (strcmp(mode, "child") == 0) return crash_in_children();
  if (strcmp(mode, "threads") == 0) return many_threads();
  if (strcmp(mode, "exec") == 0 && argc == 3) exec_in_thread(NULL);
  if (strcmp(mode, "handled-exec") == 0 && argc == 3 && handle_faults() == AS_WANTED) exec_in_thread(NULL);
  if (strcmp(mode, "thread-exec") == 0 && argc == 3) run_thread(exec_in_thread);
  if (strcmp(mode, "stop") == 0) {
    raise(SIGSTOP);
    return AS_WANTED;
  }
  return 99;
}
