/* What a new threadproc does between its clone and its first instruction. */
#ifndef TPROC_CHILD_H
#define TPROC_CHILD_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "spawn/descriptor_steps.h"
#include "tproc_abi.h"
#include "tproc_core.h"

/** The steps that can fail, in their order. */
enum child_step {
  CHILD_STEP_NONE = 0, /**< nothing failed */
  CHILD_STEP_LIFELINE,
  CHILD_STEP_FENCE,
  CHILD_STEP_GROUP,
  CHILD_STEP_SESSION,
  CHILD_STEP_SIGNALS,
  CHILD_STEP_OWN_DESCRIPTORS,
  CHILD_STEP_RECEIVE_DESCRIPTORS,
  CHILD_STEP_DIRECTORY,
  CHILD_STEP_TERMINAL,
  CHILD_STEP_PLACE_DESCRIPTORS,
  CHILD_STEP_CLOSE_DESCRIPTORS,
  CHILD_STEP_NICE,
  CHILD_STEP_IO_PRIORITY,
  CHILD_STEP_PERSONALITY,
  CHILD_STEP_AFFINITY,
  CHILD_STEP_SCHEDULING,
  CHILD_STEP_LIMITS,
  CHILD_STEP_EXECUTE,
};

/** Values of child_plan.state. The kernel itself writes 0 when the child is gone (CLONE_CHILD_CLEARTID). */
enum child_state {
  CHILD_GONE = 0,
  CHILD_STARTING = 1,
  /** A prepared child goes on only as far as it can until who has cloned it sets CHILD_STARTING. It is set again when
   * the program is about to run, or tproc_ready to return; one that finds CHILD_RECALLED then does neither. */
  CHILD_RUNNING = 2,
  CHILD_UNTRACED = 3, /**< waits until it is traced, and who traces it has set CHILD_STARTING again */
  CHILD_PREPARED = 4, /**< waits until it is given the rest, and who does that has set CHILD_STARTING again */
  CHILD_RECALLED = 5  /**< a prepared child that was let go and did not go on: another runs in its place */
};

/**
 * What a prepared child says through its socket when it waits, and again when the program runs. It cannot say the
 * latter by `state`: when its dynamic linker has run, the kernel writes what it writes at a child's end elsewhere. Who
 * waits sees the end of the socket instead.
 */
#define CHILD_READY 'r'

/** The kernel's TASK_COMM_LEN. */
#define CHILD_NAME_SIZE 16

/** The number of the first descriptor that the child receives: below is the socket that they come from. */
#define CHILD_FIRST_RECEIVED 1

/** What a socket is known by. */
struct child_link_identity {
  uint64_t device, inode;
};

/** A descriptor that a program gets that runs already. */
struct child_place {
  int number;   /**< the one that it is to have; -1: it is not placed */
  int received; /**< the one that it has got, written by the child */
};

/** Made by the launching thread, read by the child. Lives until the child's exit has been collected. */
struct child_plan {
  uint32_t state;          /**< child_state; a futex (shared kind: the kernel's own wake is of that kind) */
  uint32_t failed_step;    /**< child_step, written by the child before it exits */
  int failed_errno;        /**< positive errno of that step */
  int failed_number;       /**< the descriptor or the limit it was about; -1 when the step has but one */
  int notify_fd;           /**< the fence's, in the spawner's descriptor table, written by the child; -1 before */
  bool traced;             /**< whether it waits for a tracer (CHILD_UNTRACED) */
  bool held;               /**< whether it waits for a SIGCONT before its first instruction */
  struct sock_fprog fence; /**< the filter to install */
  pid_t host_pid;          /**< the host: its death kills the child */
  const struct descriptor_step *descriptor_steps; /**< not to be read any more once the child runs; nor is `socket` */
  size_t descriptor_step_count;
  /** In the spawner's table: where descriptors come from, which then have the numbers from CHILD_FIRST_RECEIVED on. */
  const int *socket;
  size_t received_count; /**< so many */
  int directory;         /**< of these, the working directory's */
  bool session;          /**< whether it gets a session of its own */
  int terminal;          /**< of those received, the one that becomes its controlling terminal; 0: none */
  int umask;             /**< or TPROC_UMASK_INHERIT */
  uint64_t ignored_signals, blocked_signals;         /**< bit n-1: signal n */
  bool nice_set;                                     /**< whether nice is to be applied */
  int nice;                                          /**< -20 to 19 */
  bool exact;                                        /**< what the host has no right to give is a failure */
  bool policy_set, io_priority_set, personality_set; /**< whether they are to be applied */
  int policy, priority, io_priority;
  unsigned personality;
  const uint64_t *cpus; /**< not to be read any more once the child runs */
  size_t cpu_words;     /**< 0: it keeps the host's */
  uint32_t limits_set;  /**< bit n: limits[n] is to be applied */
  struct tproc_limit limits[TPROC_LIMIT_COUNT];
  struct tproc_limit files_while_placing; /**< RLIMIT_NOFILE until the descriptors are in place; zero: as it is */
  char name[CHILD_NAME_SIZE];             /**< thread name as ps shows it, NUL-terminated */
  struct tproc_abi *abi;                  /**< on the entry stack; its pid is filled in */
  uint64_t entry;                         /**< first instruction */
  uint64_t stack_pointer;                 /**< entry stack */
  /** NULL, or what it executes instead, as an ordinary process. Not to be read any more once it has. */
  const char *executed;
  const char *const *argv, *const *envp; /**< for that */
  bool prepared;                         /**< it is child_prepare's */
  uint64_t linker_load;                  /**< the linker's part that is run ahead (loader/linker_entry.h); 0: none is */
  uint64_t linker_returned;              /**< what follows it */
  /** Of a program that runs until it calls tproc_ready: the number that its socket has there; 0: it is none. */
  int link;
  struct child_link_identity link_identity; /**< written by the child */
  bool ready;                               /**< it waits there: what is to be placed is in `places` */
  struct child_place *places;               /**< received_count of them. Not to be read any more once the child runs */
  int places_end;                           /**< above all numbers that are placed */
  uint64_t vector;                          /**< for tproc_ready: address of argc, which argv and envp follow */
  pid_t group;                              /**< of a prepared child: the process group that it is to be in */
  int last_socket; /**< of a prepared child: the number that its socket has at the end; not among those wanted */
};

/** Runs on the new process's own stack; `plan` is a struct child_plan. Never returns. */
void child_main(void *plan) __attribute__((noreturn));

/**
 * The same for a program that is prepared: goes as far as it can without knowing more than the program, and waits.
 * Until then the plan has nothing of what launch_state_plan fills in.
 */
void child_prepare(void *plan) __attribute__((noreturn));

/**
 * What a prepared program calls in tproc_ready (tproc_abi.h): waits, takes the steps of a start, and returns the
 * address of its new arguments; or ends the process. On whatever thread of the program.
 */
uint64_t child_ready(void *plan);

/** The step in words, for a message: "stdio (dup3)". */
const char *child_step_name(enum child_step step);

#endif
