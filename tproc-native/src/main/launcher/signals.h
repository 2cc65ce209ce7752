/* The launcher's own signals: all are blocked from its first instruction on, and read one by one. */
#ifndef TPROC_LAUNCHER_SIGNALS_H
#define TPROC_LAUNCHER_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/signalfd.h>

#define SIGNAL_COUNT 64

static inline uint64_t signal_bit(int number) { return UINT64_C(1) << (number - 1); }

/** Signals whose default action is not the end of the process. */
#define SIGNALS_NOT_ENDING                                                                                       \
  (signal_bit(SIGCHLD) | signal_bit(SIGCONT) | signal_bit(SIGURG) | signal_bit(SIGWINCH) | signal_bit(SIGSTOP) | \
   signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU))

/** Blocks every signal, and returns those that were blocked before. */
uint64_t signals_block(void);

/** A descriptor that is readable when one of `signals` has come, or a negative errno. */
int signals_open(uint64_t signals);

/** Changes which. */
void signals_choose(int descriptor, uint64_t signals);

/** The next signal that has come, if there is one. */
bool signals_take(int descriptor, struct signalfd_siginfo *taken);

/** Takes those of `signals` that have come, and forgets them. */
void signals_discard(uint64_t signals);

/** Of `signals` those that have come and have not been taken. */
uint64_t signals_pending(uint64_t signals);

/**
 * Waiting for a host that may hang. What has been sent to the launcher stays pending until there is a program to pass
 * it on to; but a signal that would have ended a program started here ends the wait two seconds later.
 */
struct patience {
  int descriptor;   /**< of signals_open for `ending` */
  uint64_t ending;  /**< those that end the wait: neither ignored nor blocked by the caller */
  int64_t deadline; /**< in sys_milliseconds; 0: nothing has come yet */
};

/** @return 0 or a negative errno */
int patience_start(struct patience *patience, uint64_t ignored, uint64_t blocked);

/**
 * Waits until `descriptor` has one of `events`, or for a time.
 *
 * @param descriptor -1: only the time
 * @param milliseconds -1: without end
 * @return the events, 0 when the time is up; or -ECANCELED: a signal has ended the wait
 */
int patience_poll(struct patience *patience, int descriptor, short events, long milliseconds);

/** The signal that has ended the wait. */
int patience_signal(const struct patience *patience);

#endif
