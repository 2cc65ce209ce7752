#include "base/workers.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"
#include "base/wake.h"

/* A launch has a few paths of PATH_MAX and messages on its stack; a sanitizer wants three times as much. */
#define WORKER_STACK_SIZE (512u << 10)

/* The caller is counted as idle already. */
static struct work *next_work(struct workers *workers) {
  while (workers->first == NULL && !workers->stopping) pthread_cond_wait(&workers->changed, &workers->lock);
  workers->idle--;
  struct work *work = workers->first;
  if (work == NULL) return NULL;
  workers->first = work->next;
  if (workers->first == NULL) workers->last = &workers->first;
  workers->queued--;
  return work;
}

static void *work_on(void *argument) {
  struct workers *workers = argument;
  pthread_mutex_lock(&workers->lock);
  workers->idle++;
  struct work *work;
  while ((work = next_work(workers)) != NULL) {
    const bool tell = work->tell;
    pthread_mutex_unlock(&workers->lock);
    work->run(work);
    pthread_mutex_lock(&workers->lock);
    workers->idle++; /* before the owner is told: the next work it submits needs no new thread */
    if (!tell) continue;
    work->next = workers->done;
    workers->done = work;
    pthread_mutex_unlock(&workers->lock); /* the owner takes it when it is woken */
    wake_ring(workers->news);
    pthread_mutex_lock(&workers->lock);
  }
  pthread_mutex_unlock(&workers->lock);
  return NULL;
}

/* Under the lock. */
static int start_one(struct workers *workers) {
  const int failed =
      thread_start(&workers->threads[workers->count], WORKER_STACK_SIZE, "tproc-worker", work_on, workers);
  if (!failed) workers->count++;
  return failed;
}

int workers_open(struct workers *workers, size_t most, size_t at_once, int news, struct tproc_error *error) {
  memset(workers, 0, sizeof *workers);
  workers->last = &workers->first;
  workers->count_max = most < WORKERS_MAX ? most : WORKERS_MAX;
  workers->news = news;
  pthread_mutex_init(&workers->lock, NULL);
  pthread_cond_init(&workers->changed, NULL);
  int failed = 0;
  pthread_mutex_lock(&workers->lock);
  while (!failed && workers->count < at_once) failed = start_one(workers);
  pthread_mutex_unlock(&workers->lock);
  if (!failed) return 0;
  workers_stop(workers);
  workers_release(workers);
  return tproc_fail(error, -failed, "start a worker thread (limit on threads)");
}

int workers_submit(struct workers *workers, struct work *work, struct tproc_error *error) {
  int failed = 0;
  pthread_mutex_lock(&workers->lock);
  if (workers->queued >= workers->idle && workers->count < workers->count_max) {
    failed = start_one(workers);
    if (workers->count > 0) failed = 0; /* one of the others will find the time */
  }
  if (!failed) {
    work->next = NULL;
    *workers->last = work;
    workers->last = &work->next;
    workers->queued++;
  }
  pthread_mutex_unlock(&workers->lock);
  if (!failed) pthread_cond_signal(&workers->changed); /* the woken thread finds the lock free */
  return failed ? tproc_fail(error, -failed, "start a worker thread (limit on threads)") : 0;
}

bool workers_withdraw(struct workers *workers, struct work *work) {
  pthread_mutex_lock(&workers->lock);
  struct work **link = &workers->first;
  while (*link != NULL && *link != work) link = &(*link)->next;
  const bool found = *link != NULL;
  if (found) {
    *link = work->next;
    if (*link == NULL) workers->last = link;
    workers->queued--;
  }
  pthread_mutex_unlock(&workers->lock);
  return found;
}

struct work *workers_take_done(struct workers *workers) {
  pthread_mutex_lock(&workers->lock);
  struct work *work = workers->done;
  if (work != NULL) workers->done = work->next;
  pthread_mutex_unlock(&workers->lock);
  return work;
}

void workers_stop(struct workers *workers) {
  pthread_mutex_lock(&workers->lock);
  workers->stopping = true;
  pthread_cond_broadcast(&workers->changed);
  pthread_mutex_unlock(&workers->lock);
  for (size_t i = 0; i < workers->count; i++) pthread_join(workers->threads[i], NULL);
  workers->count = 0;
}

void workers_release(struct workers *workers) {
  pthread_cond_destroy(&workers->changed);
  pthread_mutex_destroy(&workers->lock);
}
