/* Who sent a request to the broker, and how to reach its memory and descriptors. */
#ifndef TPROC_TARGET_H
#define TPROC_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker/fence_listener.h"

struct broker_call;

/** Prepares a process's requests to be told apart; one for each broker. */
struct target_check {
  bool has_kcmp;
  volatile uint64_t marker; /**< changes with each question; a copy of the memory has an old one */
  int own_memory;           /**< /proc/self/mem; -1 where /proc is read-only: what the program cannot write stays */
};

int target_check_open(struct target_check *check, struct tproc_error *error);

void target_check_close(struct target_check *check);

/**
 * Whether the process shares the host's memory (the threadproc, its threads, a vfork child) or has a copy of its own (a
 * fork child). Asked with kcmp; where that is forbidden by looking for the marker in the process's memory.
 */
bool target_shares_memory(struct target_check *check, const struct fence_listener *listener, pid_t tid);

/** Whether it is a thread of the threadproc itself, and no child that shares the memory for a while. */
bool target_is_threadproc(const struct fence_listener *listener, pid_t tid);

/** A duplicate of the target's descriptor, for mmap with `flags`, that the caller closes; or a negative errno. */
int target_descriptor(const struct fence_listener *listener, pid_t tid, int descriptor, int flags);

/** Reads from the target's memory, at most `size` bytes, fewer at its end. @return bytes or -EFAULT */
int64_t target_read(const struct target_check *check, pid_t tid, bool shares, uint64_t address, void *buffer,
                    size_t size);

/**
 * Stores an answer in the target's memory, as the kernel would: not where the program itself may not write. Nothing is
 * written when the call does not wait any more: another process may have the target's id by then.
 *
 * @return 0 or -EFAULT
 */
int target_answer(const struct target_check *check, const struct fence_listener *listener,
                  const struct broker_call *call, uint64_t address, const void *buffer, size_t size);

/** As target_answer, but also where the program may only read. */
int target_overwrite(const struct target_check *check, const struct fence_listener *listener,
                     const struct broker_call *call, uint64_t address, const void *buffer, size_t size);

#endif
