#include "host/host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/descriptor_passing.h"
#include "base/error.h"
#include "base/list.h"
#include "base/thread.h"
#include "host/check.h"
#include "host/threadproc.h"

/* What is given back at the end takes some milliseconds, or as long as its input and output that is under way. */
#define LOW_RELEASE_NANOSECONDS 2000000000u

/* Refuses with the first thing that is missing, in its own words. */
static int check_machine(struct tproc_error *error) {
  struct tproc_finding findings[TPROC_FINDINGS_MAX];
  const size_t count = check_probes(findings, TPROC_FINDINGS_MAX);
  for (size_t i = 0; i < count; i++)
    if (findings[i].verdict == TPROC_MISSING)
      return tproc_fail_because(error, ENOSYS, "cannot open a host: %s: %s; %s", findings[i].name, findings[i].value,
                                findings[i].advice);
  return 0;
}

/* Shared, so that a threadproc's forked children, whose other memory is a copy, still see the same page. */
static int map_scratch(struct tproc_host *host, struct tproc_error *error) {
  void *page = mmap(NULL, TPROC_SCRATCH_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return tproc_fail(error, errno, "map the scratch page");
  host->scratch = page;
  return 0;
}

static int open_exits(struct tproc_host *host, struct tproc_error *error) {
  host->exits = epoll_create1(EPOLL_CLOEXEC);
  if (host->exits < 0) return tproc_fail(error, errno, "epoll_create1");
  host->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
  if (host->wake < 0) return tproc_fail(error, errno, "eventfd");
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll_ctl(host->exits, EPOLL_CTL_ADD, host->wake, &event) != 0) return tproc_fail(error, errno, "epoll_ctl");
  return 0;
}

static void release(struct tproc_host *host) {
  if (host->door >= 0) close(host->door);
  if (host->wake >= 0) close(host->wake);
  if (host->exits >= 0) close(host->exits);
  host_heap_close(&host->heap);
  shared_range_close(&host->range);
  if (host->scratch != NULL) munmap(host->scratch, TPROC_SCRATCH_SIZE);
  address_space_close(&host->space);
  prepared_pool_destroy(&host->prepared);
  slot_space_destroy(&host->slots);
  pthread_cond_destroy(&host->released);
  pthread_cond_destroy(&host->unpinned);
  pthread_mutex_destroy(&host->lock);
  free(host);
}

/* The thread that waits for exits reports it; the host's user always has one. */
static void tell_of_failure(void *host) { tproc_host_wake(host); }

struct opening {
  struct tproc_host *host;
  struct tproc_error *error;
  int result;
};

static void start_threads(void *argument) {
  struct opening *opening = argument;
  struct tproc_host *host = opening->host;
  const struct broker_callbacks callbacks = {tell_of_failure, threadproc_keep_calls, host};
  opening->result =
      broker_start(&host->broker, &host->executor, &host->space, &host->slots, &callbacks, opening->error);
  if (opening->result) return;
  opening->result = spawner_start(&host->spawner, opening->error);
  if (!opening->result) {
    opening->result = descendants_start(&host->descendants, host, opening->error);
    if (opening->result) spawner_stop(&host->spawner);
  }
  if (opening->result)
    broker_stop(&host->broker);
  else
    huge_pages_start(&host->huge_pages, &host->range);
}

/* Of the descriptors that both tables have, the numbers are the same. */
static int start_executor(struct tproc_host *host, struct tproc_error *error) {
  int pair[2];
  int failed = descriptor_passing_pair(pair);
  if (failed) return tproc_fail(error, -failed, "a pair of sockets");
  host->door = pair[0];
  host->own_door = pair[1];
  const int kept[] = {host->own_door, host->wake, host->exits, host->space.maps, host->range.file};
  const size_t count = sizeof kept / sizeof kept[0] - (host->range.view.share == NULL);
  failed = executor_start(
      &host->executor, &(struct executor_options){"tproc-files", "the thread of the host's descriptors", kept, count},
      error);
  close(pair[1]);
  return failed;
}

/* A host is of use without a heap, and where memory is limited no more may be possible. */
static void open_heap(struct tproc_host *host, uint64_t size) {
  shared_range_open(&host->range, &host->slots, size, &host->no_range);
  host_heap_open(&host->heap, &host->range.view);
}

static int start(struct tproc_host *host, struct tproc_error *error) {
  struct opening opening = {.host = host, .error = error};
  const int failed = start_executor(host, error);
  if (failed) return failed;
  executor_call(&host->executor, start_threads, &opening);
  if (opening.result) executor_stop(&host->executor);
  return opening.result;
}

/*
 * A threadproc that execs another program ends with SIGCHLD as any child. While that is ignored the kernel collects
 * exits by itself, and throws them away. (The JDK does the same before it starts its first process.)
 */
static void stop_ignoring_ends(void) {
  struct sigaction action;
  if (sigaction(SIGCHLD, NULL, &action) != 0) return;
  if (action.sa_handler != SIG_IGN && (action.sa_flags & SA_NOCLDWAIT) == 0) return;
  if (action.sa_handler == SIG_IGN) action.sa_handler = SIG_DFL;
  action.sa_flags &= ~SA_NOCLDWAIT;
  sigaction(SIGCHLD, &action, NULL);
}

