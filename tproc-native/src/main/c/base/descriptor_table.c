#include "base/descriptor_table.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/thread.h"

/* How long one file may take before another thread goes on with the rest, and how often. */
#define PATIENCE_MILLISECONDS 50
#define CLEANERS_MAX 64
#define CLEANER_STACK_SIZE (256u << 10) /* aarch64 takes no less than 128 KiB */

/* Freed by the last of its users: the cleaners and the thread that waits for them. */
struct cleaning {
  pthread_mutex_t lock; /* guards next and users, never held during a close; no other lock is taken under it */
  pthread_cond_t changed;
  int next, end; /* the number to close next, and the one after the last */
  unsigned users;
  size_t kept_count;
  int kept[];
};

static bool is_kept(const struct cleaning *cleaning, int number) {
  for (size_t i = 0; i < cleaning->kept_count; i++)
    if (cleaning->kept[i] == number) return true;
  return false;
}

/* With the lock, which is let go of. */
static void leave(struct cleaning *cleaning) {
  const bool last = --cleaning->users == 0;
  pthread_cond_broadcast(&cleaning->changed);
  pthread_mutex_unlock(&cleaning->lock);
  if (!last) return;
  pthread_cond_destroy(&cleaning->changed);
  pthread_mutex_destroy(&cleaning->lock);
  free(cleaning);
}

/* With the lock. */
static void close_rest(struct cleaning *cleaning) {
  while (cleaning->next < cleaning->end) {
    const int number = cleaning->next++;
    if (is_kept(cleaning, number)) continue;
    pthread_mutex_unlock(&cleaning->lock);
    syscall(SYS_close, number); /* the number is free at once; then it may wait for the file system */
    pthread_mutex_lock(&cleaning->lock);
  }
}

static void *clean(void *argument) {
  struct cleaning *cleaning = argument;
  pthread_mutex_lock(&cleaning->lock);
  close_rest(cleaning);
  leave(cleaning);
  return NULL;
}

static int start_cleaner(struct cleaning *cleaning) {
  cleaning->users++;
  const int failed = thread_start(NULL, CLEANER_STACK_SIZE, "tproc-cleaner", clean, cleaning);
  if (failed) cleaning->users--;
  return failed;
}

/* With the lock. @return whether a number was closed, or all are */
static bool await_progress(struct cleaning *cleaning) {
  const int before = cleaning->next;
  const unsigned cleaners = cleaning->users;
  const struct timespec until = clock_after(PATIENCE_MILLISECONDS * 1000000ull);
  int code = 0;
  while (code == 0 && cleaning->users == cleaners)
    code = pthread_cond_timedwait(&cleaning->changed, &cleaning->lock, &until);
  return cleaning->next > before || cleaning->users != cleaners;
}

static void close_all(struct cleaning *cleaning) {
  pthread_mutex_lock(&cleaning->lock);
  unsigned started = 0;
  bool goes_on = false;
  while (cleaning->users > 1 || cleaning->next < cleaning->end) {
    if (!goes_on && (started == CLEANERS_MAX || cleaning->next >= cleaning->end)) break;
    if (!goes_on && start_cleaner(cleaning) != 0) {
      close_rest(cleaning); /* without a thread it may wait for a file system, but leaves nothing open */
      break;
    }
    started += !goes_on;
    goes_on = await_progress(cleaning);
  }
  if (cleaning->users > 1) thread_note_left();
  leave(cleaning);
}

static struct cleaning *new_cleaning(const int *kept, size_t count) {
  struct cleaning *cleaning = calloc(1, sizeof *cleaning + count * sizeof *kept);
  if (cleaning == NULL) return NULL;
  pthread_mutex_init(&cleaning->lock, NULL);
  thread_condition_init(&cleaning->changed);
  cleaning->users = 1;
  cleaning->kept_count = count;
  for (size_t i = 0; i < count; i++) {
    cleaning->kept[i] = kept[i];
    if (kept[i] >= cleaning->end) cleaning->end = kept[i] + 1;
  }
  return cleaning;
}

/* The kernel copies no more than whole 64s of numbers up to the first that is to be closed. */
#define COPIED_TOGETHER 64

int descriptor_table_leave(const int *kept, size_t count) {
  struct cleaning *cleaning = new_cleaning(kept, count);
  if (cleaning == NULL) return -ENOMEM;
  cleaning->end = (cleaning->end + COPIED_TOGETHER - 1) / COPIED_TOGETHER * COPIED_TOGETHER;
  if (syscall(SYS_close_range, cleaning->end, ~0u, CLOSE_RANGE_UNSHARE) != 0) {
    const int code = errno;
    pthread_mutex_lock(&cleaning->lock);
    leave(cleaning);
    return -code;
  }
  close_all(cleaning);
  return 0;
}
