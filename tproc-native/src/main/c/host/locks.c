/* The shared range's locks, for the host's own code. */
#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "host/host.h"
#include "shared/barrier.h"
#include "shared/mutex.h"
#include "shared/semaphore.h"
#include "shared/thread_record.h"

/* The record's thread: no thread's id, as of host_heap. */
#define LOCKING_PLACE 1000

int tproc_host_is_shared(const struct tproc_host *host, const void *object, size_t size) {
  const struct tproc_share *share = host->range.view.share;
  if (share == NULL || (uintptr_t)object % 4 != 0) return 0;
  const uint64_t offset = (uint64_t)object - (uint64_t)share;
  return offset < host->range.view.size && size <= host->range.view.size - offset;
}

static int check(const struct tproc_host *host, const void *object, size_t size, struct tproc_error *error) {
  const int failed = host_check_range(host, error);
  if (failed || tproc_host_is_shared(host, object, size)) return failed;
  return tproc_fail_because(error, EINVAL, "%p: not in the shared heap, or not aligned to 4", object);
}

int host_token(struct tproc_host *host, struct tproc_waiter *waiter, struct tproc_error *error) {
  uint32_t token = atomic_load(&host->token);
  *waiter = (struct tproc_waiter){&host->range.view, token};
  if (token != 0) return 0;
  const uint32_t fresh = tproc_record_take(&host->range.view, getpid(), LOCKING_PLACE);
  if (fresh == 0) return tproc_fail(error, EAGAIN, "too many threads use the shared heap");
  const bool first = atomic_compare_exchange_strong(&host->token, &token, fresh);
  if (!first) tproc_record_give_back(&host->range.view, tproc_token_record(fresh));
  waiter->token = first ? fresh : token;
  return 0;
}

int tproc_host_mutex_try(struct tproc_host *host, void *mutex, int slept, struct tproc_error *error) {
  struct tproc_waiter waiter;
  int failed = check(host, mutex, sizeof(struct tproc_mutex_words), error);
  if (!failed) failed = host_token(host, &waiter, error);
  if (failed) return failed;
  switch (tproc_mutex_try_again(mutex, &waiter, slept != 0)) {
    case 0:
      return 0;
    case EOWNERDEAD:
      return -EOWNERDEAD; /* no failure either */
    case ENOTRECOVERABLE:
      return tproc_fail(error, ENOTRECOVERABLE, "lock %p, which was given up after a death", mutex);
    default:
      return -EBUSY; /* no failure, and too frequent for a message */
  }
}

int tproc_host_mutex_announce(struct tproc_host *host, void *mutex, uint32_t *value) {
  return check(host, mutex, sizeof(struct tproc_mutex_words), NULL) == 0 &&
         tproc_mutex_announce(mutex, &host->range.view, value);
}

int tproc_host_mutex_unlock(struct tproc_host *host, void *mutex, struct tproc_error *error) {
  int failed = check(host, mutex, sizeof(struct tproc_mutex_words), error);
  if (failed) return failed;
  const uint32_t token = atomic_load(&host->token);
  failed = token == 0 ? EPERM : tproc_mutex_give(mutex, token);
  return failed ? tproc_fail(error, failed, "unlock %p", mutex) : 0;
}

int tproc_host_mutex_consistent(struct tproc_host *host, void *mutex, struct tproc_error *error) {
  int failed = check(host, mutex, sizeof(struct tproc_mutex_words), error);
  if (failed) return failed;
  const uint32_t token = atomic_load(&host->token);
  failed = token == 0 ? EINVAL : tproc_mutex_set_consistent(mutex, token);
  return failed ? tproc_fail(error, failed, "make %p consistent", mutex) : 0;
}

int tproc_host_semaphore_try(struct tproc_host *host, void *semaphore, struct tproc_error *error) {
  int failed = check(host, semaphore, sizeof(struct tproc_semaphore_words), error);
  if (failed) return failed;
  return -tproc_semaphore_take(semaphore); /* no failure, and too frequent for a message */
}

int tproc_host_semaphore_post(struct tproc_host *host, void *semaphore, struct tproc_error *error) {
  int failed = check(host, semaphore, sizeof(struct tproc_semaphore_words), error);
  if (failed) return failed;
  failed = tproc_semaphore_add(semaphore);
  return failed ? tproc_fail(error, failed, "add a permit to %p", semaphore) : 0;
}

/* A program may have written anything there. */
static int check_barrier(const struct tproc_host *host, const struct tproc_barrier_words *barrier, int place,
                         struct tproc_error *error) {
  const int failed = check(host, barrier, sizeof *barrier, error);
  if (failed) return failed;
  if ((uintptr_t)barrier % 8 != 0)
    return tproc_fail_because(error, EINVAL, "barrier %p: not aligned to 8", (const void *)barrier);
  if (barrier->parties - 1 >= TPROC_BARRIER_PLACES)
    return tproc_fail_because(error, EINVAL, "barrier %p: for %u parties, where 1 to %u are right",
                              (const void *)barrier, barrier->parties, TPROC_BARRIER_PLACES);
  if (place < 0 || (unsigned)place >= TPROC_BARRIER_PLACES)
    return tproc_fail_because(error, EINVAL, "barrier %p: no place %d", (const void *)barrier, place);
  return 0;
}

int tproc_host_barrier_join(struct tproc_host *host, void *barrier, struct tproc_error *error) {
  struct tproc_waiter waiter;
  int failed = check_barrier(host, barrier, 0, error);
  if (!failed) failed = host_token(host, &waiter, error);
  if (failed) return failed;
  const int place = tproc_barrier_claim(barrier, &waiter);
  return place >= 0 ? place : tproc_fail_because(error, EUSERS, "barrier %p: all places are taken", barrier);
}

int tproc_host_barrier_arrive(struct tproc_host *host, void *barrier, int place, uint32_t *round,
                              struct tproc_error *error) {
  const int failed = check_barrier(host, barrier, place, error);
  return failed ? failed : -tproc_barrier_arrive(barrier, (unsigned)place, round);
}

int tproc_host_barrier_look(struct tproc_host *host, void *barrier, uint32_t round, int give_up,
                            struct tproc_error *error) {
  const int failed = check_barrier(host, barrier, 0, error);
  if (failed) return failed;
  const struct tproc_view *view = &host->range.view;
  switch (give_up ? tproc_barrier_give_up(barrier, view, round) : tproc_barrier_look(barrier, view, round)) {
    case 0:
      return TPROC_BARRIER_PASSED;
    case TPROC_BARRIER_ENDED:
      return TPROC_BARRIER_LAST;
    case ECANCELED:
      return TPROC_BARRIER_BROKEN;
    case ETIMEDOUT:
      return TPROC_BARRIER_GAVE_UP;
    default:
      return TPROC_BARRIER_WAITS;
  }
}

int tproc_host_barrier_leave(struct tproc_host *host, void *barrier, int place, struct tproc_error *error) {
  const int failed = check_barrier(host, barrier, place, error);
  if (!failed) tproc_barrier_give_place_up(barrier, (unsigned)place);
  return failed;
}
