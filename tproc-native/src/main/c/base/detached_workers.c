#include "base/detached_workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"

#define DETACHED_STACK_SIZE (128u << 10)

/* Threads beyond so many end when there is nothing left to do. */
#define IDLE_MAX 1

/* On the stack of the thread that works. */
struct running {
  const void *origin;
  struct running *next;
};

/* Freed by the last of its users: the threads and the owner. */
struct detached_workers {
  pthread_mutex_t lock;     /* guards all below; no other lock is taken under it */
  pthread_cond_t submitted; /* there is work, or the owner leaves */
  pthread_cond_t changed;   /* a thread has ended, or nobody is inside */
  struct detached_limits limits;
  struct detached_work *first, **last; /* not begun, oldest first */
  struct running *running;
  size_t count, threads, idle, inside;
  bool leaving, left;
};

static size_t running_of(const struct detached_workers *workers, const void *origin) {
  size_t count = 0;
  for (const struct running *each = workers->running; each != NULL; each = each->next) count += each->origin == origin;
  return count;
}

/* The oldest whose origin may have one thread more; NULL: there is none. */
static struct detached_work *take(struct detached_workers *workers) {
  struct detached_work **link = &workers->first;
  while (*link != NULL && running_of(workers, (*link)->origin) >= workers->limits.of_one_origin) link = &(*link)->next;
  struct detached_work *work = *link;
  if (work == NULL) return NULL;
  *link = work->next;
  if (*link == NULL) workers->last = link;
  return work;
}

/* With the lock, which is let go of meanwhile. */
static void run(struct detached_workers *workers, struct detached_work *work) {
  struct running self = {work->origin, workers->running};
  workers->running = &self;
  pthread_mutex_unlock(&workers->lock);
  work->run(work);
  pthread_mutex_lock(&workers->lock);
  struct running **link = &workers->running;
  while (*link != &self) link = &(*link)->next;
  *link = self.next;
  workers->count--;
}

static void destroy(struct detached_workers *workers) {
  pthread_cond_destroy(&workers->changed);
  pthread_cond_destroy(&workers->submitted);
  pthread_mutex_destroy(&workers->lock);
  free(workers);
}

/* With the lock. @return whether the thread goes on */
static bool await_work(struct detached_workers *workers) {
  if (workers->leaving || workers->idle >= IDLE_MAX) return false;
  workers->idle++;
  pthread_cond_wait(&workers->submitted, &workers->lock);
  workers->idle--;
  return true;
}

static void *serve(void *argument) {
  struct detached_workers *workers = argument;
  pthread_mutex_lock(&workers->lock);
  struct detached_work *work;
  do {
    while ((work = take(workers)) != NULL) run(workers, work);
  } while (await_work(workers));
  const bool last = --workers->threads == 0 && workers->left;
  pthread_cond_broadcast(&workers->changed);
  pthread_mutex_unlock(&workers->lock);
  if (last) destroy(workers);
  return NULL;
}

/* With the lock. */
static int start_one(struct detached_workers *workers) {
  const int failed = thread_start(NULL, DETACHED_STACK_SIZE, "tproc-deferred", serve, workers);
  if (!failed) workers->threads++;
  return failed;
}

int detached_workers_open(struct detached_workers **result, const struct detached_limits *limits) {
  struct detached_workers *workers = calloc(1, sizeof *workers);
  if (workers == NULL) return -ENOMEM;
  pthread_mutex_init(&workers->lock, NULL);
  pthread_cond_init(&workers->submitted, NULL);
  thread_condition_init(&workers->changed);
  workers->limits = *limits;
  workers->last = &workers->first;
  pthread_mutex_lock(&workers->lock);
  const int failed = start_one(workers);
  pthread_mutex_unlock(&workers->lock);
  if (failed)
    destroy(workers);
  else
    *result = workers;
  return failed;
}

/* Whether more could begin than there are idle threads. */
static bool lacks_threads(const struct detached_workers *workers) {
  size_t wanted = 0;
  for (const struct detached_work *each = workers->first; each != NULL && wanted <= workers->idle; each = each->next)
    wanted += running_of(workers, each->origin) < workers->limits.of_one_origin;
  return wanted > workers->idle && workers->threads < workers->limits.threads;
}

/* When no thread can be started it waits its turn. */
void detached_workers_submit(struct detached_workers *workers, struct detached_work *work) {
  pthread_mutex_lock(&workers->lock);
  work->next = NULL;
  *workers->last = work;
  workers->last = &work->next;
  workers->count++;
  if (lacks_threads(workers)) start_one(workers);
  pthread_mutex_unlock(&workers->lock);
  pthread_cond_signal(&workers->submitted);
}

/* No limit of its origin's holds it back, so any thread that is free before the new one takes it. */
bool detached_workers_begin(struct detached_workers *workers, struct detached_work *work) {
  pthread_mutex_lock(&workers->lock);
  const bool begins = workers->threads < workers->limits.threads && start_one(workers) == 0;
  if (begins) {
    work->next = workers->first;
    if (work->next == NULL) workers->last = &work->next;
    workers->first = work;
    workers->count++;
  }
  pthread_mutex_unlock(&workers->lock);
  return begins;
}

size_t detached_workers_count(struct detached_workers *workers, const void *origin) {
  pthread_mutex_lock(&workers->lock);
  size_t count = workers->count > 0 ? running_of(workers, origin) : 0;
  for (const struct detached_work *each = workers->first; each != NULL; each = each->next)
    count += each->origin == origin;
  pthread_mutex_unlock(&workers->lock);
  return count;
}

size_t detached_workers_count_all(struct detached_workers *workers) {
  pthread_mutex_lock(&workers->lock);
  const size_t count = workers->count;
  pthread_mutex_unlock(&workers->lock);
  return count;
}

bool detached_workers_are_leaving(struct detached_workers *workers) {
  pthread_mutex_lock(&workers->lock);
  const bool leaving = workers->leaving;
  pthread_mutex_unlock(&workers->lock);
  return leaving;
}

bool detached_workers_enter(struct detached_workers *workers) {
  pthread_mutex_lock(&workers->lock);
  const bool entered = !workers->left;
  workers->inside += entered;
  pthread_mutex_unlock(&workers->lock);
  return entered;
}

void detached_workers_exit(struct detached_workers *workers) {
  pthread_mutex_lock(&workers->lock);
  workers->inside--;
  pthread_cond_broadcast(&workers->changed);
  pthread_mutex_unlock(&workers->lock);
}

void detached_workers_leave(struct detached_workers *workers, unsigned milliseconds) {
  const struct timespec until = clock_after(milliseconds * 1000000ull);
  int code = 0;
  pthread_mutex_lock(&workers->lock);
  workers->leaving = true;
  pthread_cond_broadcast(&workers->submitted);
  while (workers->threads > 0 && code == 0) code = pthread_cond_timedwait(&workers->changed, &workers->lock, &until);
  while (workers->inside > 0) pthread_cond_wait(&workers->changed, &workers->lock);
  workers->left = true;
  const bool last = workers->threads == 0;
  if (!last) thread_note_left();
  pthread_mutex_unlock(&workers->lock);
  if (last) destroy(workers);
}
