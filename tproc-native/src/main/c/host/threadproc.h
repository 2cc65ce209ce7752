/* One threadproc: its process, its slot, and where both are in their lives. */
#ifndef TPROC_THREADPROC_H
#define TPROC_THREADPROC_H

#include <pthread.h>
#include <stdbool.h>

#include "broker/fence.h"
#include "broker/fence_listener.h"
#include "host/launch_info.h"
#include "memory/memory.h"
#include "shared/view.h"
#include "spawn/child.h"
#include "spawn/tracer.h"
#include "tproc_core.h"

struct tproc_threadproc {
  struct tproc_host *host;
  struct tproc_threadproc *previous, *next; /**< the host's list; under the host's lock */
  unsigned pins;                            /**< threads that look at it right now; under the host's lock */
  bool leaving;                             /**< about to leave the list; under the host's lock */
  bool in_vain;                             /**< its release has been awaited in vain; under the host's lock */
  struct launch_info info;
  pid_t pid;
  void *context;        /**< the watcher's */
  pthread_mutex_t lock; /**< guards pidfd and collected while a signal is sent; then the listener's or the tracer's */
  int pidfd;            /**< in the table of the host's threads; -1 once the exit has been collected */
  bool collected;
  bool reaped;          /**< it has no part in the shared range any more; under the lock */
  bool held;            /**< it has ended, but a debugger is to see that first; of the executor's thread */
  struct memory memory; /**< slot and all else; readable until the threadproc is closed */
  struct address_range stack;
  struct tproc_account_of_launch account; /**< how much it and its forked children may own of the shared heap */
  struct fence_listener *listener;        /**< to the broker; NULL before the start */
  struct tracer *tracer;                  /**< NULL: it is not traced, or its exit has been collected; under the lock */
  bool reports_crash;                     /**< what the tracer sees is told; under the lock */
  bool spilled;                           /**< it was started as an ordinary process (TPROC_LAUNCH_SPILL) */
  bool crashed;                           /**< under the lock, as the next */
  struct tproc_crash crash;               /**< when it has crashed */
  struct fence fence;                     /**< the filter, as the child installs it */
  struct child_plan plan; /**< the kernel writes to plan.state at the process's end: freed only after the collection */
};

/**
 * Collects the exit if the process has ended. On a thread of the host's.
 *
 * @param wait whether to wait for the end
 * @return 0 and *exit; -EAGAIN when it still runs (only without wait); or another negative errno
 */
int threadproc_collect(struct tproc_threadproc *threadproc, bool wait, struct tproc_exit *exit,
                       struct tproc_error *error);

/** Traces it, so that tproc_threadproc_crash knows where it has crashed. On a thread of the host's. */
int threadproc_trace(struct tproc_threadproc *threadproc, struct tproc_error *error);

/**
 * A broker_trace: traces it where that can be had, so that signals interrupt none of its calls to the host. Not one
 * that was held before its first instruction: that is for a debugger, which could not attach.
 */
void threadproc_keep_calls(void *threadproc);

/** Whether its process has ended, be its exit collected or not. On a thread of the host's. */
bool threadproc_has_ended(struct tproc_threadproc *threadproc);

/** What a mapping of its is called: a file's path, "[heap]", "[stack]", or "". */
const char *threadproc_purpose_of(const struct tproc_threadproc *threadproc, const struct mapping *mapping);

enum threadproc_news {
  THREADPROC_NO_NEWS,
  THREADPROC_STOPPED,
  THREADPROC_CONTINUED,
  THREADPROC_HELD /**< stopped by threadproc_hold; of one that is not traced, that is THREADPROC_STOPPED */
};

/**
 * Its next stop or continuation, each of which is told once. On a thread of the host's, the one that collects its exit.
 *
 * @param signal what has stopped it
 */
enum threadproc_news threadproc_next_news(struct tproc_threadproc *threadproc, int *signal);

/** tproc_threadproc_signal, on a thread of the host's. */
int threadproc_signal(struct tproc_threadproc *threadproc, int signal, struct tproc_error *error);

/** Stops it by SIGSTOP, which is not to be mistaken for others' doing. As threadproc_next_news. */
void threadproc_hold(struct tproc_threadproc *threadproc);

/** Frees everything of a collected threadproc that is in no list any more. */
void threadproc_free(struct tproc_threadproc *threadproc);

#endif
