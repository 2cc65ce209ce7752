#include "host/prepared_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/executor.h"
#include "base/list.h"
#include "base/thread.h"
#include "host/host.h"
#include "host/launch_copy.h"
#include "host/launch_preparation.h"
#include "host/pass_descriptors.h"
#include "host/prepared_program.h"
#include "host/status.h"

#define STACK_SIZE (256u << 10) /* aarch64 takes no less than 128 KiB */
#define RETRY_NANOSECONDS 500000000u
#define MILLISECOND 1000000u

/*
 * To make one takes what a launch takes, and whoever launches is to have it first: the next is made when this long none
 * was started, or at once when none is left; and when no launch is under way, but for this long at most.
 */
#define PAUSE_NANOSECONDS (2 * MILLISECOND)
#define PUT_OFF_NANOSECONDS (20 * MILLISECOND)

/* So many of a kind run at a time until they call tproc_ready: what takes long for one is not to take all there is. */
#define RUNNING_MAX 4

/* Tests run with it: each launch prepares its program first. */
#define ALWAYS_VARIABLE "TPROC_PREPARE_ALWAYS"

struct prepared_kind {
  struct prepared_kind *previous, *next;
  struct launch_copy copy;
  bool until_ready;                /* they run until they call tproc_ready */
  struct prepared_running how;     /* of these; its log is the kind's own */
  struct prepared_program *runs;   /* that have not called it yet */
  unsigned running;                /* so many */
  unsigned in_vain;                /* so many have not come to it */
  struct tproc_error last_failure; /* of these */
  unsigned wanted, ready, making;
  unsigned users;                 /* threads that make one of this kind */
  bool removed;                   /* by who has no wish for it any more; the last user frees it */
  struct tproc_error failure;     /* why it was removed; none: nobody wants it any more */
  uint64_t age_max;               /* nanoseconds; 0: none */
  uint64_t not_before;            /* when the next is made, after a failure; CLOCK_MONOTONIC */
  uint64_t paused_until;          /* or after a start ... */
  uint64_t put_off_until;         /* ... and while launches are under way */
  struct prepared_program *first; /* that wait */
  struct file_identity file;      /* the program's, as it was prepared last */
  struct tproc_prepared counted;
};

void prepared_pool_init(struct prepared_pool *pool, struct tproc_host *host) {
  pool->host = host;
  pool->wake = -1;
  pool->always = getenv(ALWAYS_VARIABLE) != NULL;
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->made, NULL);
}

void prepared_pool_destroy(struct prepared_pool *pool) {
  pthread_cond_destroy(&pool->made);
  pthread_mutex_destroy(&pool->lock);
}

static void wake(const struct prepared_pool *pool) {
  const uint64_t one = 1;
  if (pool->wake >= 0 && write(pool->wake, &one, sizeof one) < 0) return; /* it is full: the thread is awake */
}

/* All below are called with the lock, unless they say otherwise. */

static void discard_later(struct prepared_pool *pool, struct prepared_program *program) {
  LIST_PREPEND(pool->discarded, program);
  wake(pool);
}

static void unlink_program(struct prepared_kind *kind, struct prepared_program *program) {
  LIST_UNLINK(kind->first, program);
  kind->ready--;
}

static void unlink_running(struct prepared_kind *kind, struct prepared_program *program) {
  LIST_UNLINK(kind->runs, program);
  kind->running--;
}

/* On a thread of the host's, in whose table the log is. To close that may take as long as its file system likes. */
static void free_kind(struct prepared_pool *pool, struct prepared_kind *kind) {
  if (kind->how.log >= 0) deferred_close(&pool->host->broker.deferred, NULL, kind->how.log);
  launch_copy_release(&kind->copy);
  free(kind);
}

/* Whoever lets go of it last frees it. */
static void take_out(struct prepared_pool *pool, struct prepared_kind *kind) {
  LIST_UNLINK(pool->first, kind);
  pool->wanted -= kind->wanted;
  if (kind->until_ready) __atomic_sub_fetch(&pool->ready_kinds, 1, __ATOMIC_SEQ_CST);
  while (kind->runs != NULL) {
    struct prepared_program *program = kind->runs;
    unlink_running(kind, program);
    discard_later(pool, program);
  }
  while (kind->first != NULL) {
    struct prepared_program *program = kind->first;
    unlink_program(kind, program);
    discard_later(pool, program);
  }
  kind->removed = true;
  pthread_cond_broadcast(&pool->made); /* those that ran are not waited for any more */
}

