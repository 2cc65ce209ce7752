#include "base/executor.h"

#include <string.h>

#include "base/completion.h"
#include "base/descriptor_table.h"
#include "base/error.h"
#include "base/thread.h"

#define EXECUTOR_STACK_SIZE (256u << 10)

/* A launch has a few paths of PATH_MAX and messages on its stack; a sanitizer wants three times as much. */
#define APART_STACK_SIZE (512u << 10)

/* On the caller's stack. */
struct executor_order {
  void (*function)(void *);
  void *argument;
  struct completion over;
  struct executor_order *next;
};

/* Lives on the starting thread's stack until the new one has said how its start went. */
struct beginning {
  struct executor *executor;
  const struct executor_options *start;
  bool over;
  int failed; /* negative errno */
};

static struct executor_order *next_order(struct executor *executor) {
  while (executor->first == NULL && !executor->stopping) pthread_cond_wait(&executor->ordered, &executor->lock);
  struct executor_order *order = executor->first;
  if (order == NULL) return NULL;
  executor->first = order->next;
  if (executor->first == NULL) executor->last = &executor->first;
  return order;
}

static int begin(const struct executor_options *start) {
  return start->kept != NULL ? descriptor_table_leave(start->kept, start->kept_count) : 0;
}

static void *serve(void *argument) {
  struct beginning *beginning = argument;
  struct executor *executor = beginning->executor;
  const int failed = begin(beginning->start);
  pthread_mutex_lock(&executor->lock);
  beginning->failed = failed;
  beginning->over = true;
  pthread_cond_broadcast(&executor->begun);
  struct executor_order *order;
  while (!failed && (order = next_order(executor)) != NULL) {
    pthread_mutex_unlock(&executor->lock);
    order->function(order->argument);
    completion_done(&order->over);
    pthread_mutex_lock(&executor->lock);
  }
  pthread_mutex_unlock(&executor->lock);
  return NULL;
}

static void release(struct executor *executor) {
  pthread_cond_destroy(&executor->begun);
  pthread_cond_destroy(&executor->ordered);
  pthread_mutex_destroy(&executor->lock);
}

int executor_start(struct executor *executor, const struct executor_options *start, struct tproc_error *error) {
  struct beginning beginning = {.executor = executor, .start = start};
  memset(executor, 0, sizeof *executor);
  executor->last = &executor->first;
  pthread_mutex_init(&executor->lock, NULL);
  pthread_cond_init(&executor->ordered, NULL);
  pthread_cond_init(&executor->begun, NULL);
  const int failed = thread_start(&executor->thread, EXECUTOR_STACK_SIZE, start->name, serve, &beginning);
  if (failed) {
    release(executor);
    return tproc_fail(error, -failed, "start %s (limit on threads, or clone forbidden)", start->what);
  }
  pthread_mutex_lock(&executor->lock);
  while (!beginning.over) pthread_cond_wait(&executor->begun, &executor->lock);
  pthread_mutex_unlock(&executor->lock);
  if (beginning.failed == 0) return 0;
  pthread_join(executor->thread, NULL);
  release(executor);
  return tproc_fail(error, -beginning.failed, "give %s a descriptor table of its own (close_range)", start->what);
}

void executor_call(struct executor *executor, void (*function)(void *), void *argument) {
  if (pthread_equal(pthread_self(), executor->thread)) {
    function(argument);
    return;
  }
  struct executor_order order = {.function = function, .argument = argument};
  pthread_mutex_lock(&executor->lock);
  *executor->last = &order;
  executor->last = &order.next;
  pthread_mutex_unlock(&executor->lock);
  pthread_cond_signal(&executor->ordered); /* who is woken finds the lock free */
  completion_await(&order.over);
}

/* A call apart, on the caller's stack. */
struct apart {
  void (*function)(void *);
  void *argument;
  pthread_t thread;
  int failed;
};

static void *run_apart(void *argument) {
  const struct apart *apart = argument;
  apart->function(apart->argument);
  return NULL;
}

/* By the executor's thread, whose descriptor table the new one shares. */
static void start_apart(void *argument) {
  struct apart *apart = argument;
  apart->failed = thread_start(&apart->thread, APART_STACK_SIZE, "tproc-call", run_apart, apart);
}

int executor_call_apart(struct executor *executor, void (*function)(void *), void *argument) {
  struct apart apart = {.function = function, .argument = argument};
  executor_call(executor, start_apart, &apart);
  if (!apart.failed) pthread_join(apart.thread, NULL);
  return apart.failed;
}

void executor_stop(struct executor *executor) {
  pthread_mutex_lock(&executor->lock);
  executor->stopping = true;
  pthread_cond_broadcast(&executor->ordered);
  pthread_mutex_unlock(&executor->lock);
  pthread_join(executor->thread, NULL);
  release(executor);
}
