/*
 * The fence: a seccomp filter that keeps a threadproc's memory calls inside its slot.
 *
 * The filter decides in this order, at the cost of a few BPF instructions:
 *   1. a call that is not about memory (nor one of the few that the broker answers): allowed. That depends on the
 *      call's number alone, so the kernel remembers it and does not even run the filter;
 *   2. the calling instruction lies outside the slot and the program: allowed. An exec'd descendant inherits the
 *      filter but runs its own libc in its own memory; it is never slowed and never depends on the host;
 *   3. munmap, mprotect, madvise, mlock and the like, mmap(MAP_FIXED) and a shrinking mremap wholly inside the slot:
 *      allowed;
 *   4. a path given to open, stat and the like, unless it stands in the libraries' constants, is a constant of the
 *      program's like "/proc/self/exe" (or cmdline, environ, auxv there), or stands in what it may write to of its
 * image if there is a text that ends in
 *      "/exe", or in its arguments if one of these ends so: allowed. So is stat with AT_EMPTY_PATH of an open file: a C
 *      library's fstat, whose "" is a constant of that library. Only there may a "/proc/self/exe" be expected, and
 *      asking for every path would slow every program;
 *   5. a path given to execve that stands among the program's constants or on its main stack, where execvp and its like
 *      put together what they find in PATH: allowed, unless the launch knows a reason to ask (executed_texts below). A
 *      question could be interrupted by a signal, and execve natively cannot;
 *   6. fork, clone without CLONE_VM and clone3 of a program that never forks: the broker refuses;
 *   7. setrlimit and the like: asked for RLIMIT_AS and RLIMIT_DATA, else allowed;
 *   8. a program break above the heap: refused, with 0 as the break. A question could be interrupted by a signal, and
 *      libc would take the -EINTR for a break: its heap would be destroyed;
 *   9. a timer is set: on x86_64 asked, for one that sends signals again and again has the program traced, so that they
 *      do not interrupt its questions (broker/interval_timer.h);
 *  10. a debugger attaches to a process: asked, for who stops the host waits for it from then on. Other calls of ptrace
 *      are allowed;
 *  11. kill, tkill and tgkill: asked for SIGTSTP, which the kernel ignores where a program on a terminal stops itself
 * by it;
 *  12. the rest: the broker is asked.
 */
#ifndef TPROC_FENCE_H
#define TPROC_FENCE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/address_range.h"
#include "memory/slot.h"

/** As much as the filter ever needs. A jump goes no further than 255; none is longer, as fence_test.cpp holds. */
#define FENCE_INSTRUCTIONS_MAX 272

struct fence {
  struct sock_filter instructions[FENCE_INSTRUCTIONS_MAX];
  unsigned short length;
};

#define FENCE_PATHS_MAX 4

/** What the filter compares with. Each range consists of whole 4 GiB or lies within one. An empty one has nothing. */
struct fence_content {
  const struct slot *slot;
  struct address_range heap;                   /**< where the program break may be */
  struct address_range program;                /**< the program's image; outside the slot for ET_EXEC */
  struct address_range constants;              /**< where a path of the program's may be its own executable's */
  struct address_range paths[FENCE_PATHS_MAX]; /**< single constants that are such paths */
  size_t path_count;
  struct address_range files;          /**< where libraries are */
  struct address_range arguments;      /**< where one of argv, envp, AT_EXECFN may be */
  struct address_range executed_texts; /**< where a path that is executed needs no question: constants, ... */
  struct address_range executed_stack; /**< ... and the main stack */
  bool never_forks;                    /**< it may not fork */
};

/** One that asks nothing: of a process that is none of the host's memory, but is seen to go by its listener. */
void fence_build_open(struct fence *fence);

void fence_build(struct fence *fence, const struct fence_content *content);

/**
 * Whether a call is one that the fence may ask about, and that no signal interrupts natively. Opening a file may be
 * interrupted, and so is not.
 */
bool fence_is_uninterrupted(long number);

#endif
