/*
 * The host's own thread, which makes every clone.
 *
 * A threadproc asks the kernel to be killed when its creator ends, and for the kernel the creator is a *thread*. So the
 * threads that call launch cannot clone themselves: this one lives as long as the host. It blocks every signal, so that
 * a new process starts with all of them blocked too.
 *
 * A new process also begins with its creator's descriptor table. This thread's own is all but empty, so that a process
 * has nothing to close that is not its own: closing may wait for a file system. What the process is to have is sent to
 * it through a socket (child.h); its pidfd and its fence's listener, which come to be in this table, are sent back.
 */
#ifndef TPROC_SPAWNER_H
#define TPROC_SPAWNER_H

#include <pthread.h>

#include "base/executor.h"
#include "spawn/clone.h"
#include "tproc_core.h"

struct spawner {
  struct executor executor;
  pthread_mutex_t lock; /**< held while something is under way from `link` to `own_link`; then the executor's */
  int link;             /**< in the table of those who ask */
  int own_link;         /**< in the spawner's own */
  pid_t tid;            /**< of its thread, from which a new process has what it inherits */
};

/** One process on its way, for the thread that launches it. */
struct spawning {
  int socket;     /**< the launching thread's end */
  int new_socket; /**< for the new process; -1 once the spawner has it */
  int own_socket; /**< that, in the spawner's table, and so at first in the new process's; -1: none */
  int own_pidfd;  /**< in the spawner's table; -1: none */
};

/** On a thread whose table is that of all who will ask. */
int spawner_start(struct spawner *spawner, struct tproc_error *error);

/** No spawning may be open. Every process it has cloned and that still runs is killed by the kernel. */
void spawner_stop(struct spawner *spawner);

/** Sends the descriptors that the new process is to receive. @return 0 or a negative errno, and nothing is open */
int spawning_open(struct spawning *spawning, const int *descriptors, size_t count);

/**
 * clone_process on the host's thread. The new process finds its socket's number in spawning->own_socket.
 *
 * @param pidfd a descriptor for the caller, who closes it
 * @return the pid, or a negative errno: then there is no process
 */
pid_t spawning_clone(struct spawner *spawner, struct spawning *spawning, const struct clone_request *request,
                     int *pidfd);

/**
 * When the process has received its descriptors, or is gone.
 *
 * @param left a descriptor that the process has put into the table that it shared; -1: none
 * @param copy a descriptor of the same for the caller; -1: there was none
 */
int spawning_close(struct spawner *spawner, struct spawning *spawning, int left, int *copy);

#endif
