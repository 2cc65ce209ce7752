/* One threadproc's fence as the broker sees it: where its calls arrive, and what the broker needs to answer them. */
#ifndef TPROC_FENCE_LISTENER_H
#define TPROC_FENCE_LISTENER_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/process_texts.h"
#include "memory/memory.h"
#include "tproc_core.h"

/** Whose "/proc/self/exe" is overwritten for an execve. */
struct executed_turn {
  uint64_t address; /**< of the text; 0: none is */
  pid_t by;         /**< the thread that executes it, ... */
  uint64_t id;      /**< ... in this call, ... */
  bool is_read;     /**< ... which is over: the thread asks again */
};

/**
 * Outlives its threadproc while descendants that inherited the fence live: their calls still arrive here and are passed
 * on to the kernel. Freed when the last of them is gone and the threadproc is detached.
 */
struct fence_listener {
  int notify_fd;        /**< seccomp notification descriptor */
  pthread_mutex_t lock; /**< held while a request is answered, and to detach; then the memory's lock */
  pid_t pid;            /**< the threadproc's */
  int process;          /**< the threadproc's pidfd */
  int death_signal;     /**< what the threadproc believes to get when its host ends; in truth it is SIGKILL */
  bool undumpable;      /**< what the threadproc has set; in truth that would be the host, too */
  bool process_gone;    /**< its exit has been collected, or is about to be */
  bool timer_seen;      /**< it has set one that repeats: it is traced, is about to be, or cannot be */
  bool tracing_begins;  /**< a deferred reply has it traced: its exit is not collected before that is over */
  pthread_cond_t tracing_has_begun;
  int stopped_itself;        /**< by a SIGTSTP, for which it got a SIGSTOP: broker_stopped_itself */
  bool stay;                 /**< it may not exec another program */
  enum tproc_exec exec;      /**< what has come of its own execve */
  bool exec_told;            /**< as news */
  struct memory *memory;     /**< the threadproc's; NULL once detached */
  bool hung_up;              /**< no process has this fence any more; with memory NULL the listener is unused */
  unsigned deferred_replies; /**< under way for calls of this listener, which have to find it as it is */
  int unanswered;            /**< negative errno with which one of these could not be sent */
  char executable[PATH_MAX]; /**< what /proc/self/exe means: its path, ... */
  int executable_file; /**< ... and the file itself, also when it has been deleted (O_PATH: closing cannot wait) */
  struct process_texts texts;             /**< what it was started with */
  struct executed_turn turns[2];          /**< in the host's memory, and in copies of it */
  struct fence_listener *previous, *next; /**< the broker's list */
};

#endif
