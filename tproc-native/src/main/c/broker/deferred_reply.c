#include "broker/deferred_reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/process_state.h"
#include "broker/answers.h"
#include "broker/interval_timer.h"
#include "broker/proc_self_exe.h"
#include "broker/proc_view.h"
#include "broker/reply.h"
#include "memory/pieces.h"

/* How long a host that is closed waits for what is under way. */
#define PATIENCE_MILLISECONDS 500

/* An execve reads its path before all else: a second is long after that. Turns are waited for ten seconds. */
#define PAUSE_NANOSECONDS 200000
#define READ_TRIES_MAX 5000
#define TURN_TRIES_MAX 50000

/*
 * What it needs while it may hang is its own: the listener's and the check's descriptors are copied as numbers. When
 * the host has been closed meanwhile they are closed, and nothing is answered or written (target_answer asks first
 * whether the call waits).
 */
struct deferred_reply {
  struct detached_work work;
  struct deferred_replies desk;
  struct fence_listener *listener; /* between enter and exit only */
  struct fence_listener copy;
  struct target_check check;
  struct broker_call call;
  struct broker_answer answer;
  bool has_turn;             /* to overwrite a text of the caller's for an execve, ... */
  struct executed_text text; /* ... which is this one */
};

int deferred_replies_open(struct deferred_replies *desk, struct broker_context *host, deferred_reply_done *done,
                          void *context) {
  const struct detached_limits limits = {DEFERRED_REPLIES_MAX, DEFERRED_REPLIES_OF_ONE};
  *desk = (struct deferred_replies){.host = host, .done = done, .context = context};
  return detached_workers_open(&desk->workers, &limits);
}

void deferred_replies_close(struct deferred_replies *desk) {
  if (desk->workers != NULL) detached_workers_leave(desk->workers, PATIENCE_MILLISECONDS);
  desk->workers = NULL;
}

static bool is_change(const struct broker_answer *answer) {
  switch (answer->verdict) {
    case BROKER_DEFER_UNMAP:
    case BROKER_DEFER_ADVISE:
    case BROKER_DEFER_UNLOCK:
    case BROKER_DEFER_SHRINK:
    case BROKER_DEFER_REPLACE:
      return true;
    default:
      return false;
  }
}

struct asking {
  const struct fence_listener *listener;
  const struct broker_call *call;
};

static bool is_waiting(const void *context) {
  const struct asking *asking = context;
  return target_is_waiting(asking->listener, asking->call);
}

/*
 * memory_release waits for it, so the memory is there. What it was the first half of is left to the second: an error
 * comes from there.
 *
 * @return what the call gets, or the same verdict when there is a second half
 */
static struct broker_answer in_pieces(const struct fence_listener *listener, const struct broker_answer *answer,
                                      struct broker_call *call) {
  const struct asking asking = {listener, call};
  const struct still_wanted wanted = {is_waiting, &asking};
  switch (answer->verdict) {
    case BROKER_DEFER_UNMAP:
      return result(memory_end_unmap(answer->memory, answer->fill));
    case BROKER_DEFER_SHRINK:
      if (memory_end_unmap(answer->memory, answer->fill) == 0)
        call->arguments[1] = answer->fill.low - (uint64_t)answer->result;
      return *answer;
    case BROKER_DEFER_REPLACE:
      memory_end_advise(answer->memory, answer->fill, MADV_DONTNEED, &wanted);
      return *answer;
    case BROKER_DEFER_UNLOCK:
      memory_end_advise(answer->memory, answer->fill, answer->advice, &wanted);
      return unchanged();
    default:
      return result(memory_end_advise(answer->memory, answer->fill, answer->advice, &wanted));
  }
}

/* @return the caller's memory, with the listener's lock, until leave_memory; or NULL: it or the host is gone */
static struct memory *enter_memory(const struct deferred_reply *reply) {
  if (!detached_workers_enter(reply->desk.workers)) return NULL;
  pthread_mutex_lock(&reply->listener->lock);
  if (reply->listener->memory != NULL) return reply->listener->memory;
  pthread_mutex_unlock(&reply->listener->lock);
  detached_workers_exit(reply->desk.workers);
  return NULL;
}

static void leave_memory(const struct deferred_reply *reply) {
  pthread_mutex_unlock(&reply->listener->lock);
  detached_workers_exit(reply->desk.workers);
}

