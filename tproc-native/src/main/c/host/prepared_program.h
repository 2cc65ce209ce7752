/*
 * A program that was started ahead and waits, for a launch to give it what is new
 * (docs/decisions/prepared-programs.md). On threads with the host's descriptor table. No lock: its owner is one thread
 * at a time.
 */
#ifndef TPROC_PREPARED_PROGRAM_H
#define TPROC_PREPARED_PROGRAM_H

#include "host/host.h"
#include "host/launch_info.h"
#include "host/launch_preparation.h"
#include "host/threadproc.h"
#include "loader/file_identity.h"

struct prepared_program {
  struct prepared_program *previous, *next; /**< the owner's list */
  struct tproc_threadproc *threadproc;      /**< in no list of the host's */
  struct file_identity file;                /**< the program's */
  enum tproc_prepared_depth depth;          /**< 0: it runs, and has not called tproc_ready yet */
  bool position_independent;
  uint64_t made;     /**< CLOCK_MONOTONIC, nanoseconds */
  uint64_t deadline; /**< of its call of tproc_ready, likewise */
  struct prepared_details *details;
};

/**
 * Starts a program as far as it goes without what only a launch knows.
 *
 * @param launch what of it bears on the program: the rest is not looked at
 * @return 0 or a negative errno; -EAGAIN: a file of it has changed just now; -ENOTSUP: it is none that can be prepared
 */
int prepared_program_make(struct tproc_host *host, const struct tproc_launch *launch, struct prepared_program **program,
                          struct tproc_error *error);

/** How a program is made that runs until it calls tproc_ready. */
struct prepared_running {
  int log;           /**< gets what it writes meanwhile; -1: nobody does */
  uint64_t patience; /**< nanoseconds it has */
};

/**
 * The same of a program that runs until it calls tproc_ready, which is to be awaited: until prepared_program_has_news,
 * and then prepared_program_finish.
 */
int prepared_program_begin(struct tproc_host *host, const struct tproc_launch *launch,
                           const struct prepared_running *running, struct prepared_program **program,
                           struct tproc_error *error);

/** Whether it has called tproc_ready, has ended, or has had its time. Does not wait. */
bool prepared_program_has_news(const struct prepared_program *program, uint64_t now);

/** A descriptor that is readable then, as its pidfd may be. */
int prepared_program_link(const struct prepared_program *program);

/** After the news. @return 0: it waits; or why it does not, and it is to be discarded */
int prepared_program_finish(struct prepared_program *program, struct tproc_error *error);

/** Whether a launch, whose program has been found, asks for the same program, file and linker's variables. It makes no
 * system call. */
bool prepared_program_fits(const struct prepared_program *program, const struct tproc_launch *launch,
                           const struct preparation *preparation);

/**
 * Whether its files, and what it has inherited, are still the same, and nothing is asked for that it cannot have any
 * more. Just before a start, which takes the umask of it.
 */
bool prepared_program_is_current(const struct prepared_program *program, const struct tproc_launch *launch);

bool prepared_program_has_ended(const struct prepared_program *program);

/**
 * Gives it what the launch has, and lets it go. Frees the program.
 *
 * @return its threadproc; NULL, when that did not go well, and nothing is left of it
 */
struct tproc_threadproc *prepared_program_start(struct prepared_program *program, const struct tproc_launch *launch,
                                                const struct launch_client *client, struct preparation *preparation,
                                                struct tproc_error *error);

/** Ends its process, and frees it. */
void prepared_program_discard(struct prepared_program *program);

#endif
