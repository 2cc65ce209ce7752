/* What has to be assembly: into a new process, and from there into the program. One file per architecture. */
#ifndef TPROC_TRAMPOLINE_H
#define TPROC_TRAMPOLINE_H

#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>

/**
 * clone3. In the new process calls function(argument) on the stack given in `arguments`; function must not return.
 *
 * @return the pid, or a negative errno; errno is not touched
 */
long trampoline_clone3(struct clone_args *arguments, size_t size, void (*function)(void *), void *argument);

/**
 * The same through clone, for kernels and sandboxes without clone3.
 *
 * @param stack_top end of the new stack, 16-byte aligned
 * @param pidfd where CLONE_PIDFD puts the descriptor
 * @param child_tid what CLONE_CHILD_CLEARTID clears
 */
long trampoline_clone(uint64_t flags, uint64_t stack_top, int *pidfd, uint32_t *child_tid, void (*function)(void *),
                      void *argument);

/** Sets registers as the kernel does for a new program and jumps to `entry`. */
void trampoline_enter(uint64_t entry, uint64_t stack_pointer) __attribute__((noreturn));

/**
 * Sets registers as the kernel does for a new program, calls `load` with the stack pointer, and then
 * next(argument, result) on the same stack. loader/linker_entry.h says what `load` is.
 */
void trampoline_call_linker(uint64_t load, uint64_t stack_pointer, void (*next)(void *argument, uint64_t result),
                            void *argument) __attribute__((noreturn));

/** Goes on where `load` would have returned to, with its result. */
void trampoline_resume_linker(uint64_t address, uint64_t stack_pointer, uint64_t result) __attribute__((noreturn));

#endif