/* Nobody waits for what is filled for a caller that has died. @return 0 or a negative errno */
static int judge_piece(const struct deferred_reply *reply, struct address_range piece) {
  struct memory *memory = enter_memory(reply);
  if (memory == NULL) return -EINTR;
  const int judged = !target_is_waiting(&reply->copy, &reply->call) ? -EINTR : memory_owns(memory, piece) ? 0 : -ENOMEM;
  leave_memory(reply);
  return judged;
}

/* @return 0 or a negative errno, also when another thread has unmapped the memory meanwhile */
static int populate(const struct deferred_reply *reply, struct address_range range, int advice) {
  struct pieces pieces = filled_pieces(range);
  struct address_range piece;
  while (pieces_next(&pieces, &piece)) {
    const int judged = judge_piece(reply, piece);
    if (judged) return judged;
    if (madvise((void *)piece.low, range_size(piece), advice) != 0 && errno != EINTR && errno != EAGAIN) return -errno;
  }
  return 0;
}

static bool copy_first(const struct mapping *mapping, void *copy) {
  *(struct mapping *)copy = *mapping;
  return false;
}

/* @return whether there is a mapping in it: the first */
static bool find_first(const struct deferred_reply *reply, struct address_range range, struct mapping *found) {
  found->range = (struct address_range){0, 0};
  if (enter_memory(reply) == NULL) return false;
  address_space_visit(reply->desk.host->space, range, copy_first, found);
  leave_memory(reply);
  return range_size(found->range) > 0;
}

/* As mlock does it: what is private as if it were written to. The mlock that follows says what cannot be had. */
static void populate_for_lock(const struct deferred_reply *reply, struct address_range range) {
  struct mapping found;
  for (int failed = 0; !failed && range_size(range) > 0 && find_first(reply, range, &found);) {
    if (found.range.low > range.low) return; /* a hole: so far the kernel would come, too */
    struct address_range part = found.range;
    if (part.low < range.low) part.low = range.low;
    if (part.high > range.high) part.high = range.high;
    const int advice = found.writable && !found.shared ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
    if (found.readable || found.writable) failed = populate(reply, part, advice);
    range.low = part.high;
  }
}

/* As with mmap itself, pages that cannot be had are no error; nor is memory that another thread has unmapped. */
static void fill(const struct deferred_reply *reply, struct broker_answer *answer) {
  if (answer->verdict == BROKER_DEFER_LOCK) {
    populate_for_lock(reply, answer->fill);
    *answer = unchanged();
  } else if (range_size(answer->fill) > 0) {
    const int failed = populate(reply, answer->fill, answer->fill_advice);
    if (answer->verdict == BROKER_DEFER_POPULATE) answer->result = failed;
  }
}

static void answer_again(const struct deferred_reply *reply, struct broker_answer *answer) {
  *answer = result(-ENOMEM);
  if (enter_memory(reply) == NULL) return;
  if (target_is_waiting(&reply->copy, &reply->call)) *answer = broker_answer_again(reply->listener, &reply->call);
  leave_memory(reply);
}

/* The file was opened anew, which may have taken long. */
static void map(struct deferred_reply *reply, struct broker_answer *answer) {
  const int file = target_reopen(reply->call.tid, (int)reply->call.arguments[4], (int)reply->call.arguments[3]);
  *answer = result(file < 0 ? file : -ENOMEM);
  if (file < 0) return;
  if (enter_memory(reply) != NULL) {
    *answer = broker_answer_map(reply->listener, &reply->call, file);
    leave_memory(reply);
  }
  answer->close_copy = true;
  answer->copy = file;
}

static int give(const struct deferred_reply *reply, uint64_t at, const void *bytes, size_t size) {
  return target_answer(&reply->check, &reply->copy, &reply->call, at, bytes, size);
}

static int begin_aio(const struct deferred_reply *reply, uint64_t *aio) {
  struct memory *memory = enter_memory(reply);
  if (memory == NULL) return -ENOMEM;
  const int failed = memory_open_aio(memory, (unsigned)reply->call.arguments[0], aio);
  leave_memory(reply);
  return failed;
}

static void end_aio(const struct deferred_reply *reply, uint64_t aio) {
  struct memory *memory = enter_memory(reply);
  if (memory == NULL) return;                                       /* it has ended all of its contexts */
  if (memory_forget_aio(memory, aio)) syscall(SYS_io_destroy, aio); /* nothing is under way in it */
  leave_memory(reply);
}

