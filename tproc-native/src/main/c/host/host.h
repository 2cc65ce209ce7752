/* The host: what all its threadprocs share. */
#ifndef TPROC_HOST_H
#define TPROC_HOST_H

#include <pthread.h>
#include <time.h>

#include "base/executor.h"
#include "base/gate.h"
#include "broker/broker.h"
#include "host/descendants.h"
#include "host/prepared_pool.h"
#include "loader/host_auxv.h"
#include "memory/address_space.h"
#include "memory/slot.h"
#include "share/host_heap.h"
#include "share/host_waits.h"
#include "share/huge_pages.h"
#include "share/range.h"
#include "shared/waiting.h"
#include "spawn/spawner.h"
#include "tproc_core.h"

/** Threadprocs that are giving back what they had. One of them may hang: it is waited for once, not at each launch. */
struct releasing {
  unsigned count;
  unsigned in_vain; /**< how many of them have been waited for to no end, and are not again; at most `count` */
};

struct tproc_host {
  pthread_mutex_t lock;           /**< guards the list and the pins; no other lock is taken under it */
  pthread_cond_t unpinned;        /**< a threadproc of the list is not looked at any more */
  pthread_cond_t released;        /**< a threadproc has given back what it had; CLOCK_MONOTONIC */
  struct releasing releasing;     /**< those that are leaving the list, or have left it and not given back all */
  struct releasing releasing_low; /**< of these, those that have had memory below the slots */
  unsigned releases;              /**< how many have given back all, ever */
  struct tproc_threadproc *first; /**< every threadproc that has not been closed */
  struct slot_space slots;
  struct address_space space;
  /**
   * The thread whose descriptor table the host's threads share, all but the spawner: it starts them, and does what
   * others want done there. So all descriptors of programs and of clients are in that table, and none in the process's.
   */
  struct executor executor;
  struct spawner spawner;
  struct broker broker;
  struct host_auxv auxv;
  void *scratch;
  struct shared_range range;
  struct tproc_error no_range; /**< why there is none; its code is 0 when there is */
  struct host_heap heap;
  struct huge_pages huge_pages;
  struct host_waits waits;
  struct descendants descendants;
  struct prepared_pool prepared;
  _Atomic uint32_t token; /**< with which the host locks, sends and receives; 0: it has not yet */
  unsigned held;          /**< how many have ended and are held by a debugger; atomic */
  int exits;              /**< epoll set: the pidfds of watched threadprocs, and `wake`; in both tables */
  int wake;               /**< eventfd, semaphore; in both tables */
  struct gate door_gate;  /**< closed by who sends through `door`, open when `own_door` has it all, or nothing */
  int door;               /**< a socket in the process's table */
  int own_door;           /**< in the host's */
};

/** Whether the host has a shared range. @return 0; -ENOTSUP, and why not */
int host_check_range(const struct tproc_host *host, struct tproc_error *error);

/** The token with which all threads of the host lock, send and receive; taken once. @return 0; -EAGAIN */
int host_token(struct tproc_host *host, struct tproc_waiter *waiter, struct tproc_error *error);

/** Puts a threadproc into the host's list, which owns it from then on. */
void host_remember(struct tproc_host *host, struct tproc_threadproc *threadproc);

/** Writes "threadproc PID (NAME)" for the owner of an address. @return false, and nothing written, when it has none */
bool host_describe_owner(struct tproc_host *host, uint64_t address, char *text, size_t size);

/** The pid of one that may have been freed; 0 when it is not in the list any more. */
pid_t host_pid_of(struct tproc_host *host, const struct tproc_threadproc *threadproc);

/**
 * Takes it out of the list, as soon as no thread looks at it any more.
 *
 * @return whether it has memory below the slots, for host_note_release
 */
bool host_forget(struct tproc_host *host, struct tproc_threadproc *threadproc);

/** To be called when a threadproc that was forgotten has been freed. */
void host_note_release(struct tproc_host *host, bool low);

/**
 * Waits until what programs have had below the slots is given back, as far as that comes without anybody's doing, two
 * seconds at most: the next program may want the same addresses, as a sanitizer's shadow has. What has not come by then
 * is not waited for again, nor what has just come to it.
 */
void host_await_low_releases(struct tproc_host *host);

/** Whether host_await_low_releases would wait now. */
bool host_gives_low_back(struct tproc_host *host);

/** How many have been released until now: for host_await_release. */
unsigned host_releases(struct tproc_host *host);

/**
 * Whether what is at an address is about to be given back, without anybody's doing: its threadproc is being released,
 * or has ended and was a client's; and nobody has waited for that in vain.
 */
bool host_gives_back(struct tproc_host *host, uint64_t address);

/**
 * What is being given back now, or will be without anybody's doing, has been waited for in vain: also what began to be
 * while somebody waited, who does not tell them apart.
 */
void host_note_wait_in_vain(struct tproc_host *host);

/** Waits until another one has been released. @return false when `until` (CLOCK_MONOTONIC) came first */
bool host_await_release(struct tproc_host *host, unsigned releases, const struct timespec *until);

/**
 * The threadproc after `previous` in the list (NULL: the first, which is the youngest), and lets go of `previous`. It
 * stays in the list, and so is not freed, until it is let go of, by the next call or by host_unpin.
 *
 * @return NULL at the end of the list
 */
struct tproc_threadproc *host_pin_next(struct tproc_host *host, struct tproc_threadproc *previous);

/** The youngest with a pid: an older one of the same pid has ended. NULL: there is none. To be let go of as above. */
struct tproc_threadproc *host_pin(struct tproc_host *host, pid_t pid);

void host_unpin(struct tproc_host *host, struct tproc_threadproc *threadproc);

#endif
