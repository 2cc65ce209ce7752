/* Who sent a request to the broker, and how to reach its memory and descriptors. */
#ifndef TPROC_TARGET_H
#define TPROC_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker/fence_listener.h"

struct broker_call;

/** Whether the caller is the threadproc itself, and not a child that shares its memory. */
bool target_is_threadproc(const struct fence_listener *listener, pid_t tid);

/** Prepares a process's requests to be told apart; one for each broker. */
struct target_check {
  bool has_kcmp;
  uint64_t marker; /**< changes with each question; a copy of the memory has an old one; atomic */
  int own_memory;  /**< /proc/self/mem; -1 where /proc is read-only: what the program cannot write stays */
  int own_pages;   /**< /proc/self/pagemap; -1: nothing is known to be resident */
};

int target_check_open(struct target_check *check, struct tproc_error *error);

void target_check_close(struct target_check *check);

/**
 * Whether the process shares the host's memory (the threadproc, its threads, a vfork child) or has one of its own (a
 * fork child, one that has exec'd). Asked with kcmp; where that is forbidden by looking for the marker in the process's
 * memory. From any thread, with the listener's lock.
 */
bool target_shares_memory(struct target_check *check, const struct fence_listener *listener, pid_t tid);

/**
 * Whether a process that ran in the host's memory has ended or become another program. May wait, as long as an execve
 * of it waits for files that it closes; so no lock is held. False as long as the process may not be looked into.
 *
 * @param check one that no other thread uses
 */
bool target_has_left_memory(struct target_check *check, pid_t tid);

/**
 * Whether the caller is another program, in a memory of its own, which it has executed: it is asked about where that
 * one runs at the fence's own addresses. A forked child has a copy of the host's memory, and with it its break.
 */
bool target_has_execed(const struct broker_call *call);

/** Whether it may lock so many bytes of memory more, as far as its own limit and capabilities tell. */
bool target_may_lock(pid_t tid, uint64_t bytes);

/** Whether it may raise its hard limits (CAP_SYS_RESOURCE). */
bool target_may_raise_limits(pid_t tid);

/** Gives a process that has, or is about to get, a memory of its own the limits of a program's. */
void target_limit_memory(struct memory *memory, pid_t tid);

/** Takes them back, as far as that needs no privilege: the soft limits. */
void target_unlimit_memory(struct memory *memory, pid_t tid);

/** Whether the call still waits for its answer: neither ended by a signal, nor killed. */
bool target_is_waiting(const struct fence_listener *listener, const struct broker_call *call);

/** A duplicate of the descriptor, that the caller closes; or a negative errno, -EPERM or -ENOSYS if it is forbidden. */
int target_descriptor(const struct fence_listener *listener, pid_t tid, int descriptor);

/** The same file opened anew, for mmap with `flags`. May wait for the file system. Also without a listener. */
int target_reopen(pid_t tid, int descriptor, int flags);

/**
 * How many bytes of the host's memory from `address` on are in memory now, up to `size`: they can be read without
 * waiting, while others may be on a file system that does not answer.
 */
size_t target_resident(const struct target_check *check, uint64_t address, size_t size);

/**
 * Reads from the caller's memory, at most `size` bytes, fewer at its end. May wait for a file system, where the memory
 * is a file's.
 *
 * @return bytes, or -EFAULT, also when the call does not wait any more: then it may have been another process's
 */
int64_t target_read(const struct target_check *check, const struct fence_listener *listener,
                    const struct broker_call *call, uint64_t address, void *buffer, size_t size);

/**
 * Stores an answer in the target's memory, as the kernel would: not where the program itself may not write. Nothing is
 * written when the call does not wait any more: another process may have the target's id by then.
 *
 * @return 0 or -EFAULT
 */
int target_answer(const struct target_check *check, const struct fence_listener *listener,
                  const struct broker_call *call, uint64_t address, const void *buffer, size_t size);

/**
 * Whether nobody but the caller's memory sees what is written there: no file, and no process that shares a mapping.
 *
 * @return 0, -EOPNOTSUPP when others see it, or -EFAULT when it is not mapped or cannot be looked at
 */
int target_is_private(const struct broker_call *call, uint64_t address, size_t size);

/** Descriptors (O_PATH) of the caller's root and working directory. @return negative errno */
int target_root(const struct broker_call *call);
int target_working_directory(const struct broker_call *call);

/**
 * Where a relative path of the caller's begins, as a text that ends with NUL; asks no file system but /proc.
 *
 * @param descriptor of a directory, or AT_FDCWD
 * @return 0 or a negative errno; what does not fit is ENAMETOOLONG
 */
int target_directory(const struct broker_call *call, int descriptor, char *text, size_t size);

/** The memory of a caller that does not share the host's, and of nobody that gets its id later; -1: by its id only. */
int target_open_memory(const struct broker_call *call);

/** As target_read, of memory that is known already: whether the call still waits is not asked. @return -1: nothing */
int64_t target_read_again(const struct target_check *check, const struct broker_call *call, int memory,
                          uint64_t address, void *buffer, size_t size);

/** As target_answer, but also where the program may only read. */
int target_overwrite(const struct target_check *check, const struct fence_listener *listener,
                     const struct broker_call *call, uint64_t address, const void *buffer, size_t size);

/**
 * Writes `text` over what stands in memory, also where that may only be read, if that is `expected`. May wait for a
 * file system. At most 32 bytes.
 *
 * @param call whose memory it is
 * @param memory of target_open_memory, unless the call shares the host's
 */
void target_restore(const struct target_check *check, const struct broker_call *call, int memory, uint64_t address,
                    const char *expected, const char *text, size_t size);

#endif