/* A context belongs to the address space, so it is made here, and known. */
static int open_aio(const struct deferred_reply *reply) {
  const uint64_t at = reply->call.arguments[1];
  uint64_t aio = 0;
  if (target_read(&reply->check, &reply->copy, &reply->call, at, &aio, sizeof aio) != sizeof aio) return -EFAULT;
  if (aio != 0) return -EINVAL;
  int failed = begin_aio(reply, &aio);
  if (failed) return failed;
  failed = give(reply, at, &aio, sizeof aio);
  if (failed) end_aio(reply, aio);
  return failed;
}

/* What a limit is taken from, and given to: prlimit64's third and fourth argument, or the only one. */
static void find_limits(const struct broker_call *call, int *resource, uint64_t *wanted, uint64_t *old) {
  const uint64_t *a = call->arguments;
  *resource = (int)(call->number == __NR_prlimit64 ? a[1] : a[0]);
  *wanted = call->number == __NR_prlimit64 ? a[2] : call->number == __NR_setrlimit ? a[1] : 0;
  *old = call->number == __NR_prlimit64 ? a[3] : call->number == __NR_getrlimit ? a[1] : 0;
}

static int change_limit(const struct deferred_reply *reply, int resource, const struct tproc_limit *wanted,
                        struct tproc_limit *old) {
  struct memory *memory = enter_memory(reply);
  if (memory == NULL) return -ENOMEM;
  *old = memory_limit(memory, resource);
  const bool may_raise = wanted != NULL && wanted->hard > old->hard && target_may_raise_limits(reply->call.tid);
  const int failed = wanted != NULL ? memory_set_limit(memory, resource, wanted, may_raise) : 0;
  leave_memory(reply);
  return failed;
}

static int get_and_set_limit(const struct deferred_reply *reply) {
  int resource;
  uint64_t from, to;
  struct tproc_limit wanted, old;
  find_limits(&reply->call, &resource, &from, &to);
  if (from != 0 &&
      target_read(&reply->check, &reply->copy, &reply->call, from, &wanted, sizeof wanted) != sizeof wanted)
    return -EFAULT;
  const int failed = change_limit(reply, resource, from != 0 ? &wanted : NULL, &old);
  return failed || to == 0 ? failed : give(reply, to, &old, sizeof old);
}

static void pause_briefly(void) { nanosleep(&(struct timespec){.tv_nsec = PAUSE_NANOSECONDS}, NULL); }

/* For a question that has to find no text of this execve any more. */
static void await_text(struct deferred_reply *reply) {
  for (unsigned tries = 0; reply->call.awaits != 0 && tries < TURN_TRIES_MAX; tries++) {
    if (tries > 0) pause_briefly();
    if (!detached_workers_enter(reply->desk.workers)) return;
    if (!proc_self_exe_has_turn(reply->listener, reply->call.awaits)) reply->call.awaits = 0;
    detached_workers_exit(reply->desk.workers);
  }
}

/*
 * Of several threads that execute one text each waits for its turn, since each has another descriptor's number. A fork
 * child's text is mostly its own: it has a turn if it can, so that what it asks after an execve in vain finds the text.
 */
static bool await_turn(struct deferred_reply *reply) {
  const unsigned tries_max = reply->call.shares ? TURN_TRIES_MAX : 1;
  for (unsigned tries = 0; !reply->has_turn && tries < tries_max; tries++) {
    if (tries > 0) pause_briefly();
    if (!detached_workers_enter(reply->desk.workers)) break;
    reply->has_turn = proc_self_exe_begin_turn(reply->listener, &reply->call);
    detached_workers_exit(reply->desk.workers);
  }
  return reply->has_turn;
}

static void execute(struct deferred_reply *reply, struct broker_answer *answer) {
  if (!await_turn(reply) && reply->call.shares) {
    *answer = result(-EAGAIN);
    return;
  }
  int failed = proc_self_exe_prepare(&reply->check, &reply->copy, &reply->call, &reply->text);
  const int descriptor = failed ? failed : proc_self_exe_give(&reply->copy, &reply->call);
  failed = descriptor < 0 ? descriptor : 0;
  if (!failed) failed = proc_self_exe_patch(&reply->check, &reply->copy, &reply->call, descriptor, &reply->text);
  if (failed) proc_self_exe_forget(&reply->text);
  *answer = failed ? result(failed) : unchanged();
}

