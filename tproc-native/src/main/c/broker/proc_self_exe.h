/*
 * /proc/self/exe belongs to the address space, so for a threadproc it names the host's program. Here it means the
 * hosted program: when the link is read, opened, examined or executed. A path is recognised as it is written:
 * /proc/self/exe, /proc/thread-self/exe, /proc/PID/exe.
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
 * descriptor of its program, and its "/proc/self/exe" becomes "/dev/fd/N", which is shorter. For a fork child that is a
 * copy of the memory. In the shared memory of a vfork child the old text is put back when the execve has read it. Until
 * then other calls with the text at that address mean the executable, too, and wait for its return, as does the next
 * call with a path of the same thread; and other execves of a text wait for their turn.
 *
 * What may block is done without a lock: a text may lie in a file.
 */

/** Of an execve's path that is overwritten: longer than "/proc/self/exe". */
#define EXECUTED_TEXT_SIZE 16

struct executed_text {
  uint64_t address;
  char old[EXECUTED_TEXT_SIZE], patch[EXECUTED_TEXT_SIZE];
  size_t size; /**< of what is overwritten; 0: nothing is */
};

/** May block as proc_self_exe_run. @return the caller's new descriptor, or a negative errno */
int proc_self_exe_give(const struct fence_listener *listener, const struct broker_call *call);

/** May block. For a vfork child in its turn. @return 0, and the call is to go on, or a negative errno */
int proc_self_exe_patch(const struct target_check *check, const struct fence_listener *listener,
                        const struct broker_call *call, int descriptor, struct executed_text *text);

/** May block. For a vfork child. Nothing, when the program has unmapped the text or written over it meanwhile. */
void proc_self_exe_put_back(const struct target_check *check, const struct executed_text *text);

/** For a vfork child, these take the listener's lock. @return whether no other has the turn */
bool proc_self_exe_begin_turn(struct fence_listener *listener, const struct broker_call *call);

/** By the one whose turn it is. */
void proc_self_exe_end_turn(struct fence_listener *listener);

/** Whether it is this call's turn. */
bool proc_self_exe_has_turn(struct fence_listener *listener, uint64_t id);

/** Whether the thread whose turn it is, in this call, has asked something else since. */
bool proc_self_exe_is_read(struct fence_listener *listener, uint64_t id);

#endif
