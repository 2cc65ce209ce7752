#include "base/thread.h"

#include <signal.h>
#include <time.h>

int thread_start(pthread_t *thread, size_t stack_size, void *(*function)(void *), void *argument) {
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
    code = pthread_create(thread != NULL ? thread : &detached, &attributes, function, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  pthread_attr_destroy(&attributes);
  return -code;
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
