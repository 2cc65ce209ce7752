/*
 * A thread that traces one process (ptrace(2)), for two purposes:
 *
 * - to see where it is when a signal ends it. Nothing less tells: what a process was doing is gone with it, and a
 *   handler would be the program's;
 * - to keep its calls. One that waits to be heard by the broker is interrupted by a signal, and fails with EINTR, which
 *   natively it never does. Where the signal is seen the call is made to begin anew after it.
 *
 * Only the process itself is traced, with all its threads: not what it forks, nor what it execs. Every signal passes
 * the tracer, which hands it on as it was. While it is traced no debugger can attach.
 */
#ifndef TPROC_TRACER_H
#define TPROC_TRACER_H

#include <stdbool.h>
#include <sys/types.h>

#include "tproc_core.h"

struct tracer;

/** Whether no signal interrupts this system call natively. */
typedef bool tracer_keeps(long number);

/**
 * One that is about to trace a child of this process: until tracer_begin is over it has no news.
 *
 * @param keeps of which calls begin anew
 * @return to be ended by tracer_end; NULL: no memory
 */
struct tracer *tracer_new(pid_t pid, tracer_keeps *keeps);

/**
 * Starts to trace all threads that the process has, once. The calling thread need not live on. Waits as long as an
 * execve of one of them does, but no longer than the process lives.
 *
 * @return 0; -EPERM, -EACCES (Yama, a sandbox, a host that is not dumpable, a debugger); -EAGAIN, -ENOMEM (the thread);
 *     -ESRCH (it has ended). Then nothing is traced: TRACER_ENDED
 */
int tracer_begin(struct tracer *tracer, struct tproc_error *error);

/** What tracer_begin returns to another thread. */
int tracer_await_begin(struct tracer *tracer, struct tproc_error *error);

enum tracer_news {
  TRACER_NO_NEWS,
  TRACER_STOPPED,
  TRACER_CONTINUED,
  TRACER_HELD, /**< stopped by tracer_hold */
  TRACER_ENDED /**< it traces nothing (any more: the process has exec'd); who wants to know waits for the process */
};

/**
 * Stops the process by SIGSTOP. The tracer may see it late, when the process has been continued long since: so it is
 * told apart from the stops that others cause.
 *
 * @return 0 or a negative errno
 */
int tracer_hold(const struct tracer *tracer, int pidfd);

/**
 * The last stop or continuation of the process that has not been told yet: what waitid tells the parent of an untraced
 * one.
 *
 * @param signal what has stopped it
 */
enum tracer_news tracer_next_news(struct tracer *tracer, int *signal);

/**
 * Frees the tracer of a process whose exit has been collected, or that has exec'd; or one that has not begun.
 *
 * @param signal what ended it; 0: an exit
 * @param crash receives where it was
 * @return false when the tracer has not seen that signal, or another process has sent it, and nothing is written
 */
bool tracer_end(struct tracer *tracer, int signal, struct tproc_crash *crash);

#endif
