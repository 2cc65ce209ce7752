/*
 * /proc/self/exe belongs to the address space, so for a threadproc it names the host's program. Here it means the
 * hosted program: when the link is read, opened, examined or executed, however its path is spelled (exe_path.h).
 */
#ifndef TPROC_PROC_SELF_EXE_H
#define TPROC_PROC_SELF_EXE_H

#include <stdbool.h>

#include "broker/broker_call.h"

/**
 * Never blocks. The listener's lock is held.
 *
 * @return whether the call has a path, and then what to answer
 */
bool proc_self_exe_answer(struct broker_context *context, struct fence_listener *listener, struct broker_call *call,
                          struct broker_answer *answer);

/**
 * The second half of an answer that is BROKER_DEFER_PATH; may block on the executable's file system, and where the path
 * is in a file's memory on that one's. The listener may be a copy.
 *
 * @return BROKER_DEFER_EXECUTE for an execve
 */
struct broker_answer proc_self_exe_run(const struct target_check *check, const struct fence_listener *listener,
                                       const struct broker_call *call);

/*
 * execve of the own executable. A call's arguments cannot be changed, but what they point to can: the caller gets a
 * descriptor of its program, and its "/proc/self/exe" becomes "/dev/fd/N", which is shorter. The old text is put back
 * when the execve has read it, also in a fork child's copy of the memory: the execve may fail, or be a vfork child's of
 * that child. Until then other calls of a vfork child's memory with the text at that address mean the executable, too,
 * and wait for its return, as does the next call with a path of the same thread; and other execves of a text in the
 * host's memory wait for their turn. Memory that is shared with a file or other processes is not written to.
 *
 * What may block is done without a lock: a text may lie in a file.
 */

/** Of an execve's path that is overwritten: longer than what is written over it. */
#define EXECUTED_TEXT_SIZE 32

struct executed_text {
  uint64_t address;
  char old[EXECUTED_TEXT_SIZE], patch[EXECUTED_TEXT_SIZE];
  size_t room;        /**< the old text's length, or the part of it that is known */
  const char *format; /**< of the new one */
  int memory;         /**< a fork child's; -1: the host's, or none */
  size_t size;        /**< of what is overwritten; 0: nothing is */
};

/**
 * Looks whether the text may be overwritten, and by what; the caller has no descriptor yet. May block.
 *
 * @return 0 or a negative errno: EOPNOTSUPP when the memory is shared with others, or no name is short enough
 */
int proc_self_exe_prepare(const struct target_check *check, const struct fence_listener *listener,
                          const struct broker_call *call, struct executed_text *text);

/** May block as proc_self_exe_run. @return the caller's new descriptor, or a negative errno */
int proc_self_exe_give(const struct fence_listener *listener, const struct broker_call *call);

/** May block. For a vfork child in its turn. @return 0, and the call is to go on, or a negative errno */
int proc_self_exe_patch(const struct target_check *check, const struct fence_listener *listener,
                        const struct broker_call *call, int descriptor, struct executed_text *text);

/** May block. Nothing, when the program has unmapped the text or written over it meanwhile, or is another one. */
void proc_self_exe_put_back(const struct target_check *check, const struct broker_call *call,
                            const struct executed_text *text);

/** After proc_self_exe_prepare. */
void proc_self_exe_forget(struct executed_text *text);

/** These take the listener's lock. @return whether no other has the turn: vfork children's, and fork children's */
bool proc_self_exe_begin_turn(struct fence_listener *listener, const struct broker_call *call);

/** By the one whose turn it is. */
void proc_self_exe_end_turn(struct fence_listener *listener, const struct broker_call *call);

/** Whether it is this call's turn. */
bool proc_self_exe_has_turn(struct fence_listener *listener, uint64_t id);

/** Whether the thread whose turn it is, in this call, has asked something else since. */
bool proc_self_exe_is_read(struct fence_listener *listener, const struct broker_call *call);

#endif
