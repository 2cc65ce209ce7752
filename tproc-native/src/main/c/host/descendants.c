#include "host/descendants.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "base/process_state.h"
#include "base/thread.h"
#include "base/wake.h"
#include "host/host.h"
#include "host/threadproc.h"
#include "share/reaper.h"
#include "shared/futex.h"
#include "shared/owner.h"

#define STACK_SIZE (256u << 10)

/* What reaper_forget knows all of them by: a threadproc's note is an address. */
#define NOTE 1u

/* A child of the host that is in no list: a threadproc that is about to come into it, or an orphan that a host which
   is process 1 has adopted. */
#define UNDECIDED_MILLISECONDS 1000u

/* How soon what is undecided, or for which there was no descriptor, is looked at again. */
#define AGAIN_NANOSECONDS 50000000u

struct descendant {
  int32_t pid;          /* of the owner that was looked at; 0: none */
  uint64_t attached_at; /* of it: the number may be another's since */
  uint64_t undecided;   /* milliseconds since when; 0: it is decided */
};

/* A process, and its pidfd in the set. */
struct watched_process {
  struct watched_process *previous, *next;
  pid_t pid;
  int file;
};

static const struct tproc_view *view_of(const struct descendants *descendants) {
  return &descendants->host->range.view;
}

/* How it ended only its parent is told. */
static void bury(struct descendants *descendants, pid_t pid) {
  reaper_process_ended(view_of(descendants), pid, TPROC_STATUS_LOST, NOTE);
  host_waits_note_death(&descendants->host->waits);
  reaper_forget(view_of(descendants), NOTE);
}

static void forget(struct descendants *descendants, struct watched_process *watched) {
  pthread_mutex_lock(&descendants->lock);
  LIST_UNLINK(descendants->first, watched);
  pthread_mutex_unlock(&descendants->lock);
  close(watched->file); /* so it is in the set no more */
  free(watched);
}

static void *undertake(void *argument) {
  struct descendants *descendants = argument;
  for (;;) {
    struct epoll_event event;
    const int count = epoll_wait(descendants->ends, &event, 1, -1);
    if (count < 0 && errno != EINTR) return NULL; /* a sandbox, where nothing can be hosted */
    if (count != 1) continue;
    struct watched_process *watched = event.data.ptr;
    if (watched == NULL) return NULL;
    bury(descendants, watched->pid);
    forget(descendants, watched);
  }
}

/* ---- the watcher */

/* The pid of one that has been collected may be another's. */
static bool is_threadproc(struct tproc_host *host, pid_t pid) {
  struct tproc_threadproc *found = host_pin(host, pid);
  if (found == NULL) return false;
  pthread_mutex_lock(&found->lock);
  const bool there = !found->collected;
  pthread_mutex_unlock(&found->lock);
  host_unpin(host, found);
  return there;
}

/* Of an owner that had gone before it was looked at: its number may be a living process's, which has its own entry. */
static bool is_owner_twice(const struct tproc_view *view, pid_t pid, uint32_t owners) {
  unsigned count = 0;
  for (uint32_t i = TPROC_OWNER_CHANNELS + 1; i < owners; i++)
    count += atomic_load_explicit(&view->owners[i].pid, memory_order_acquire) == pid;
  return count > 1;
}

static bool has_started_later(pid_t pid, uint64_t attached_at) {
  struct process_birth birth;
  return process_birth_read(pid, &birth) && birth.started_at > attached_at;
}

static bool add(struct descendants *descendants, pid_t pid, int file) {
  struct watched_process *watched = malloc(sizeof *watched);
  if (watched == NULL) return false;
  *watched = (struct watched_process){.pid = pid, .file = file};
  pthread_mutex_lock(&descendants->lock);
  LIST_PREPEND(descendants->first, watched);
  pthread_mutex_unlock(&descendants->lock);
  struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = watched};
  if (epoll_ctl(descendants->ends, EPOLL_CTL_ADD, file, &event) == 0) return true;
  pthread_mutex_lock(&descendants->lock);
  LIST_UNLINK(descendants->first, watched);
  pthread_mutex_unlock(&descendants->lock);
  free(watched);
  return false;
}

/* @return whether it is decided what becomes of it */
static bool watch_end(struct descendants *descendants, pid_t pid, uint64_t attached_at, uint32_t owners) {
  const int file = (int)syscall(SYS_pidfd_open, pid, 0);
  if (file < 0 && errno != ESRCH) return false; /* no descriptor, no memory */
  if (file < 0 || has_started_later(pid, attached_at)) {
    if (file >= 0) close(file);
    if (file < 0 || !is_owner_twice(view_of(descendants), pid, owners)) bury(descendants, pid);
    return true;
  }
  if (add(descendants, pid, file)) return true;
  close(file);
  return false;
}

static bool is_child_of_host(pid_t pid) {
  struct process_birth birth;
  return process_birth_read(pid, &birth) && birth.parent == getpid();
}

