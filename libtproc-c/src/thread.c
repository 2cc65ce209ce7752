/*
 * A thread's cache lies in a page of its own that is zeroed in a forked child (MADV_WIPEONFORK): the child finds a
 * cache that is not attached, and attaches as the process that it is. No other call has to ask who it is.
 */
#include "thread.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi.h"
#include "shared/thread_record.h"

struct tproc_view tproc_view;

static struct tproc_cache not_attached; /* always zero */
__thread struct tproc_cache *tproc_cache __attribute__((tls_model("initial-exec"))) = &not_attached;

static pthread_once_t opened = PTHREAD_ONCE_INIT;
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER; /* held by the one who opens a range, for a moment */
static pthread_key_t key;
static _Atomic int open_failure = ENOTSUP;

static void thread_ends(void *cache) {
  tproc_cache = &not_attached;
  tproc_cache_detach(&tproc_view, cache);
  munmap(cache, sizeof(struct tproc_cache));
}

int tproc_open_at(void *base, uint64_t size) {
  int failed = EALREADY;
  pthread_mutex_lock(&opening);
  if (open_failure != 0) {
    failed = pthread_key_create(&key, thread_ends) != 0 ? EAGAIN : tproc_view_open(&tproc_view, base, size);
    if (!failed) open_failure = 0;
  }
  pthread_mutex_unlock(&opening);
  return failed;
}

static void open_host(void) {
  const struct tproc_abi *abi = tproc_host_abi();
  if (abi == NULL || abi->size < offsetof(struct tproc_abi, share_size) + sizeof abi->share_size) return;
  if (abi->share == 0 || tproc_open_at((void *)(uintptr_t)abi->share, abi->share_size) != 0) return;
  if (abi->size >= offsetof(struct tproc_abi, account_generation) + sizeof abi->account_generation)
    tproc_view.own = (struct tproc_account_of_launch){abi->account, abi->account_generation};
}

int tproc_open(void) {
  pthread_once(&opened, open_host);
  return open_failure;
}

/* The host has to watch for the end of a process that is no child of its own. After it has got its entry, which is
   what the host looks for, and before it has anything. */
static void ring(void) {
  _Atomic uint32_t *bell = &tproc_view.share->bell;
  atomic_fetch_add(bell, 1);
  syscall(SYS_futex, bell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static struct tproc_cache *map_cache(void) {
  void *page = mmap(NULL, sizeof(struct tproc_cache), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return NULL;
  if (madvise(page, sizeof(struct tproc_cache), MADV_WIPEONFORK) == 0) return page;
  munmap(page, sizeof(struct tproc_cache));
  return NULL;
}

int tproc_take_part(void) {
  if (tproc_cache->token != 0) return 0;
  int failed = tproc_open();
  if (failed) return failed;
  if (tproc_cache == &not_attached) {
    struct tproc_cache *cache = map_cache();
    if (cache == NULL) return ENOMEM;
    if (pthread_setspecific(key, cache) != 0) {
      munmap(cache, sizeof *cache);
      return ENOMEM;
    }
    tproc_cache = cache;
  }
  failed = tproc_cache_attach(&tproc_view, tproc_cache, 0, getpid(), gettid());
  if (!failed) ring();
  return failed;
}
