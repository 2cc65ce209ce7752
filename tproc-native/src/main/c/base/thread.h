/* The host's own threads. */
#ifndef TPROC_THREAD_H
#define TPROC_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * Starts a thread that blocks all signals: they are for the application's own threads. When it returns, the thread
 * has its name: nobody sees one that still has the name of the thread that started it.
 *
 * @param thread for pthread_join; NULL: the thread is detached
 * @param stack_size bytes
 * @param name of the thread, up to 15 characters
 * @return 0 or a negative errno
 */
int thread_start(pthread_t *thread, size_t stack_size, const char *name, void *(*function)(void *), void *argument);

/**
 * The calling thread is soon chosen when it has something to do, though others compete for the processor: it says that
 * each time will be short (since Linux 6.12). Not where it has a scheduling policy other than the usual one.
 */
void thread_runs_briefly(void);

/** One whose pthread_cond_timedwait takes times of CLOCK_MONOTONIC, as clock_after gives them. */
void thread_condition_init(pthread_cond_t *condition);

/** Threads that nobody waits for go on with what hangs: the code that they run has to stay where it is. */
void thread_note_left(void);
bool thread_any_left(void);

#endif