/* An execve first of all reads its path. That it has is seen by what becomes of the caller. */
static bool is_read(struct deferred_reply *reply) {
  const struct broker_call *call = &reply->call;
  if (call->shares ? target_has_left_memory(&reply->check, call->tid) : process_clone_is_over(call->tid)) return true;
  if (!detached_workers_enter(reply->desk.workers)) return true;
  const bool read = reply->has_turn && proc_self_exe_is_read(reply->listener, call);
  detached_workers_exit(reply->desk.workers);
  return read;
}

/* No lock is held while the text is looked at and put back: it may lie in a file, and others wait for the locks. */
static void restore(struct deferred_reply *reply) {
  for (unsigned tries = 0; reply->text.size > 0 && tries < READ_TRIES_MAX && !is_read(reply); tries++) pause_briefly();
  if (!detached_workers_are_leaving(reply->desk.workers))
    proc_self_exe_put_back(&reply->check, &reply->call, &reply->text);
  proc_self_exe_forget(&reply->text);
  if (!reply->has_turn || !detached_workers_enter(reply->desk.workers)) return;
  proc_self_exe_end_turn(reply->listener, &reply->call);
  detached_workers_exit(reply->desk.workers);
}

/* @return whose; NULL: it is traced already, or cannot be any more. Else it stays until end_tracing */
static void *begin_tracing(const struct deferred_reply *reply, broker_trace **trace) {
  struct fence_listener *listener = reply->listener;
  const struct memory *memory = enter_memory(reply);
  if (memory == NULL) return NULL;
  const bool begins = !listener->timer_seen && !listener->process_gone;
  listener->timer_seen = true;
  listener->tracing_begins |= begins;
  *trace = reply->desk.host->trace;
  void *threadproc = memory->owner.threadproc;
  leave_memory(reply);
  return begins ? threadproc : NULL;
}

/* The listener is still there: its threadproc's exit has not been collected meanwhile, so the host is open. */
static void end_tracing(struct fence_listener *listener) {
  pthread_mutex_lock(&listener->lock);
  listener->tracing_begins = false;
  pthread_cond_broadcast(&listener->tracing_has_begun);
  pthread_mutex_unlock(&listener->lock);
}

/* Another thread's timer that is set in the same moment does not wait for it. */
static void trace(const struct deferred_reply *reply) {
  broker_trace *trace_it;
  if (!interval_timer_repeats(&reply->check, &reply->copy, &reply->call)) return;
  void *threadproc = begin_tracing(reply, &trace_it);
  if (threadproc == NULL) return;
  trace_it(threadproc);
  end_tracing(reply->listener);
}

static void fetch(struct deferred_reply *reply, struct broker_answer *answer) {
  switch (answer->verdict) {
    case BROKER_DEFER_MAP:
      map(reply, answer);
      break;
    case BROKER_DEFER_STORE:
      *answer = result(give(reply, answer->stored_at, &answer->stored, sizeof answer->stored));
      break;
    case BROKER_DEFER_TRACE:
      trace(reply);
      *answer = unchanged();
      break;
    case BROKER_DEFER_AUXV:
      *answer = result(proc_view_get_auxv(&reply->check, &reply->copy, &reply->call));
      break;
    case BROKER_DEFER_LIMIT:
      *answer = result(get_and_set_limit(reply));
      break;
    case BROKER_DEFER_AIO:
      *answer = result(open_aio(reply));
      break;
    case BROKER_DEFER_UNMAP:
    case BROKER_DEFER_ADVISE:
    case BROKER_DEFER_UNLOCK:
      *answer = in_pieces(&reply->copy, answer, &reply->call);
      break;
    case BROKER_DEFER_SHRINK:
    case BROKER_DEFER_REPLACE:
      *answer = in_pieces(&reply->copy, answer, &reply->call);
      answer_again(reply, answer);
      break;
    case BROKER_DEFER_PATH:
      await_text(reply);
      *answer = proc_self_exe_run(&reply->check, &reply->copy, &reply->call);
      if (answer->verdict == BROKER_DEFER_EXECUTE) execute(reply, answer);
      break;
    default:
      break;
  }
  if (answer->close_copy) close(answer->copy);
  fill(reply, answer);
  if (broker_defers(answer)) answer->verdict = BROKER_RETURN;
}

