/*
 * Forked children of threadprocs take part in the shared range, too, and are no children of the host's. One thread
 * sees that they come, because libtproc rings the range's bell; another that they end, by their pidfds. Then what they
 * had is put right, as it is for threadprocs: locks, names, ends of channels. Their blocks are freed at once.
 */
#ifndef TPROC_DESCENDANTS_H
#define TPROC_DESCENDANTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tproc_core.h"

struct descendant;
struct watched_process;

struct descendants {
  struct tproc_host *host; /**< NULL: there is no shared range, or it is not started */
  pthread_t watcher, undertaker;
  int ends; /**< epoll set: a pidfd of each, and `wake`; they are in the table of both threads */
  int wake; /**< eventfd, for the undertaker's end */
  _Atomic bool stopping;
  uint64_t pid_namespace;  /**< the host's */
  struct descendant *seen; /**< the watcher's: what it knows of the owner with each number */
  uint32_t capacity;
  pthread_mutex_t lock;          /**< guards the list; no other lock is taken under it */
  struct watched_process *first; /**< those whose end the undertaker waits for */
};

/** In the host's descriptor table. @return 0 or a negative errno */
int descendants_start(struct descendants *descendants, struct tproc_host *host, struct tproc_error *error);

/** In the same table. Those that live go on, and nothing they have comes free any more. */
void descendants_stop(struct descendants *descendants);

#endif