int tproc_host_open(struct tproc_host **result, struct tproc_error *error) {
  return tproc_host_open_with(result, &(struct tproc_host_options){0}, error);
}

int tproc_host_open_with(struct tproc_host **result, const struct tproc_host_options *options,
                         struct tproc_error *error) {
  int failed = check_machine(error);
  if (failed) return failed;
  struct tproc_host *host = calloc(1, sizeof *host);
  if (host == NULL) return tproc_fail(error, ENOMEM, "cannot open a host");
  host->exits = host->wake = host->space.maps = host->door = -1;
  pthread_mutex_init(&host->lock, NULL);
  pthread_cond_init(&host->unpinned, NULL);
  thread_condition_init(&host->released);
  slot_space_init(&host->slots);
  prepared_pool_init(&host->prepared, host);
  host_auxv_read(&host->auxv);
  stop_ignoring_ends();
  failed = map_scratch(host, error);
  if (!failed) failed = open_exits(host, error);
  if (!failed) failed = address_space_open(&host->space, error);
  if (!failed) open_heap(host, options->heap_size);
  if (!failed) failed = start(host, error);
  if (failed) {
    tproc_error_prefix(error, "cannot open a host: ");
    release(host);
    return failed;
  }
  *result = host;
  return 0;
}

void *tproc_host_scratch(const struct tproc_host *host) { return host->scratch; }

int host_check_range(const struct tproc_host *host, struct tproc_error *error) {
  return host->range.view.share != NULL ? 0 : tproc_fail_because(error, ENOTSUP, "%s", host->no_range.message);
}

void host_remember(struct tproc_host *host, struct tproc_threadproc *threadproc) {
  pthread_mutex_lock(&host->lock);
  LIST_PREPEND(host->first, threadproc);
  pthread_mutex_unlock(&host->lock);
}

static bool has_low(struct tproc_host *host, const struct tproc_threadproc *threadproc) {
  const struct address_range low = {0, slot_space_range(&host->slots).low};
  return slot_owner_has_external(&host->slots, &threadproc->memory.owner, low);
}

bool host_forget(struct tproc_host *host, struct tproc_threadproc *threadproc) {
  const bool low = has_low(host, threadproc);
  pthread_mutex_lock(&host->lock);
  threadproc->leaving = true; /* it is not pinned any more */
  host->releasing.count++;
  host->releasing_low.count += low;
  while (threadproc->pins > 0) pthread_cond_wait(&host->unpinned, &host->lock);
  LIST_UNLINK(host->first, threadproc);
  pthread_mutex_unlock(&host->lock);
  return low;
}

static void note_one_less(struct releasing *releasing) {
  if (--releasing->count < releasing->in_vain) releasing->in_vain = releasing->count;
}

void host_note_release(struct tproc_host *host, bool low) {
  pthread_mutex_lock(&host->lock);
  note_one_less(&host->releasing);
  if (low) note_one_less(&host->releasing_low);
  host->releases++;
  pthread_cond_broadcast(&host->released);
  pthread_mutex_unlock(&host->lock);
}

unsigned host_releases(struct tproc_host *host) {
  pthread_mutex_lock(&host->lock);
  const unsigned releases = host->releases;
  pthread_mutex_unlock(&host->lock);
  return releases;
}

bool host_await_release(struct tproc_host *host, unsigned releases, const struct timespec *until) {
  int code = 0;
  pthread_mutex_lock(&host->lock);
  while (host->releases == releases && code == 0) code = pthread_cond_timedwait(&host->released, &host->lock, until);
  const bool released = host->releases != releases;
  pthread_mutex_unlock(&host->lock);
  return released;
}

static void let_go(struct tproc_host *host, struct tproc_threadproc *threadproc) {
  if (--threadproc->pins == 0 && threadproc->leaving) pthread_cond_broadcast(&host->unpinned);
}

struct tproc_threadproc *host_pin_next(struct tproc_host *host, struct tproc_threadproc *previous) {
  pthread_mutex_lock(&host->lock);
  struct tproc_threadproc *next = previous != NULL ? previous->next : host->first;
  while (next != NULL && next->leaving) next = next->next;
  if (next != NULL) next->pins++;
  if (previous != NULL) let_go(host, previous);
  pthread_mutex_unlock(&host->lock);
  return next;
}

struct tproc_threadproc *host_pin(struct tproc_host *host, pid_t pid) {
  struct tproc_threadproc *each = host_pin_next(host, NULL);
  while (each != NULL && each->pid != pid) each = host_pin_next(host, each);
  return each;
}

void host_unpin(struct tproc_host *host, struct tproc_threadproc *threadproc) {
  pthread_mutex_lock(&host->lock);
  let_go(host, threadproc);
  pthread_mutex_unlock(&host->lock);
}

