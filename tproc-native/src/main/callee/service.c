#include "service.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "closure.h"
#include "crash.h"
#include "function.h"

static _Thread_local struct lane *own_lane;
static _Thread_local unsigned callbacks; /* under way: of all that this thread is in */

/* Lanes of the library's own threads: those of ended threads wait here for others. */
struct guest {
  struct guest *next;
  struct lane *lane;
};

static struct {
  pthread_mutex_t lock; /* guards desk and free, also while the host makes a lane; no other lock is taken under it */
  struct lane *desk;
  struct guest *free;
  pthread_key_t key; /* whose destructor gives a thread's lane back */
} guests = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Its constructors may call back, and the host again, which then asks for other things in the lane. */
static void open_library(struct lane *lane) {
  const uint64_t frame = lane->frame;
  void *handle = dlopen(lane_pointer(lane->subject), (int)lane->size);
  lane->frame = frame;
  if (handle == NULL) return lane_fail(lane, "%s", dlerror());
  lane->failed = 0;
  lane->result = (uintptr_t)handle;
}

/* A symbol may be NULL: only dlerror tells. */
static void find_symbol(struct lane *lane) {
  dlerror();
  void *address = dlsym(lane_pointer(lane->subject), lane_pointer(lane->frame));
  const char *problem = dlerror();
  if (problem != NULL) return lane_fail(lane, "%s", problem);
  lane->result = (uintptr_t)address;
}

static void *serve(void *lane) {
  prctl(PR_SET_NAME, "tproc-lane");
  crash_watch_thread();
  service_run(lane);
}

static void start_thread(struct lane *lane) {
  pthread_t thread;
  pthread_attr_t attributes;
  int code = pthread_attr_init(&attributes);
  if (code == 0 && lane->size != 0) code = pthread_attr_setstacksize(&attributes, lane->size);
  if (code == 0) code = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  if (code == 0) code = pthread_create(&thread, &attributes, serve, lane_pointer(lane->subject));
  if (code != 0) lane_fail(lane, "cannot start a thread: %s", strerror(code));
}

static void copy_text(struct lane *lane) {
  const char *text = lane_pointer(lane->subject);
  lane->result = strnlen(text, lane->size);
  memcpy(lane_pointer(lane->frame), text, lane->result);
}

static void count_usage(struct lane *lane) {
  const struct mallinfo2 info = mallinfo2();
  lane->result = info.uordblks + info.hblkhd;
}

/*
 * A longjmp or a C++ exception out of a callback leaves frames of Java's behind that nobody returns to: it would wait
 * for ever, and what it holds with it.
 */
static void call_function(struct lane *lane) {
  const unsigned before = callbacks;
  function_call(lane);
  if (callbacks == before) return;
  fputs("tproc-callee: a callback was left by longjmp or a C++ exception, past the Java code that called\n", stderr);
  abort();
}

static void operate(struct lane *lane) {
  lane->failed = 0;
  switch ((enum operation)lane->operation) {
    case OPERATION_CALL:
      return call_function(lane);
    case OPERATION_OPEN:
      return open_library(lane);
    case OPERATION_SYMBOL:
      return find_symbol(lane);
    case OPERATION_PREPARE:
      return function_prepare(lane);
    case OPERATION_THREAD:
      return start_thread(lane);
    case OPERATION_CLOSURE:
      return closure_make(lane);
    case OPERATION_CLOSURE_END:
      return closure_end(lane);
    case OPERATION_TEXT:
      return copy_text(lane);
    case OPERATION_COPY:
      memmove(lane_pointer(lane->target), lane_pointer(lane->subject), lane->size);
      return;
    case OPERATION_USAGE:
      return count_usage(lane);
    case OPERATION_EXIT:
      exit((int)lane->subject);
  }
  lane_fail(lane, "no such operation: %u", lane->operation);
}

/* A child that the library has forked has a copy of the lane: nobody would ever answer it. */
static bool is_forked_child;
static void note_child(void) { is_forked_child = true; }
static void refuse_in_child(const char *what) {
  if (!is_forked_child) return;
  fprintf(stderr, "tproc-callee: %s in a forked child, which Java does not hear\n", what);
  signal(SIGABRT, SIG_DFL);
  abort();
}

/* Until the host returns from a callback; the first callback of all is none, and never returns. */
static void serve_calls(struct lane *lane) {
  while (lane_wait(lane) != TURN_RETURN) {
    operate(lane);
    refuse_in_child("a function has returned");
    lane_post(lane, TURN_HOST);
  }
}

/* By pthread_exit, or pthread_cancel of another: the call will never return. */
static void thread_ends(void *unused) {
  (void)unused;
  fputs("tproc-callee: the library has ended the thread that calls it (pthread_exit, pthread_cancel)\n", stderr);
  abort();
}

_Noreturn void service_run(struct lane *lane) {
  own_lane = lane;
  pthread_cleanup_push(thread_ends, NULL);
  for (;;) serve_calls(lane);
  pthread_cleanup_pop(0);
}

void service_call_back(struct lane *lane, uint64_t number, void *frame) {
  refuse_in_child("a callback was called");
  lane->callback = number;
  lane->callback_frame = (uintptr_t)frame;
  callbacks++;
  lane_post(lane, TURN_CALLBACK);
  serve_calls(lane);
  callbacks--;
}

/* Destructors of the library's that run after this one may call back, too: they get a lane again, and give it back. */
static void give_lane_back(void *value) {
  struct guest *guest = value;
  own_lane = NULL;
  pthread_mutex_lock(&guests.lock);
  guest->next = guests.free;
  guests.free = guest;
  pthread_mutex_unlock(&guests.lock);
}

void service_set_desk(struct lane *desk) {
  guests.desk = desk;
  if (pthread_atfork(NULL, NULL, note_child) != 0 || pthread_key_create(&guests.key, give_lane_back) != 0) {
    fputs("tproc-callee: no memory for its threads\n", stderr);
    abort();
  }
}

/* Under the lock: the desk is for one at a time. */
static struct guest *new_guest(void) {
  struct guest *guest = calloc(1, sizeof *guest);
  uint64_t *frame = lane_pointer(guests.desk->top);
  service_call_back(guests.desk, SERVICE_NEEDS_LANE, frame);
  if (guest == NULL || *frame == 0) {
    fputs("tproc-callee: the host has no lane for a callback from a thread of the library\n", stderr);
    abort();
  }
  guest->lane = lane_pointer(*frame);
  return guest;
}

struct lane *service_lane(void) {
  if (own_lane == NULL) {
    pthread_mutex_lock(&guests.lock);
    struct guest *guest = guests.free;
    if (guest != NULL)
      guests.free = guest->next;
    else
      guest = new_guest();
    pthread_mutex_unlock(&guests.lock);
    pthread_setspecific(guests.key, guest);
    own_lane = guest->lane;
  }
  return own_lane;
}
