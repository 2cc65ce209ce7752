/*
 * What a host has prepared: kinds of programs, of each some that wait, and a thread that makes new ones in the place of
 * those that were started, that have ended, or that are too old.
 */
#ifndef TPROC_PREPARED_POOL_H
#define TPROC_PREPARED_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/launch_info.h"
#include "tproc_core.h"

struct tproc_host;
struct preparation;

struct prepared_pool {
  struct tproc_host *host;
  pthread_mutex_t lock;               /**< guards all below; then a threadproc's, or a memory's */
  pthread_cond_t made;                /**< `making` or `yielding` has become less, or `ending` false */
  struct prepared_kind *first;        /**< the newest first */
  struct prepared_program *discarded; /**< for the thread to end */
  bool ending;                        /**< it ends one */
  unsigned making;                    /**< so many are being made */
  unsigned yielding;                  /**< so many launches want fixed addresses: none is made or ended meanwhile */
  unsigned wanted;                    /**< of all kinds */
  bool closing;
  bool is_short;        /**< atomic: there are fewer than are wanted */
  unsigned ready_kinds; /**< atomic: so many kinds have programs that run until they call tproc_ready */
  unsigned launching;   /**< atomic: so many launches are under way */
  bool running;         /**< there is a thread */
  pthread_t thread;
  int wake;    /**< eventfd, in the host's table; -1 before there is a thread */
  bool always; /**< every launch is to be one of a prepared program: for tests */
  struct tproc_prepared_totals totals;
};

void prepared_pool_init(struct prepared_pool *pool, struct tproc_host *host);
void prepared_pool_destroy(struct prepared_pool *pool);

/** Nothing is prepared from here on. On a thread of the host's. */
void prepared_pool_stop(struct prepared_pool *pool);

/** After prepared_pool_stop. On a thread that is not the host's: what the pool's thread ends asks for that one. */
void prepared_pool_join(struct prepared_pool *pool);

/** Ends all that wait. On a thread of the host's, after prepared_pool_join. */
void prepared_pool_close(struct prepared_pool *pool);

/** Around each launch: new ones are made when no launch is under way, if that is soon. */
void prepared_pool_begin_launch(struct prepared_pool *pool);
void prepared_pool_end_launch(struct prepared_pool *pool);

/**
 * Starts one that was prepared, if there is one for this launch, whose program has been found.
 *
 * @return its threadproc; NULL: an ordinary start is needed
 */
struct tproc_threadproc *prepared_pool_start(struct prepared_pool *pool, const struct tproc_launch *launch,
                                             const struct launch_client *client, struct preparation *preparation);

/**
 * Ends those that have fixed addresses, which a program for fixed addresses is about to want: none has them then, until
 * prepared_pool_end_yield. Waits for the one at most that each thread makes or ends.
 */
void prepared_pool_begin_yield(struct prepared_pool *pool);
void prepared_pool_end_yield(struct prepared_pool *pool);

/** Ends those with fixed addresses that are prepared no more: the next one that is prepared may want their place. */
void prepared_pool_end_discarded(struct prepared_pool *pool);

#endif