static void run(struct detached_work *work) {
  struct deferred_reply *reply = (struct deferred_reply *)work;
  struct broker_answer answer = reply->answer;
  fetch(reply, &answer);
  const int failed = reply_send(reply->copy.notify_fd, reply->call.id, &answer);
  if (reply->has_turn || reply->text.size > 0) restore(reply);
  if (detached_workers_enter(reply->desk.workers)) {
    reply->desk.done(reply->desk.context, reply->listener, failed);
    detached_workers_exit(reply->desk.workers);
  }
  free(reply);
}

static struct broker_answer change_at_once(struct fence_listener *listener, const struct broker_call *call,
                                           const struct broker_answer *answer) {
  struct broker_call changed = *call;
  struct broker_answer instead = in_pieces(listener, answer, &changed);
  if (!is_change(&instead)) return instead;
  pthread_mutex_lock(&listener->lock);
  instead = result(-ENOMEM);
  if (listener->memory != NULL && target_is_waiting(listener, call)) instead = broker_answer_again(listener, &changed);
  pthread_mutex_unlock(&listener->lock);
  if (broker_defers(&instead)) instead = result(instead.result);
  return instead;
}

/* Without memory for it: filled or not, the memory is there; and a file system that hangs keeps all waiting. */
static void answer_at_once(struct deferred_replies *desk, struct fence_listener *listener,
                           const struct broker_call *call, const struct broker_answer *answer) {
  struct broker_answer instead = result(-EAGAIN);
  if (is_change(answer)) instead = change_at_once(listener, call, answer);
  if (answer->verdict == BROKER_DEFER_FILL || answer->verdict == BROKER_DEFER_CLOSE) instead = result(answer->result);
  if (answer->verdict == BROKER_DEFER_POPULATE || answer->verdict == BROKER_DEFER_LOCK ||
      answer->verdict == BROKER_DEFER_TRACE)
    instead = unchanged();
  if (answer->close_copy) close(answer->copy);
  const int failed = reply_send(listener->notify_fd, call->id, &instead);
  desk->done(desk->context, listener, failed);
}

void deferred_reply_run(struct deferred_replies *desk, struct fence_listener *listener, const struct broker_call *call,
                        const struct broker_answer *answer) {
  struct deferred_reply *reply = malloc(sizeof *reply);
  if (reply == NULL) {
    answer_at_once(desk, listener, call, answer);
    return;
  }
  *reply = (struct deferred_reply){.work = {.run = run, .origin = listener},
                                   .desk = *desk,
                                   .listener = listener,
                                   .copy = {.notify_fd = listener->notify_fd,
                                            .pid = listener->pid,
                                            .process = listener->process,
                                            .executable_file = listener->executable_file,
                                            .texts = listener->texts},
                                   .check = {.has_kcmp = desk->host->check.has_kcmp,
                                             .marker = call->id,
                                             .own_memory = desk->host->check.own_memory,
                                             .own_pages = -1},
                                   .call = *call,
                                   .answer = *answer,
                                   .text = {.memory = -1}};
  memcpy(reply->copy.executable, listener->executable, sizeof reply->copy.executable);
  if (!is_change(answer)) {
    detached_workers_submit(desk->workers, &reply->work);
    return;
  }
  reply->work.origin = reply; /* whoever releases the memory waits for it: it must not wait behind what hangs */
  if (detached_workers_begin(desk->workers, &reply->work)) return;
  free(reply);
  answer_at_once(desk, listener, call, answer);
}

struct closing {
  struct detached_work work;
  int descriptor;
};

static void run_close(struct detached_work *work) {
  const struct closing *closing = (struct closing *)work;
  close(closing->descriptor);
  free(work);
}

void deferred_close(struct deferred_replies *desk, const struct fence_listener *listener, int descriptor) {
  struct closing *closing = malloc(sizeof *closing);
  if (closing == NULL) {
    close(descriptor);
    return;
  }
  *closing = (struct closing){{.run = run_close, .origin = listener}, descriptor};
  detached_workers_submit(desk->workers, &closing->work);
}

bool deferred_close_is_late(const struct deferred_replies *desk, const struct fence_listener *listener) {
  return detached_workers_count(desk->workers, listener) >= CLOSES_OF_ONE;
}
