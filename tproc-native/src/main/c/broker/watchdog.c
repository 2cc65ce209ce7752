#include "broker/watchdog.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/thread.h"

#define WATCHDOG_STACK_SIZE (128u << 10)

/* Looks are counted, not time: a process that was stopped, or a machine that slept, is not late. */
#define LOOK_MILLISECONDS 250
#define LATE_LOOKS (WATCHDOG_MILLISECONDS / LOOK_MILLISECONDS)

void watchdog_begin(struct watchdog *watchdog, struct watched what) {
  __atomic_store_n(&watchdog->current.number, what.number, __ATOMIC_RELAXED);
  __atomic_store_n(&watchdog->current.tid, what.tid, __ATOMIC_RELAXED);
  __atomic_store_n(&watchdog->current.threadproc, what.threadproc, __ATOMIC_RELAXED);
  __atomic_store_n(&watchdog->round, watchdog->round + 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&watchdog->awake, __ATOMIC_SEQ_CST)) return;
  pthread_mutex_lock(&watchdog->lock);
  __atomic_store_n(&watchdog->awake, true, __ATOMIC_SEQ_CST);
  pthread_cond_signal(&watchdog->changed);
  pthread_mutex_unlock(&watchdog->lock);
}

void watchdog_end(struct watchdog *watchdog) {
  __atomic_store_n(&watchdog->round, watchdog->round + 1, __ATOMIC_SEQ_CST);
}

static const char *name_of(int number) {
  static const struct {
    int number;
    const char *name;
  } names[] = {
      {-1, "its own work"},
      {__NR_mmap, "mmap"},
      {__NR_munmap, "munmap"},
      {__NR_mremap, "mremap"},
      {__NR_mprotect, "mprotect"},
      {__NR_madvise, "madvise"},
      {__NR_brk, "brk"},
      {__NR_shmat, "shmat"},
      {__NR_execve, "execve"},
      {__NR_openat, "openat"},
      {__NR_newfstatat, "newfstatat"},
      {__NR_statx, "statx"},
      {__NR_readlinkat, "readlinkat"},
  };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (names[i].number == number) return names[i].name;
  return NULL;
}

/* "mmap (thread 12 of threadproc 11)" */
static void describe(const struct watched *what, char *text, size_t size) {
  const char *name = name_of(what->number);
  char unnamed[32];
  snprintf(unnamed, sizeof unnamed, "system call %d", what->number);
  if (what->number < 0)
    snprintf(text, size, "%s", name);
  else
    snprintf(text, size, "%s of thread %d of threadproc %d", name != NULL ? name : unnamed, what->tid,
             what->threadproc);
}

static void tell(const struct watchdog *watchdog, const struct watched *what, unsigned looks, bool answered) {
  char text[128];
  struct tproc_error error;
  const unsigned tenths = looks * LOOK_MILLISECONDS / 100;
  describe(what, text, sizeof text);
  tproc_fail_because(&error, ETIMEDOUT, "the host's broker %s for %u.%u s: %s",
                     answered ? "goes on; it was busy" : "has answered no one", tenths / 10, tenths % 10, text);
  watchdog->report(watchdog->context, &error);
}

/* What has been seen of the broker. */
struct looking {
  uint64_t round;
  unsigned looks; /* how often it was the same */
  struct watched what;
};

static void look(const struct watchdog *watchdog, struct looking *looking) {
  const uint64_t round = __atomic_load_n(&watchdog->round, __ATOMIC_SEQ_CST);
  if (round != looking->round) {
    if (looking->round % 2 == 1 && looking->looks >= LATE_LOOKS) tell(watchdog, &looking->what, looking->looks, true);
    *looking = (struct looking){.round = round};
    return;
  }
  if (++looking->looks != LATE_LOOKS || round % 2 == 0) return;
  looking->what.number = __atomic_load_n(&watchdog->current.number, __ATOMIC_RELAXED);
  looking->what.tid = __atomic_load_n(&watchdog->current.tid, __ATOMIC_RELAXED);
  looking->what.threadproc = __atomic_load_n(&watchdog->current.threadproc, __ATOMIC_RELAXED);
  if (__atomic_load_n(&watchdog->round, __ATOMIC_SEQ_CST) == round)
    tell(watchdog, &looking->what, looking->looks, false);
}

/* With the lock. Nothing is done, and has not been for some time: it sleeps until something is. */
static void sleep_if_idle(struct watchdog *watchdog, const struct looking *looking) {
  if (looking->round % 2 == 1 || looking->looks < LATE_LOOKS) return;
  __atomic_store_n(&watchdog->awake, false, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&watchdog->round, __ATOMIC_SEQ_CST) != looking->round)
    __atomic_store_n(&watchdog->awake, true, __ATOMIC_SEQ_CST);
  while (!__atomic_load_n(&watchdog->awake, __ATOMIC_SEQ_CST) && !watchdog->stopping)
    pthread_cond_wait(&watchdog->changed, &watchdog->lock);
}

static void *serve(void *argument) {
  struct watchdog *watchdog = argument;
  struct looking looking = {0};
  pthread_mutex_lock(&watchdog->lock);
  while (!watchdog->stopping) {
    const struct timespec at = clock_after(LOOK_MILLISECONDS * 1000000ull);
    int code = 0;
    while (code == 0 && !watchdog->stopping) code = pthread_cond_timedwait(&watchdog->changed, &watchdog->lock, &at);
    if (watchdog->stopping) break;
    pthread_mutex_unlock(&watchdog->lock);
    look(watchdog, &looking);
    pthread_mutex_lock(&watchdog->lock);
    sleep_if_idle(watchdog, &looking);
  }
  pthread_mutex_unlock(&watchdog->lock);
  return NULL;
}

int watchdog_open(struct watchdog *watchdog, watchdog_report *report, void *context, struct tproc_error *error) {
  *watchdog = (struct watchdog){.report = report, .context = context, .awake = true};
  pthread_mutex_init(&watchdog->lock, NULL);
  thread_condition_init(&watchdog->changed);
  const int failed = thread_start(&watchdog->thread, WATCHDOG_STACK_SIZE, "tproc-watchdog", serve, watchdog);
  if (!failed) return 0;
  pthread_cond_destroy(&watchdog->changed);
  pthread_mutex_destroy(&watchdog->lock);
  return tproc_fail(error, -failed, "start the broker's watchdog (limit on threads)");
}

void watchdog_close(struct watchdog *watchdog) {
  pthread_mutex_lock(&watchdog->lock);
  watchdog->stopping = true;
  pthread_cond_signal(&watchdog->changed);
  pthread_mutex_unlock(&watchdog->lock);
  pthread_join(watchdog->thread, NULL);
  pthread_cond_destroy(&watchdog->changed);
  pthread_mutex_destroy(&watchdog->lock);
}
