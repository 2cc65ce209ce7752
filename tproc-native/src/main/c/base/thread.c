#include "base/thread.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/compat.h"

#define SHORTEST_SLICE 100000 /* nanoseconds, the kernel's own limit */

/* On the stack of the one who starts it, until the thread has its name. */
struct beginning {
  const char *name;
  void *(*function)(void *);
  void *argument;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool named;
};

static void *begin(void *of_starter) {
  struct beginning *beginning = of_starter;
  void *(*const function)(void *) = beginning->function;
  void *const argument = beginning->argument;
  prctl(PR_SET_NAME, beginning->name);
  pthread_mutex_lock(&beginning->lock);
  beginning->named = true;
  pthread_cond_signal(&beginning->changed);
  pthread_mutex_unlock(&beginning->lock);
  return function(argument);
}

static int create(pthread_t *thread, const pthread_attr_t *attributes, struct beginning *beginning) {
  pthread_mutex_init(&beginning->lock, NULL);
  pthread_cond_init(&beginning->changed, NULL);
  const int code = pthread_create(thread, attributes, begin, beginning);
  pthread_mutex_lock(&beginning->lock);
  while (code == 0 && !beginning->named) pthread_cond_wait(&beginning->changed, &beginning->lock);
  pthread_mutex_unlock(&beginning->lock);
  pthread_cond_destroy(&beginning->changed);
  pthread_mutex_destroy(&beginning->lock);
  return code;
}

int thread_start(pthread_t *thread, size_t stack_size, const char *name, void *(*function)(void *), void *argument) {
  struct beginning beginning = {.name = name, .function = function, .argument = argument};
  pthread_attr_t attributes;
  pthread_t detached;
  sigset_t all, before;
  int code = pthread_attr_init(&attributes);
  if (code != 0) return -code;
  code = pthread_attr_setstacksize(&attributes, stack_size);
  if (code == 0 && thread == NULL) code = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  if (code == 0) {
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    code = create(thread != NULL ? thread : &detached, &attributes, &beginning);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  pthread_attr_destroy(&attributes);
  return -code;
}

/* It only makes answers quicker, so it may fail. Older kernels take the same request and change nothing by it. */
void thread_runs_briefly(void) {
  struct compat_sched_attr attributes = {.size = sizeof attributes};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.sched_policy != SCHED_NORMAL) return;
  /* The threads that it starts are not meant. But with this flag they would lose a nice value below 0. */
  if (attributes.sched_nice >= 0) attributes.sched_flags |= SCHED_FLAG_RESET_ON_FORK;
  attributes.sched_runtime = SHORTEST_SLICE;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void thread_condition_init(pthread_cond_t *condition) {
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(condition, &monotonic);
  pthread_condattr_destroy(&monotonic);
}

static bool any_left; /* atomic */

void thread_note_left(void) { __atomic_store_n(&any_left, true, __ATOMIC_RELAXED); }

bool thread_any_left(void) { return __atomic_load_n(&any_left, __ATOMIC_RELAXED); }
