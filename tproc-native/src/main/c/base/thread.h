/* The host's own threads. */
#ifndef TPROC_THREAD_H
#define TPROC_THREAD_H

#include <pthread.h>
#include <stddef.h>

/**
 * Starts a thread that blocks all signals: they are for the application's own threads.
 *
 * @param thread for pthread_join; NULL: the thread is detached
 * @param stack_size bytes
 * @return 0 or a negative errno
 */
int thread_start(pthread_t *thread, size_t stack_size, void *(*function)(void *), void *argument);

#endif
