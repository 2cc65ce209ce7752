/*
 * timer MODE: sets a timer that does not ring, and says "traced" or "untraced", of all its threads, and once more of
 * one that it starts then.
 *
 *   once           setitimer for one signal
 *   repeats        setitimer for one after the other
 *   posix          timer_settime for that
 *   posix-once     timer_settime for one signal
 *   disarmed       an interval without a first signal
 *   page           setitimer for one after the other, with a value in a page that is not in memory yet
 *   page-once      the same for one signal
 *   ended          repeats, when the first thread has ended
 *   wrong          a value that cannot be read, which is EFAULT
 *   threads        repeats, from a thread, beside twenty that wait and one that starts others all the time
 *   twice          repeats, set again and again by four threads
 *   fork           repeats, in a forked child; says it of the child and of itself
 *   vfork          repeats, in a child that shares its memory; says it of itself
 *   exec           repeats, and disarms it; then execs itself with "once", which has to set none of its own
 *   race ROUNDS    repeats, while a thread execs itself with "left", beside sixty; ROUNDS: how long that waits before
 *   left           none; says it when it is untraced, or after 10 s: who has begun to trace it lets go of it soon
 *   fault          repeats, and writes to address 16
 *   stop           repeats, stops itself, and exits with 7 when it is continued
 *   wait ADDRESS   as threads, and writes 1 to the address before that, for who kills it
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AS_WANTED 7
#define LONG 100000

static const struct itimerval repeating = {{LONG, 0}, {LONG, 0}}, once = {{0, 0}, {LONG, 0}}, none = {{0, 0}, {0, 0}};

static void check(bool is_so) {
  if (!is_so) exit(70);
}

static int set(const struct itimerval *value) { return setitimer(ITIMER_REAL, value, NULL); }

/* @return -1: the thread has ended */
static int is_traced(const char *path) {
  char line[256], state = 0;
  int tracer = -1;
  FILE *status = fopen(path, "re");
  if (status == NULL) return -1;
  while (fgets(line, sizeof line, status) != NULL) {
    sscanf(line, "State: %c", &state);
    sscanf(line, "TracerPid: %d", &tracer);
  }
  fclose(status);
  return tracer < 0 || state == 'Z' ? -1 : tracer > 0;
}

/* Of all threads the same, or "some". */
static const char *say(void) {
  char path[300];
  unsigned traced = 0, untraced = 0;
  DIR *threads = opendir("/proc/self/task");
  check(threads != NULL);
  for (const struct dirent *each; (each = readdir(threads)) != NULL;) {
    if (each->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", each->d_name);
    const int is = is_traced(path);
    traced += is == 1;
    untraced += is == 0;
  }
  closedir(threads);
  return untraced == 0 ? "traced" : traced == 0 ? "untraced" : "some";
}

static void *say_of_thread(void *unused) {
  (void)unused;
  return (void *)(is_traced("/proc/thread-self/status") == 1 ? "traced" : "untraced");
}

static pthread_t start(void *(*function)(void *), void *argument) {
  pthread_t thread;
  check(pthread_create(&thread, NULL, function, argument) == 0);
  return thread;
}

static void *wait_for_ever(void *unused) {
  for (;;) pause();
  return unused;
}

static void *end_at_once(void *unused) { return unused; }

static void *start_others(void *unused) {
  for (;;) pthread_join(start(end_at_once, NULL), NULL);
  return unused;
}

static void *set_in_thread(void *unused) {
  check(set(&repeating) == 0);
  return unused;
}

static void *set_often(void *unused) {
  for (int i = 0; i < 100; i++) check(set(&repeating) == 0);
  return unused;
}

static void set_beside_threads(void) {
  for (int i = 0; i < 20; i++) start(wait_for_ever, NULL);
  start(start_others, NULL);
  pthread_join(start(set_in_thread, NULL), NULL);
}

static unsigned long rounds;

static void *exec_soon(void *program) {
  for (volatile unsigned long i = 0; i < rounds; i++) continue;
  execl(program, program, "left", (char *)NULL);
  exit(71);
}

/* Some in vain: natively, too, the kernel refuses a thread during an execve. */
static void *try_to_start_others(void *unused) {
  pthread_t thread;
  for (;;)
    if (pthread_create(&thread, NULL, end_at_once, NULL) == 0) pthread_join(thread, NULL);
  return unused;
}

static void set_beside_exec(char *program) {
  for (int i = 0; i < 60; i++) start(wait_for_ever, NULL);
  start(try_to_start_others, NULL);
  start(exec_soon, program);
  check(set(&repeating) == 0);
  for (;;) pause();
}

static void set_twice(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) threads[i] = start(set_often, NULL);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  check(set(&repeating) == 0);
}