static void remove_kind(struct prepared_pool *pool, struct prepared_kind *kind) {
  take_out(pool, kind);
  if (kind->users == 0) free_kind(pool, kind);
}

static struct prepared_kind *find_kind(const struct prepared_pool *pool, const struct launch_copy *copy,
                                       bool until_ready) {
  struct prepared_kind *kind = pool->first;
  while (kind != NULL && (kind->until_ready != until_ready || !launch_copy_equals(&kind->copy, copy)))
    kind = kind->next;
  return kind;
}

static void let_go_of(struct prepared_pool *pool, struct prepared_kind *kind) {
  if (--kind->users == 0 && kind->removed) free_kind(pool, kind);
}

static void note_failure(struct prepared_kind *kind, const struct tproc_error *error) {
  kind->counted.failed++;
  kind->not_before = clock_nanoseconds(CLOCK_MONOTONIC) + RETRY_NANOSECONDS;
  memcpy(kind->counted.problem, error->message, sizeof kind->counted.problem - 1);
}

static void note_made(struct prepared_kind *kind, struct prepared_program *program) {
  LIST_PREPEND(kind->first, program);
  kind->ready++;
  kind->file = program->file;
  kind->counted.depth = program->depth;
  kind->counted.problem[0] = '\0';
}

/* One that has been made, or has come to wait; unless none is wanted any more. */
static void keep(struct prepared_pool *pool, struct prepared_kind *kind, struct prepared_program *program) {
  if (kind->removed || pool->closing || kind->ready + kind->running >= kind->wanted) {
    discard_later(pool, program);
  } else if (program->depth == 0) {
    LIST_PREPEND(kind->runs, program);
    kind->running++;
    wake(pool); /* its thread awaits the call */
  } else {
    note_made(kind, program);
  }
}

/* Around what lets go of the lock meanwhile. The kind has this thread as a user. */
static void begin_making(struct prepared_pool *pool, struct prepared_kind *kind) {
  pool->making++;
  kind->making++;
  pthread_mutex_unlock(&pool->lock);
}

static void end_making(struct prepared_pool *pool, struct prepared_kind *kind) {
  pthread_mutex_lock(&pool->lock);
  pool->making--;
  kind->making--;
  pthread_cond_broadcast(&pool->made);
}

static int make_one(struct prepared_pool *pool, struct prepared_kind *kind, struct tproc_error *error) {
  struct prepared_program *program = NULL;
  const struct tproc_launch *launch = &kind->copy.launch;
  struct tproc_error own = {0};
  begin_making(pool, kind);
  const int failed = kind->until_ready ? prepared_program_begin(pool->host, launch, &kind->how, &program, &own)
                                       : prepared_program_make(pool->host, launch, &program, &own);
  end_making(pool, kind);
  if (failed)
    note_failure(kind, &own);
  else
    keep(pool, kind, program);
  if (failed && error != NULL) *error = own;
  return failed;
}

static bool is_short(const struct prepared_kind *kind) {
  return kind->ready + kind->running + kind->making < kind->wanted &&
         (!kind->until_ready || kind->running + kind->making < RUNNING_MAX);
}

/* ---- the thread ---- */

static void sweep_kind(struct prepared_pool *pool, struct prepared_kind *kind, uint64_t now) {
  struct prepared_program *program = kind->first;
  while (program != NULL) {
    struct prepared_program *next = program->next;
    const bool ended = prepared_program_has_ended(program);
    if (ended || (kind->age_max != 0 && now - program->made >= kind->age_max)) {
      unlink_program(kind, program);
      discard_later(pool, program);
      if (ended)
        kind->counted.ended++;
      else
        kind->counted.expired++;
    }
    program = next;
  }
}

