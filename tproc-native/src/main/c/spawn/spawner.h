/*
 * The host's own thread, which makes every clone.
 *
 * A threadproc asks the kernel to be killed when its creator ends, and for the kernel the creator is a *thread*. So the
 * threads that call launch cannot clone themselves: this one lives as long as the host. It blocks every signal, so that
 * a new process starts with all of them blocked too.
 */
#ifndef TPROC_SPAWNER_H
#define TPROC_SPAWNER_H

#include <pthread.h>
#include <stdbool.h>

#include "spawn/clone.h"
#include "tproc_core.h"

struct spawn_order;

struct spawner {
  pthread_t thread;
  pthread_mutex_t lock; /**< guards the queue, not held during a clone; no other lock is taken under it */
  pthread_cond_t changed;
  struct spawn_order *first; /**< orders not yet taken, oldest first */
  struct spawn_order **last;
  bool stopping;
};

int spawner_start(struct spawner *spawner, struct tproc_error *error);

/** No spawner_clone may be under way. Every process it has cloned and that still runs is killed by the kernel. */
void spawner_stop(struct spawner *spawner);

/** clone_process on the host's thread; waits for its answer. */
pid_t spawner_clone(struct spawner *spawner, const struct clone_request *request, int *pidfd);

#endif
