#include "spawn/spawner.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/error.h"

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

static int create_thread(struct spawner *spawner) {
  pthread_attr_t attributes;
  sigset_t all, before;
  int code = pthread_attr_init(&attributes);
  if (code != 0) return code;
  code = pthread_attr_setstacksize(&attributes, SPAWNER_STACK_SIZE);
  if (code == 0) {
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    code = pthread_create(&spawner->thread, &attributes, serve, spawner);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  pthread_attr_destroy(&attributes);
  return code;
}

int spawner_start(struct spawner *spawner, struct tproc_error *error) {
  memset(spawner, 0, sizeof *spawner);
  spawner->last = &spawner->first;
  pthread_mutex_init(&spawner->lock, NULL);
  pthread_cond_init(&spawner->changed, NULL);
  int code = create_thread(spawner);
  if (code == 0) return 0;
  pthread_cond_destroy(&spawner->changed);
  pthread_mutex_destroy(&spawner->lock);
  return tproc_fail(error, code, "start the host's thread (limit on threads, or clone forbidden)");
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