/* Who waits for it hears why it does not come. */
static void note_in_vain(struct prepared_pool *pool, struct prepared_kind *kind, struct prepared_program *program,
                         struct tproc_error *error) {
  tproc_error_prefix(error, "prepare %s: ", kind->copy.launch.program);
  note_failure(kind, error);
  kind->last_failure = *error;
  kind->in_vain++;
  discard_later(pool, program);
}

/* Lets go of the lock meanwhile. It has called tproc_ready, has ended, or has had its time. */
static void finish_one(struct prepared_pool *pool, struct prepared_kind *kind, struct prepared_program *program) {
  struct tproc_error error = {0};
  unlink_running(kind, program);
  kind->users++;
  begin_making(pool, kind);
  const int failed = prepared_program_finish(program, &error);
  end_making(pool, kind);
  if (failed)
    note_in_vain(pool, kind, program, &error);
  else
    keep(pool, kind, program);
  let_go_of(pool, kind);
}

/* One of them. @return NULL: there are no news */
static struct prepared_program *find_news(const struct prepared_pool *pool, uint64_t now, struct prepared_kind **of) {
  for (*of = pool->first; *of != NULL; *of = (*of)->next)
    for (struct prepared_program *each = (*of)->runs; each != NULL; each = each->next)
      if (prepared_program_has_news(each, now)) return each;
  return NULL;
}

/* Lets go of the lock meanwhile. */
static void finish_all(struct prepared_pool *pool) {
  struct prepared_kind *kind;
  struct prepared_program *program;
  while (!pool->closing && pool->yielding == 0 &&
         (program = find_news(pool, clock_nanoseconds(CLOCK_MONOTONIC), &kind)) != NULL)
    finish_one(pool, kind, program);
}

/* Lets go of the lock meanwhile. */
static void discard_all(struct prepared_pool *pool) {
  while (pool->discarded != NULL && pool->yielding == 0) {
    struct prepared_program *program = pool->discarded;
    LIST_UNLINK(pool->discarded, program);
    pool->ending = true;
    pthread_mutex_unlock(&pool->lock);
    prepared_program_discard(program);
    pthread_mutex_lock(&pool->lock);
    pool->ending = false;
    pthread_cond_broadcast(&pool->made);
  }
}

static bool are_launches_under_way(const struct prepared_pool *pool) {
  return __atomic_load_n(&pool->launching, __ATOMIC_SEQ_CST) > 0;
}

static uint64_t sooner(uint64_t one, uint64_t other) { return one < other ? one : other; }

static uint64_t later(uint64_t one, uint64_t other) { return one > other ? one : other; }

/* While launches are under way it may be sooner: their end wakes the thread. */
static uint64_t makes_next_at(const struct prepared_pool *pool, const struct prepared_kind *kind) {
  const uint64_t at = later(kind->not_before, kind->paused_until);
  return are_launches_under_way(pool) ? later(at, kind->put_off_until) : at;
}

static struct prepared_kind *one_to_make(const struct prepared_pool *pool, uint64_t now) {
  struct prepared_kind *kind = pool->first;
  while (kind != NULL && (!is_short(kind) || makes_next_at(pool, kind) > now)) kind = kind->next;
  return kind;
}

static void make_all(struct prepared_pool *pool) {
  struct prepared_kind *kind;
  while (!pool->closing && pool->yielding == 0 &&
         (kind = one_to_make(pool, clock_nanoseconds(CLOCK_MONOTONIC))) != NULL) {
    kind->users++;
    make_one(pool, kind, NULL);
    let_go_of(pool, kind);
  }
}

/* Nanoseconds of CLOCK_MONOTONIC; UINT64_MAX: nothing is due. The end of launches wakes the thread before. */
static uint64_t next_deadline(struct prepared_pool *pool) {
  uint64_t at = UINT64_MAX;
  bool any_short = false;
  for (const struct prepared_kind *kind = pool->first; kind != NULL; kind = kind->next) {
    if (is_short(kind)) {
      any_short = true;
      at = sooner(at, makes_next_at(pool, kind));
    }
    for (const struct prepared_program *each = kind->first; each != NULL && kind->age_max != 0; each = each->next)
      at = sooner(at, each->made + kind->age_max);
    for (const struct prepared_program *each = kind->runs; each != NULL; each = each->next)
      at = sooner(at, each->deadline);
  }
  __atomic_store_n(&pool->is_short, any_short, __ATOMIC_SEQ_CST);
  return at;
}