/* A client's is released at its end, the JVM's own when its handle is closed. */
static bool will_be_released(struct tproc_threadproc *threadproc) {
  return threadproc->info.client.pid != 0 && threadproc_has_ended(threadproc);
}

/* Whether one that is pinned is given back without anybody's doing, and nobody has waited for that in vain. */
static bool gives_back(struct tproc_host *host, struct tproc_threadproc *threadproc) {
  pthread_mutex_lock(&host->lock);
  const bool in_vain = threadproc->in_vain;
  pthread_mutex_unlock(&host->lock);
  return !in_vain && will_be_released(threadproc);
}

static bool is_releasing(struct tproc_host *host, const struct releasing *releasing) {
  pthread_mutex_lock(&host->lock);
  const bool any = releasing->count > releasing->in_vain;
  pthread_mutex_unlock(&host->lock);
  return any;
}

bool host_gives_back(struct tproc_host *host, uint64_t address) {
  const struct tproc_threadproc *owner = slot_threadproc_at(&host->slots, address);
  struct tproc_threadproc *each = host_pin_next(host, NULL);
  while (each != NULL && each != owner) each = host_pin_next(host, each);
  if (each == NULL) return is_releasing(host, &host->releasing);
  const bool back = gives_back(host, each);
  host_unpin(host, each);
  return back;
}

void host_note_wait_in_vain(struct tproc_host *host) {
  for (struct tproc_threadproc *each = NULL; (each = host_pin_next(host, each)) != NULL;) {
    const bool in_vain = will_be_released(each);
    pthread_mutex_lock(&host->lock);
    if (in_vain) each->in_vain = true;
    pthread_mutex_unlock(&host->lock);
  }
  pthread_mutex_lock(&host->lock);
  host->releasing.in_vain = host->releasing.count;
  host->releasing_low.in_vain = host->releasing_low.count;
  pthread_mutex_unlock(&host->lock);
}

/* Under the lock: only what is in the list is certainly still there. */
static const struct tproc_threadproc *find(const struct tproc_host *host, const struct tproc_threadproc *wanted) {
  const struct tproc_threadproc *each = host->first;
  while (each != NULL && each != wanted) each = each->next;
  return each;
}

pid_t host_pid_of(struct tproc_host *host, const struct tproc_threadproc *threadproc) {
  pthread_mutex_lock(&host->lock);
  const struct tproc_threadproc *found = find(host, threadproc);
  const pid_t pid = found != NULL ? found->pid : 0;
  pthread_mutex_unlock(&host->lock);
  return pid;
}

bool host_gives_low_back(struct tproc_host *host) {
  if (is_releasing(host, &host->releasing_low)) return true;
  const struct address_range low = {0, slot_space_range(&host->slots).low};
  if (!slot_space_has_external(&host->slots, low)) return false;
  for (struct tproc_threadproc *each = NULL; (each = host_pin_next(host, each)) != NULL;) {
    if (!has_low(host, each) || !gives_back(host, each)) continue;
    host_unpin(host, each);
    return true;
  }
  return false;
}

void host_await_low_releases(struct tproc_host *host) {
  const struct timespec until = clock_after(LOW_RELEASE_NANOSECONDS);
  for (;;) {
    const unsigned releases = host_releases(host);
    if (!host_gives_low_back(host)) return;
    if (host_await_release(host, releases, &until)) continue;
    host_note_wait_in_vain(host);
    return;
  }
}

bool host_describe_owner(struct tproc_host *host, uint64_t address, char *text, size_t size) {
  const struct tproc_threadproc *owner = slot_threadproc_at(&host->slots, address);
  pthread_mutex_lock(&host->lock);
  const struct tproc_threadproc *each = find(host, owner);
  if (each != NULL) snprintf(text, size, "threadproc %d (%s)", each->pid, each->plan.name);
  pthread_mutex_unlock(&host->lock);
  return each != NULL;
}

/* First a signal to all, then the waiting: two thousand processes die at the same time. */
static void end_all(void *argument) {
  struct tproc_host *host = argument;
  prepared_pool_close(&host->prepared);
  for (struct tproc_threadproc *each = host->first; each != NULL; each = each->next)
    if (!each->collected) threadproc_signal(each, SIGKILL, NULL);
  while (host->first != NULL) {
    struct tproc_threadproc *threadproc = host->first;
    struct tproc_exit exit;
    if (!threadproc->collected) threadproc_collect(threadproc, true, &exit, NULL);
    const bool low = host_forget(host, threadproc);
    threadproc_free(threadproc);
    host_note_release(host, low);
  }
  huge_pages_stop(&host->huge_pages);
  descendants_stop(&host->descendants);
  spawner_stop(&host->spawner);
  broker_stop(&host->broker);
}

static void stop_preparing(void *host) { prepared_pool_stop(&((struct tproc_host *)host)->prepared); }

void tproc_host_close(struct tproc_host *host) {
  executor_call(&host->executor, stop_preparing, host);
  prepared_pool_join(&host->prepared);
  executor_call(&host->executor, end_all, host);
  executor_stop(&host->executor);
  release(host);
}

int tproc_has_left_threads(void) { return thread_any_left(); }
