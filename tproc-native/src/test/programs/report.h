/*
 * What the test programs tell the tests. They are given an address of the test's memory and write to it: host and
 * threadproc share one address space. Pointers in here stay readable until the threadproc is closed.
 */
#ifndef TPROC_TEST_REPORT_H
#define TPROC_TEST_REPORT_H

#include <stdint.h>

/** One open descriptor. */
struct descriptor_report {
  int32_t number;
  int32_t flags; /**< F_GETFD */
  uint64_t device, inode;
};

/** Entries of state_report.descriptors, limits and cpus. */
enum { DESCRIPTORS_REPORTED = 1100, LIMITS_REPORTED = 16, CPU_WORDS_REPORTED = 128 };

/** Written by `calls pulse`, which maps and unmaps memory until it is told to stop. */
struct pulse_report {
  uint32_t stop;
  uint32_t pause;               /**< nothing is asked while this is set */
  uint64_t beats;               /**< questions that the host's broker has answered */
  uint64_t slowest_nanoseconds; /**< of these */
  uint64_t failures;            /**< questions that were not answered with memory */
};

/** Written by `state`. */
struct state_report {
  uint32_t done; /**< 1 when everything else has been written */
  int32_t pid, parent, group, session;
  int32_t open_descriptors;                                   /**< how many */
  int32_t highest_descriptor;                                 /**< -1: none */
  struct descriptor_report descriptors[DESCRIPTORS_REPORTED]; /**< the open ones, in no order */
  uint64_t blocked_signals;
  uint64_t pending_signals;
  uint64_t changed_dispositions; /**< bit N-1: signal N is not at SIG_DFL */
  uint64_t ignored_signals;      /**< bit N-1: signal N is at SIG_IGN */
  int32_t terminal_session;      /**< of the terminal at 0, if it is this process's controlling terminal; else -1 */
  int32_t terminal_group;        /**< its foreground group, likewise */
  int32_t nice;
  int32_t policy, priority; /**< of scheduling */
  int32_t io_priority;      /**< or a negative errno */
  uint32_t personality;
  uint64_t cpus[CPU_WORDS_REPORTED]; /**< that it may run on */
  uint64_t soft_limits[LIMITS_REPORTED], hard_limits[LIMITS_REPORTED];
  int32_t umask;
  int32_t parent_death_signal;
  int32_t no_new_privileges;
  uint64_t floating_point_control; /**< x86_64: MXCSR and, above 32 bits, the x87 control word; aarch64: FPCR */
  char name[16];
  char directory[4096];
  uint64_t directory_inode;
  uint64_t argc;
  const char *const *argv;
  const char *const *envp;
  const uint64_t *auxv;
  uint64_t thread_pointer;
};

/** A word that `wait` sets to WAIT_RUNNING, and then waits until the test sets it to WAIT_GO. */
enum { WAIT_STARTED = 0, WAIT_RUNNING = 1, WAIT_GO = 2 };

/** Written and read by `sharer`. */
struct sharer_report {
  uint64_t blocks[64]; /**< addresses of what it has allocated; or, before it starts, of what the test has */
  uint32_t count;      /**< of blocks */
  uint32_t stopped;    /**< 1: it waits to be killed */
  int32_t child;       /**< a child that it has forked, and that has ended */
};

#endif