/* Their ends, and their words, wake the thread. One that is started meanwhile may wake it for nothing. */
static nfds_t collect_events(const struct prepared_pool *pool, struct pollfd *events) {
  nfds_t count = 0;
  events[count++] = (struct pollfd){.fd = pool->wake, .events = POLLIN};
  for (const struct prepared_kind *kind = pool->first; kind != NULL; kind = kind->next) {
    for (const struct prepared_program *each = kind->first; each != NULL; each = each->next)
      events[count++] = (struct pollfd){.fd = each->threadproc->pidfd, .events = POLLIN};
    for (const struct prepared_program *each = kind->runs; each != NULL; each = each->next) {
      events[count++] = (struct pollfd){.fd = each->threadproc->pidfd, .events = POLLIN};
      events[count++] = (struct pollfd){.fd = prepared_program_link(each), .events = POLLIN};
    }
  }
  return count;
}

/* Lets go of the lock meanwhile. */
static void sleep_until_news(struct prepared_pool *pool) {
  struct pollfd events[1 + 2 * TPROC_PREPARED_MAX];
  const nfds_t count = collect_events(pool, events);
  const uint64_t until = next_deadline(pool), now = clock_nanoseconds(CLOCK_MONOTONIC);
  const uint64_t wait = until == UINT64_MAX ? 0 : until > now ? (until - now) / MILLISECOND + 1 : 0;
  const int timeout = until == UINT64_MAX ? -1 : wait < INT_MAX ? (int)wait : INT_MAX;
  uint64_t rings;
  pthread_mutex_unlock(&pool->lock);
  poll(events, count, timeout);
  if (read(pool->wake, &rings, sizeof rings) < 0) rings = 0; /* it was a program's end, or the time */
  pthread_mutex_lock(&pool->lock);
}

static void work(struct prepared_pool *pool) {
  const uint64_t now = clock_nanoseconds(CLOCK_MONOTONIC);
  for (struct prepared_kind *kind = pool->first; kind != NULL; kind = kind->next) sweep_kind(pool, kind, now);
  finish_all(pool);
  discard_all(pool);
  make_all(pool);
  if (!pool->closing && pool->yielding == 0 && pool->discarded == NULL) sleep_until_news(pool);
}

static void *run(void *argument) {
  struct prepared_pool *pool = argument;
  pthread_mutex_lock(&pool->lock);
  while (!pool->closing) {
    if (pool->yielding > 0)
      pthread_cond_wait(&pool->made, &pool->lock);
    else
      work(pool);
  }
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

/* On a thread that has the host's descriptor table, which the new one shares. */
static int start_thread(struct prepared_pool *pool, struct tproc_error *error) {
  if (pool->running) return 0;
  pool->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (pool->wake < 0) return tproc_fail(error, errno, "eventfd");
  const int failed = thread_start(&pool->thread, STACK_SIZE, "tproc-prepare", run, pool);
  if (!failed) {
    pool->running = true;
    return 0;
  }
  close(pool->wake);
  pool->wake = -1;
  return tproc_fail(error, -failed, "start a thread (limit on threads)");
}

void prepared_pool_stop(struct prepared_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->closing = true;
  while (pool->first != NULL) remove_kind(pool, pool->first);
  pthread_cond_broadcast(&pool->made);
  wake(pool);
  pthread_mutex_unlock(&pool->lock);
}

void prepared_pool_join(struct prepared_pool *pool) {
  if (pool->running) pthread_join(pool->thread, NULL);
}

void prepared_pool_close(struct prepared_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  discard_all(pool);
  pthread_mutex_unlock(&pool->lock);
  if (pool->wake >= 0) close(pool->wake);
}

/* ---- launches ---- */

void prepared_pool_begin_launch(struct prepared_pool *pool) {
  __atomic_add_fetch(&pool->launching, 1, __ATOMIC_SEQ_CST);
}

void prepared_pool_end_launch(struct prepared_pool *pool) {
  const unsigned left = __atomic_sub_fetch(&pool->launching, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&pool->is_short, __ATOMIC_SEQ_CST) && left == 0) wake(pool);
}