/* @return whether it is decided what becomes of it */
static bool decide(struct descendants *descendants, struct descendant *seen, uint32_t owners) {
  if (is_threadproc(descendants->host, seen->pid)) return true;
  if (is_child_of_host(seen->pid) && clock_milliseconds() - seen->undecided < UNDECIDED_MILLISECONDS) return false;
  return watch_end(descendants, seen->pid, seen->attached_at, owners);
}

/*
 * An entry that has just been taken has no time yet: another ring is to come. What another pid namespace calls a
 * process says nothing here. @return whether all is decided
 */
static bool look_at(struct descendants *descendants, uint32_t number, uint32_t owners) {
  const struct tproc_owner *owner = &view_of(descendants)->owners[number];
  struct descendant *seen = &descendants->seen[number];
  const int32_t pid = atomic_load_explicit(&owner->pid, memory_order_acquire);
  const uint64_t attached_at = atomic_load_explicit(&owner->attached_at, memory_order_acquire);
  if (pid <= 0 || attached_at == 0 || owner->pid_namespace != descendants->pid_namespace) return true;
  if (seen->pid == pid && seen->attached_at == attached_at && seen->undecided == 0) return true;
  if (seen->pid != pid || seen->attached_at != attached_at)
    *seen = (struct descendant){.pid = pid, .attached_at = attached_at, .undecided = clock_milliseconds()};
  if (decide(descendants, seen, owners)) seen->undecided = 0;
  return seen->undecided == 0;
}

static bool grow(struct descendants *descendants, uint32_t owners) {
  if (owners <= descendants->capacity) return true;
  const uint32_t capacity = owners + owners / 2;
  struct descendant *seen = realloc(descendants->seen, capacity * sizeof *seen);
  if (seen == NULL) return false;
  memset(seen + descendants->capacity, 0, (capacity - descendants->capacity) * sizeof *seen);
  descendants->seen = seen;
  descendants->capacity = capacity;
  return true;
}

static bool look_at_all(struct descendants *descendants) {
  const uint32_t owners = tproc_owners_in_use(view_of(descendants));
  if (!grow(descendants, owners)) return false;
  bool decided = true;
  for (uint32_t i = TPROC_OWNER_CHANNELS + 1; i < owners; i++) decided &= look_at(descendants, i, owners);
  return decided;
}

static void *watch(void *argument) {
  struct descendants *descendants = argument;
  _Atomic uint32_t *bell = &view_of(descendants)->share->bell;
  for (;;) {
    const uint32_t rung = atomic_load(bell);
    if (atomic_load(&descendants->stopping)) return NULL; /* later than the bell: who stops it rings after saying so */
    const bool decided = look_at_all(descendants);
    const struct timespec again = clock_after(AGAIN_NANOSECONDS);
    tproc_futex_wait(bell, rung, decided ? NULL : &again);
  }
}

/* ---- beginning and end */

static int open_set(struct descendants *descendants, struct tproc_error *error) {
  descendants->ends = epoll_create1(EPOLL_CLOEXEC);
  descendants->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  if (descendants->ends >= 0 && descendants->wake >= 0 &&
      epoll_ctl(descendants->ends, EPOLL_CTL_ADD, descendants->wake, &event) == 0)
    return 0;
  return tproc_fail(error, errno, "watch over forked children");
}

static void close_set(struct descendants *descendants) {
  pthread_mutex_destroy(&descendants->lock);
  if (descendants->wake >= 0) close(descendants->wake);
  if (descendants->ends >= 0) close(descendants->ends);
}

static void stop_undertaker(struct descendants *descendants) {
  wake_ring(descendants->wake);
  pthread_join(descendants->undertaker, NULL);
}

int descendants_start(struct descendants *descendants, struct tproc_host *host, struct tproc_error *error) {
  *descendants = (struct descendants){.ends = -1, .wake = -1};
  if (host->range.view.share == NULL) return 0;
  descendants->host = host;
  descendants->pid_namespace = tproc_pid_namespace();
  pthread_mutex_init(&descendants->lock, NULL);
  int failed = open_set(descendants, error);
  if (!failed) {
    failed = thread_start(&descendants->undertaker, STACK_SIZE, "tproc-ends", undertake, descendants);
    if (!failed) {
      failed = thread_start(&descendants->watcher, STACK_SIZE, "tproc-forks", watch, descendants);
      if (failed) stop_undertaker(descendants);
    }
    if (failed) tproc_fail(error, -failed, "start the threads that watch over forked children");
  }
  if (!failed) return 0;
  close_set(descendants);
  descendants->host = NULL;
  return failed;
}

void descendants_stop(struct descendants *descendants) {
  if (descendants->host == NULL) return;
  _Atomic uint32_t *bell = &view_of(descendants)->share->bell;
  atomic_store(&descendants->stopping, true);
  atomic_fetch_add(bell, 1);
  tproc_futex_wake(bell, INT_MAX);
  pthread_join(descendants->watcher, NULL);
  stop_undertaker(descendants);
  while (descendants->first != NULL) forget(descendants, descendants->first);
  close_set(descendants);
  free(descendants->seen);
  descendants->host = NULL;
}
