#include "spawn/spawner.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/error.h"
#include "base/thread.h"

/* The clone's child has a stack of its own; this thread only waits and calls clone. */
#define SPAWNER_STACK_SIZE (256u << 10)

struct spawn_order {
  const struct clone_request *request;
  int *pidfd;
  pid_t answer;
  bool done;
  struct spawn_order *next;
};

static struct spawn_order *next_order(struct spawner *spawner) {
  while (spawner->first == NULL && !spawner->stopping) pthread_cond_wait(&spawner->changed, &spawner->lock);
  struct spawn_order *order = spawner->first;
  if (order == NULL) return NULL;
  spawner->first = order->next;
  if (spawner->first == NULL) spawner->last = &spawner->first;
  return order;
}

static void *serve(void *argument) {
  struct spawner *spawner = argument;
  prctl(PR_SET_NAME, "tproc-host");
  pthread_mutex_lock(&spawner->lock);
  struct spawn_order *order;
  while ((order = next_order(spawner)) != NULL) {
    pthread_mutex_unlock(&spawner->lock);
    pid_t answer = clone_process(order->request, order->pidfd);
    pthread_mutex_lock(&spawner->lock);
    order->answer = answer;
    order->done = true;
    pthread_cond_broadcast(&spawner->changed);
  }
  pthread_mutex_unlock(&spawner->lock);
  return NULL;
}

int spawner_start(struct spawner *spawner, struct tproc_error *error) {
  memset(spawner, 0, sizeof *spawner);
  spawner->last = &spawner->first;
  pthread_mutex_init(&spawner->lock, NULL);
  pthread_cond_init(&spawner->changed, NULL);
  const int failed = thread_start(&spawner->thread, SPAWNER_STACK_SIZE, serve, spawner);
  if (!failed) return 0;
  pthread_cond_destroy(&spawner->changed);
  pthread_mutex_destroy(&spawner->lock);
  return tproc_fail(error, -failed, "start the host's thread (limit on threads, or clone forbidden)");
}

void spawner_stop(struct spawner *spawner) {
  pthread_mutex_lock(&spawner->lock);
  spawner->stopping = true;
  pthread_cond_broadcast(&spawner->changed);
  pthread_mutex_unlock(&spawner->lock);
  pthread_join(spawner->thread, NULL);
  pthread_cond_destroy(&spawner->changed);
  pthread_mutex_destroy(&spawner->lock);
}

pid_t spawner_clone(struct spawner *spawner, const struct clone_request *request, int *pidfd) {
  struct spawn_order order = {.request = request, .pidfd = pidfd};
  pthread_mutex_lock(&spawner->lock);
  *spawner->last = &order;
  spawner->last = &order.next;
  pthread_cond_broadcast(&spawner->changed);
  while (!order.done) pthread_cond_wait(&spawner->changed, &spawner->lock);
  pthread_mutex_unlock(&spawner->lock);
  return order.answer;
}