/* The end of the launch wakes the thread, where no other is under way; those might follow each other without end. */
static void put_off_next(struct prepared_pool *pool, struct prepared_kind *kind) {
  const uint64_t now = clock_nanoseconds(CLOCK_MONOTONIC);
  kind->paused_until = kind->ready > 0 ? now + PAUSE_NANOSECONDS : 0;
  kind->put_off_until = now + PUT_OFF_NANOSECONDS;
  if (__atomic_load_n(&pool->launching, __ATOMIC_SEQ_CST) > 1) wake(pool);
  __atomic_store_n(&pool->is_short, true, __ATOMIC_SEQ_CST);
}

static struct prepared_program *take_from(struct prepared_pool *pool, struct prepared_kind *kind,
                                          const struct tproc_launch *launch, const struct preparation *preparation) {
  struct prepared_program *program = kind->first;
  while (program != NULL && !prepared_program_fits(program, launch, preparation)) program = program->next;
  if (program == NULL) return NULL;
  unlink_program(kind, program);
  put_off_next(pool, kind);
  return program;
}

/* Of whatever kind: a script's interpreter serves all its scripts. Those that have run have more done. */
static struct prepared_program *take(struct prepared_pool *pool, const struct tproc_launch *launch,
                                     const struct preparation *preparation, struct prepared_kind **of) {
  struct prepared_program *program = NULL;
  for (int until_ready = 1; until_ready >= 0; until_ready--)
    for (*of = pool->first; *of != NULL; *of = (*of)->next) {
      if ((*of)->until_ready == until_ready) program = take_from(pool, *of, launch, preparation);
      if (program != NULL) return program;
    }
  return NULL;
}

/* Of one that has run, what it has begun with counts, too. */
static bool begins_like(const struct prepared_kind *kind, const struct tproc_launch *launch) {
  const char *const *argv = kind->copy.launch.argv;
  if (!kind->until_ready) return true;
  if (strcmp(kind->copy.launch.program, launch->program) != 0) return false;
  for (size_t i = 0; argv[i] != NULL; i++)
    if (launch->argv[i] == NULL || strcmp(argv[i], launch->argv[i]) != 0) return false;
  return true;
}

/* A launch of a program that is prepared, for which none was there that fits. */
static void note_miss(struct prepared_pool *pool, const struct tproc_launch *launch,
                      const struct preparation *preparation) {
  const struct file_identity *file = &preparation->program.identity;
  for (struct prepared_kind *kind = pool->first; kind != NULL; kind = kind->next) {
    if (kind->file.device != file->device || kind->file.inode != file->inode || !begins_like(kind, launch)) continue;
    kind->counted.missed++;
    pool->totals.ordinary++;
    wake(pool);
    return;
  }
}

