/*
 * What an allocator does most, and locks without contention. Built twice: with tproc_alloc and tproc_free, and as
 * heap-malloc with malloc and free of whatever library is loaded.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>

#include "stopwatch.h"

#ifdef WITH_MALLOC
#define ALLOCATE malloc
#define RELEASE free
#else
#include <tproc.h>
#define ALLOCATE tproc_alloc
#define RELEASE tproc_free
#endif

#define LIVE_MAX 100000
#define SWAPPED 1000
#define SWAP_EVERY 10000
#define RING 1024u

static char *live[LIVE_MAX];

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

static char *make(size_t size) {
  char *block = ALLOCATE(size);
  require(block != NULL, "allocate");
  *(volatile char *)block = 1;
  return block;
}

static void replace(char **place, uint64_t random) {
  if (*place != NULL) RELEASE(*place);
  *place = make(16 + random % 497);
}

static void pair(long count) {
  for (long i = 0; i < count; i++) RELEASE(make(64));
}

static void replace_among(long count, size_t places) {
  uint64_t random = 1;
  for (long i = 0; i < count; i++) {
    const uint64_t next = next_random(&random);
    replace(&live[next % places], next_random(&random));
  }
}

static void thousand(long count) { replace_among(count, 1000); }
static void many(long count) { replace_among(count, LIVE_MAX); }

/* Fills memory that has not been in use, and frees it all: in the first round only, each page is touched anew. */
static void fill(long count) {
  char **blocks = calloc((size_t)count, sizeof *blocks);
  require(blocks != NULL, "calloc");
  for (long i = 0; i < count; i++) blocks[i] = make(64);
  for (long i = 0; i < count; i++) RELEASE(blocks[i]);
  free(blocks);
}

/* Two threads that swap what they have now and then, so that each frees what the other has allocated. */
static char *arrays[2][SWAPPED];
static pthread_barrier_t both;
static _Atomic int swapped;

static void *swap_thread(void *argument) {
  const long count = *(long *)argument;
  const int own = swapped++;
  uint64_t random = (uint64_t)own + 1;
  for (long i = 0; i < count / 2; i++) {
    if (i % SWAP_EVERY == 0) pthread_barrier_wait(&both);
    const uint64_t next = next_random(&random);
    replace(&arrays[(own + i / SWAP_EVERY) % 2][next % SWAPPED], next_random(&random));
  }
  return NULL;
}

static void in_two_threads(void *(*first)(void *), void *(*second)(void *), long count) {
  pthread_t threads[2];
  require(pthread_create(&threads[0], NULL, first, &count) == 0, "pthread_create");
  require(pthread_create(&threads[1], NULL, second, &count) == 0, "pthread_create");
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

static void swap(long count) {
  swapped = 0;
  pthread_barrier_init(&both, NULL, 2);
  in_two_threads(swap_thread, swap_thread, count);
}

/* One thread allocates, the other frees. */
static char *_Atomic ring[RING];

static void *produce(void *argument) {
  uint64_t random = 1;
  for (long i = 0; i < *(long *)argument; i++) {
    char *block = make(16 + next_random(&random) % 497);
    while (ring[i % RING] != NULL) sched_yield();
    ring[i % RING] = block;
  }
  return NULL;
}

static void *consume(void *argument) {
  for (long i = 0; i < *(long *)argument; i++) {
    char *block;
    while ((block = ring[i % RING]) == NULL) sched_yield();
    ring[i % RING] = NULL;
    RELEASE(block);
  }
  return NULL;
}

static void remote(long count) { in_two_threads(produce, consume, count); }

#ifdef WITH_MALLOC
static void lock_shared(long count, int robust) {
  pthread_mutex_t mutex;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if (robust) {
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  }
  pthread_mutex_init(&mutex, &attributes);
  for (long i = 0; i < count; i++) {
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
  }
}

static void *nothing(void *unused) { return unused; }

/* Once there has been a second thread, glibc's locks are real ones. */
static void leave_one_thread(void) {
  pthread_t thread;
  require(pthread_create(&thread, NULL, nothing, NULL) == 0, "pthread_create");
  pthread_join(thread, NULL);
}

static void lock(long count) {
  leave_one_thread();
  lock_shared(count, 0);
}

static void lock_robust(long count) {
  leave_one_thread();
  lock_shared(count, 1);
}
#else
static void lock(long count) {
  static struct tproc_mutex *mutex;
  if (mutex == NULL) require((mutex = tproc_alloc(sizeof *mutex)) != NULL, "allocate");
  memset(mutex, 0, sizeof *mutex);
  for (long i = 0; i < count; i++) {
    tproc_mutex_lock(mutex);
    tproc_mutex_unlock(mutex);
  }
}
#endif

static const struct operation operations[] = {{"pair", pair}, {"thousand", thousand}, {"many", many},
                                              {"fill", fill}, {"swap", swap},         {"remote", remote},
                                              {"lock", lock},
#ifdef WITH_MALLOC
                                              {"lock-robust", lock_robust}
#endif
};

STOPWATCH_MAIN(operations)