static void set_posix(bool repeats) {
  timer_t timer;
  const struct itimerspec value = {{repeats ? LONG : 0, 0}, {LONG, 0}};
  check(timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0);
  check(timer_settime(timer, 0, &value, NULL) == 0);
}

static void set_from_page(const struct itimerval *value) {
  const int file = memfd_create("value", 0);
  check(write(file, value, sizeof *value) == sizeof *value);
  const struct itimerval *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
  check(page != MAP_FAILED && set(page) == 0);
}

static int set_in_clone(void *unused) {
  (void)unused;
  return set(&repeating);
}

static void set_in_child(bool shares) {
  static char stack[65536] __attribute__((aligned(16)));
  int status;
  pid_t child;
  if (shares) {
    child = clone(set_in_clone, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
  } else if ((child = fork()) == 0) {
    check(set(&repeating) == 0);
    puts(say());
    exit(0);
  }
  check(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

static void await_untraced(void) {
  for (int i = 0; i < 10000 && strcmp(say(), "untraced") != 0; i++) usleep(1000);
}

static void do_as(const char *mode, char **argv) {
  if (strcmp(mode, "once") == 0) check(set(&once) == 0);
  if (strcmp(mode, "repeats") == 0) check(set(&repeating) == 0);
  if (strcmp(mode, "posix") == 0) set_posix(true);
  if (strcmp(mode, "posix-once") == 0) set_posix(false);
  if (strcmp(mode, "disarmed") == 0) check(set(&(struct itimerval){{LONG, 0}, {0, 0}}) == 0);
  if (strcmp(mode, "page") == 0) set_from_page(&repeating);
  if (strcmp(mode, "page-once") == 0) set_from_page(&once);
  if (strcmp(mode, "wrong") == 0) check(set((const struct itimerval *)16) != 0);
  if (strcmp(mode, "threads") == 0) set_beside_threads();
  if (strcmp(mode, "twice") == 0) set_twice();
  if (strcmp(mode, "fork") == 0) set_in_child(false);
  if (strcmp(mode, "vfork") == 0) set_in_child(true);
  if (strcmp(mode, "exec") == 0) {
    check(set(&repeating) == 0 && set(&none) == 0 && strcmp(say(), "traced") == 0);
    execl(argv[0], argv[0], "none", (char *)NULL);
  }
  if (strcmp(mode, "race") == 0) {
    rounds = strtoul(argv[2], NULL, 10);
    set_beside_exec(argv[0]);
  }
  if (strcmp(mode, "left") == 0) await_untraced();
  if (strcmp(mode, "fault") == 0) {
    check(set(&repeating) == 0);
    *(volatile int *)16 = 1;
  }
  if (strcmp(mode, "stop") == 0) {
    check(set(&repeating) == 0);
    raise(SIGSTOP);
    exit(AS_WANTED);
  }
  if (strcmp(mode, "wait") == 0) {
    __atomic_store_n((uint32_t *)strtoul(argv[2], NULL, 16), 1, __ATOMIC_RELEASE);
    set_beside_threads();
    for (;;) pause();
  }
}

static void say_all(void) {
  void *of_thread;
  const char *of_all = say();
  pthread_join(start(say_of_thread, NULL), &of_thread);
  printf("%s %s\n", of_all, (const char *)of_thread);
  exit(0);
}

static pthread_t first;

static void *set_after_first(void *unused) {
  pthread_join(first, NULL);
  check(set(&repeating) == 0);
  say_all();
  return unused;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  setvbuf(stdout, NULL, _IONBF, 0);
  if (strcmp(argv[1], "ended") == 0) {
    first = pthread_self();
    start(set_after_first, NULL);
    pthread_exit(NULL);
  }
  do_as(argv[1], argv);
  say_all();
}