static struct tproc_threadproc *start_taken(struct prepared_pool *pool, struct prepared_program *program,
                                            const struct tproc_launch *launch, const struct launch_client *client,
                                            struct preparation *preparation) {
  struct tproc_error error;
  if (prepared_program_is_current(program, launch))
    return prepared_program_start(program, launch, client, preparation, &error);
  pthread_mutex_lock(&pool->lock);
  discard_later(pool, program);
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

static void count_start(struct prepared_pool *pool, struct prepared_kind *kind, bool started) {
  pthread_mutex_lock(&pool->lock);
  if (kind != NULL) {
    if (started)
      kind->counted.started++;
    else
      kind->counted.changed++;
    let_go_of(pool, kind);
  }
  if (started)
    pool->totals.started++;
  else
    pool->totals.ordinary++;
  pthread_mutex_unlock(&pool->lock);
}

static struct tproc_threadproc *prepare_and_start(struct prepared_pool *pool, const struct tproc_launch *launch,
                                                  const struct launch_client *client, struct preparation *preparation) {
  struct prepared_program *program = NULL;
  struct tproc_error error;
  struct tproc_threadproc *threadproc = NULL;
  if (prepared_program_make(pool->host, launch, &program, &error) == 0) {
    if (prepared_program_fits(program, launch, preparation))
      threadproc = prepared_program_start(program, launch, client, preparation, &error);
    else
      prepared_program_discard(program);
  }
  count_start(pool, NULL, threadproc != NULL);
  return threadproc;
}

struct tproc_threadproc *prepared_pool_start(struct prepared_pool *pool, const struct tproc_launch *launch,
                                             const struct launch_client *client, struct preparation *preparation) {
  struct prepared_kind *kind = NULL;
  if (__atomic_load_n(&pool->ready_kinds, __ATOMIC_SEQ_CST) > 0) preparation_identify_directory(preparation);
  pthread_mutex_lock(&pool->lock);
  struct prepared_program *program = take(pool, launch, preparation, &kind);
  if (program != NULL)
    kind->users++;
  else
    note_miss(pool, launch, preparation);
  pthread_mutex_unlock(&pool->lock);
  if (program == NULL) return pool->always ? prepare_and_start(pool, launch, client, preparation) : NULL;
  struct tproc_threadproc *threadproc = start_taken(pool, program, launch, client, preparation);
  count_start(pool, kind, threadproc != NULL);
  return threadproc;
}

static unsigned take_fixed(struct prepared_program **from, struct prepared_program **to) {
  unsigned taken = 0;
  for (struct prepared_program *each = *from, *next; each != NULL; each = next) {
    next = each->next;
    if (each->position_independent) continue;
    LIST_UNLINK(*from, each);
    LIST_PREPEND(*to, each);
    taken++;
  }
  return taken;
}

/* The next is not made at once: it would want the same addresses. */
static void take_fixed_of(struct prepared_kind *kind, struct prepared_program **to) {
  const unsigned taken = take_fixed(&kind->first, to), running = take_fixed(&kind->runs, to);
  kind->ready -= taken;
  kind->running -= running;
  if (taken + running > 0) kind->not_before = clock_nanoseconds(CLOCK_MONOTONIC) + RETRY_NANOSECONDS;
}

static void discard_each(struct prepared_program *first) {
  while (first != NULL) {
    struct prepared_program *program = first;
    LIST_UNLINK(first, program);
    prepared_program_discard(program);
  }
}

void prepared_pool_begin_yield(struct prepared_pool *pool) {
  struct prepared_program *yielding = NULL;
  pthread_mutex_lock(&pool->lock);
  pool->yielding++;
  while (pool->making > 0 || pool->ending) pthread_cond_wait(&pool->made, &pool->lock);
  for (struct prepared_kind *kind = pool->first; kind != NULL; kind = kind->next) take_fixed_of(kind, &yielding);
  take_fixed(&pool->discarded, &yielding);
  pthread_mutex_unlock(&pool->lock);
  discard_each(yielding);
}

void prepared_pool_end_yield(struct prepared_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->yielding--;
  pthread_cond_broadcast(&pool->made);
  pthread_mutex_unlock(&pool->lock);
}

void prepared_pool_end_discarded(struct prepared_pool *pool) {
  struct prepared_program *discarded = NULL;
  pthread_mutex_lock(&pool->lock);
  while (pool->ending) pthread_cond_wait(&pool->made, &pool->lock);
  take_fixed(&pool->discarded, &discarded);
  pthread_mutex_unlock(&pool->lock);
  discard_each(discarded);
}

/* ---- tproc_core.h ---- */

struct preparing {
  struct prepared_pool *pool;
  struct launch_copy *copy;
  unsigned count;
  uint64_t age_max;
  bool until_ready;
  uint64_t patience;
  bool sends_log; /* a descriptor comes with the call */
  int log;        /* which a kind takes */
  struct tproc_error *error;
  int result;
};

static int add_kind(struct prepared_pool *pool, struct preparing *preparing, struct prepared_kind **result) {
  struct prepared_kind *kind = calloc(1, sizeof *kind);
  struct tproc_launch own;
  if (kind == NULL) return tproc_fail(preparing->error, ENOMEM, "remember what to prepare");
  own = preparing->copy->launch;
  const int failed = launch_copy_make(&kind->copy, &own, preparing->until_ready, preparing->error);
  if (failed) {
    free(kind);
    return failed;
  }
  kind->until_ready = preparing->until_ready;
  kind->how.log = preparing->log;
  preparing->log = -1;
  if (kind->until_ready) __atomic_add_fetch(&pool->ready_kinds, 1, __ATOMIC_SEQ_CST);
  LIST_PREPEND(pool->first, kind);
  *result = kind;
  return 0;
}

static int change_kind(struct prepared_pool *pool, struct preparing *preparing, struct prepared_kind **result) {
  struct prepared_kind *kind = find_kind(pool, preparing->copy, preparing->until_ready);
  const unsigned before = kind != NULL ? kind->wanted : 0;
  if (preparing->count > TPROC_PREPARED_MAX - (pool->wanted - before))
    return tproc_fail_because(preparing->error, EINVAL, "%u of them: %d of all kinds are the most", preparing->count,
                              TPROC_PREPARED_MAX);
  const int failed = kind == NULL ? add_kind(pool, preparing, &kind) : 0;
  if (failed) return failed;
  pool->wanted += preparing->count - before;
  kind->wanted = preparing->count;
  kind->age_max = preparing->age_max;
  kind->how.patience = preparing->patience;
  kind->not_before = 0;
  *result = kind;
  return 0;
}

/* Those that are too many go. */
static void shrink(struct prepared_pool *pool, struct prepared_kind *kind) {
  while (kind->running > 0 && kind->ready + kind->running > kind->wanted) {
    struct prepared_program *program = kind->runs;
    unlink_running(kind, program);
    discard_later(pool, program);
  }
  while (kind->ready > kind->wanted) {
    struct prepared_program *program = kind->first;
    unlink_program(kind, program);
    discard_later(pool, program);
  }
  pthread_cond_broadcast(&pool->made); /* so many are there, for who has wanted more */
}

/* By another caller, whose failure is this one's, too. */
static int say_why_removed(const struct prepared_pool *pool, const struct prepared_kind *kind,
                           struct tproc_error *error) {
  if (pool->closing)
    return tproc_fail_because(error, ECANCELED, "prepare %s: the host is being closed", kind->copy.launch.program);
  if (kind->failure.code == 0)
    return tproc_fail_because(error, ECANCELED, "prepare %s: another call wants none any more",
                              kind->copy.launch.program);
  *error = kind->failure;
  return -error->code;
}

/* The first ones are made by the caller, who hears what is wrong with the program. */
static int fill(struct prepared_pool *pool, struct prepared_kind *kind, struct tproc_error *error) {
  const unsigned in_vain = kind->in_vain;
  int failed = 0;
  while (!kind->removed && kind->ready < kind->wanted) {
    if (kind->in_vain != in_vain) {
      *error = kind->last_failure;
      return -error->code;
    }
    if (failed && kind->running == 0) return failed;
    if (!failed && is_short(kind) && pool->yielding == 0)
      failed = make_one(pool, kind, error);
    else
      pthread_cond_wait(&pool->made, &pool->lock); /* another thread makes the rest, or yields */
  }
  return !failed && kind->removed ? say_why_removed(pool, kind, error) : failed;
}

/* For fixed addresses there is one place: what is there already is enough, and the thread tries again. */
static int fill_some(struct prepared_pool *pool, struct prepared_kind *kind, bool is_new, struct tproc_error *error) {
  struct tproc_error own = {0};
  kind->users++;
  const int failed = fill(pool, kind, &own);
  if (kind->ready > 0 || !failed) {
    let_go_of(pool, kind);
    return 0;
  }
  if (error != NULL) *error = own;
  if (is_new && !kind->removed) {
    kind->failure = own;
    take_out(pool, kind);
  }
  let_go_of(pool, kind);
  return failed;
}

static int prepare_kind(struct preparing *preparing, struct prepared_kind *kind) {
  struct prepared_pool *pool = preparing->pool;
  const bool is_new = kind == NULL;
  int failed = start_thread(pool, preparing->error);
  if (!failed) failed = change_kind(pool, preparing, &kind);
  if (failed) return failed;
  shrink(pool, kind);
  return fill_some(pool, kind, is_new, preparing->error);
}

static int receive_log(struct preparing *preparing) {
  if (!preparing->sends_log) return 0;
  const int failed = host_receive_descriptors(preparing->pool->host, &preparing->log, 1);
  return failed ? tproc_fail(preparing->error, -failed, "hand standard error to the host's threads") : 0;
}

static void prepare_in_host(void *argument) {
  struct preparing *preparing = argument;
  struct prepared_pool *pool = preparing->pool;
  preparing->result = receive_log(preparing);
  if (preparing->result) return;
  pthread_mutex_lock(&pool->lock);
  struct prepared_kind *kind = find_kind(pool, preparing->copy, preparing->until_ready);
  if (preparing->count > 0)
    preparing->result = prepare_kind(preparing, kind);
  else if (kind != NULL)
    remove_kind(pool, kind);
  wake(pool);
  pthread_mutex_unlock(&pool->lock);
  if (preparing->log >= 0) close(preparing->log);
}

static int prepare(struct preparing *preparing, const struct tproc_launch *launch, struct tproc_error *error) {
  struct tproc_host *host = preparing->pool->host;
  struct launch_copy copy;
  int failed = launch_copy_make(&copy, launch, preparing->until_ready, error);
  if (failed) return failed;
  preparing->copy = &copy;
  preparing->error = error;
  const int log = STDERR_FILENO;
  preparing->sends_log = preparing->until_ready && fcntl(log, F_GETFD) >= 0;
  if (preparing->sends_log) failed = host_send_descriptors(host, &log, 1);
  if (failed) {
    tproc_fail(error, -failed, "hand standard error to the host's threads");
  } else {
    failed = executor_call_apart(&host->executor, prepare_in_host, preparing);
    if (failed && preparing->sends_log) host_drop_descriptors(host);
    if (failed)
      tproc_fail(error, -failed, "prepare %s: start a thread (limit on threads)", launch->program);
    else
      failed = preparing->result;
  }
  launch_copy_release(&copy);
  preparing->copy = NULL;
  return failed;
}

int tproc_host_prepare(struct tproc_host *host, const struct tproc_launch *launch, unsigned count, uint64_t age_max,
                       struct tproc_error *error) {
  struct preparing preparing = {.pool = &host->prepared, .count = count, .age_max = age_max, .log = -1};
  return prepare(&preparing, launch, error);
}

int tproc_host_prepare_ready(struct tproc_host *host, const struct tproc_launch *launch, unsigned count,
                             uint64_t age_max, uint64_t patience, struct tproc_error *error) {
  struct preparing preparing = {.pool = &host->prepared,
                                .count = count,
                                .age_max = age_max,
                                .until_ready = true,
                                .patience = patience,
                                .log = -1};
  return prepare(&preparing, launch, error);
}

/* With its arguments, where these count. */
static void write_name(const struct prepared_kind *kind, char *name, size_t size) {
  const char *const *argv = kind->copy.launch.argv;
  name[0] = '\0';
  strncat(name, kind->copy.launch.program, size - 1);
  for (size_t i = 1; kind->until_ready && argv[i] != NULL; i++) {
    strncat(name, " ", size - 1 - strlen(name));
    strncat(name, argv[i], size - 1 - strlen(name));
  }
}

static void describe(const struct prepared_kind *kind, int pagemap, struct tproc_prepared *entry) {
  *entry = kind->counted;
  entry->wanted = kind->wanted;
  entry->ready = kind->ready;
  write_name(kind, entry->program, sizeof entry->program);
  for (struct prepared_program *each = kind->first; each != NULL; each = each->next)
    status_measure(&each->threadproc->memory, pagemap, &entry->mapped, &entry->resident);
}

size_t tproc_host_prepared(struct tproc_host *host, struct tproc_prepared *entries, size_t capacity,
                           struct tproc_prepared_totals *totals) {
  struct prepared_pool *pool = &host->prepared;
  const int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  size_t count = 0;
  pthread_mutex_lock(&pool->lock);
  for (const struct prepared_kind *kind = pool->first; kind != NULL; kind = kind->next, count++)
    if (count < capacity) describe(kind, pagemap, &entries[count]);
  if (totals != NULL) *totals = pool->totals;
  pthread_mutex_unlock(&pool->lock);
  if (pagemap >= 0) close(pagemap);
  return count;
}
