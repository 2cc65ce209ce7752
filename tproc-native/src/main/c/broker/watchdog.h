/*
 * Watches over the broker: when one call has not been answered for a second, that is told by name. It costs the broker
 * a few stores for each call.
 */
#ifndef TPROC_WATCHDOG_H
#define TPROC_WATCHDOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tproc_core.h"

/** How long an answer may take. */
#define WATCHDOG_MILLISECONDS 1000

/** What the broker does. */
struct watched {
  int number;       /**< of the system call; -1: none, it marks the host's memory */
  pid_t tid;        /**< the calling thread */
  pid_t threadproc; /**< whose fence it came through */
};

/** On the watchdog's thread: once when a call is late, and once when it has been answered after all. */
typedef void watchdog_report(void *context, const struct tproc_error *error);

struct watchdog {
  pthread_t thread;
  pthread_mutex_t lock; /**< guards `stopping`; no other lock is taken under it */
  pthread_cond_t changed;
  bool stopping;
  bool awake;             /**< atomic: it looks; asleep it has to be woken by the next call */
  uint64_t round;         /**< atomic: odd while something is done */
  struct watched current; /**< each member atomic: what is done in an odd round */
  watchdog_report *report;
  void *context; /**< for `report` */
};

int watchdog_open(struct watchdog *watchdog, watchdog_report *report, void *context, struct tproc_error *error);

/** Of one that was opened. */
void watchdog_close(struct watchdog *watchdog);

/** By the broker's thread, around each thing that it does. */
void watchdog_begin(struct watchdog *watchdog, struct watched what);
void watchdog_end(struct watchdog *watchdog);

#endif
