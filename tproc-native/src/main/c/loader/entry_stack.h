/* The entry stack: argc, argv, envp and auxv as the kernel lays them out for a new program. */
#ifndef TPROC_ENTRY_STACK_H
#define TPROC_ENTRY_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/address_range.h"
#include "base/process_texts.h"
#include "loader/host_auxv.h"
#include "loader/image.h"
#include "tproc_abi.h"
#include "tproc_core.h"

/** Room for other arguments and variables, for entry_stack_rewrite. */
struct entry_stack_room {
  size_t words; /**< for argc, argv, envp and auxv; 0: no room is wanted */
  size_t bytes; /**< for the strings */
};

/** Everything the entry stack tells the program. Only read, only during the call. */
struct entry_stack_content {
  const char *const *argv;
  const char *const *envp;
  const char *execfn;              /**< AT_EXECFN: the program's or the script's path */
  const struct host_auxv *host;    /**< what is passed on unchanged */
  const struct image *program;     /**< AT_PHDR, AT_ENTRY */
  uint16_t program_header_count;   /**< AT_PHNUM */
  const struct image *interpreter; /**< AT_BASE; NULL for a static program */
  struct tproc_abi abi;            /**< copied to the stack; its pid is filled in by the child */
  struct entry_stack_room room;
};

/** Where things ended up on the stack. */
struct entry_stack {
  uint64_t pointer;      /**< the stack pointer at the entry: address of argc, 16-byte aligned */
  struct tproc_abi *abi; /**< the copy on the stack */
  uint64_t arguments; /**< where the strings of argv begin; those of envp and AT_EXECFN follow up to the stack's end */
  struct address_range room;  /**< for other strings; empty: there is none */
  struct process_texts texts; /**< as they are now */
  uint64_t random;            /**< the bytes of AT_RANDOM */
};

/** How much stack the arguments and the environment take, and whether execve would accept them. */
struct argument_size {
  size_t bytes;   /**< of all strings with their NULs */
  size_t strings; /**< how many: argc + envc */
};

/**
 * Measures and checks against the kernel's rules (execve(2), "Limits on size of arguments and environment").
 *
 * @param stack_limit RLIMIT_STACK in bytes
 * @return 0 or -E2BIG
 */
int argument_size_check(const char *const *argv, const char *const *envp, uint64_t stack_limit,
                        struct argument_size *size, struct tproc_error *error);

/**
 * Writes the entry stack to the upper end of `stack`, which is mapped writable.
 *
 * @return 0, -E2BIG when it does not fit, or the error of getrandom
 */
int entry_stack_build(struct address_range stack, const struct entry_stack_content *content, struct entry_stack *built,
                      struct tproc_error *error);

/**
 * Writes other arguments and another environment where room was left for them, at the same stack pointer, and a copy of
 * auxv behind them. What a dynamic linker has seen stays: its own auxv (but AT_EXECFN), AT_RANDOM, the variables that
 * it was given.
 *
 * @return 0, or -E2BIG, and nothing is changed
 */
int entry_stack_rewrite(struct entry_stack *stack, const struct entry_stack_content *content,
                        struct tproc_error *error);

/**
 * Writes other arguments and another environment into the room alone, for a program that runs already: nothing that it
 * has seen is changed but the ABI block.
 *
 * @param vector receives the address of argc, which argv, NULL, envp and NULL follow
 * @return 0, or -E2BIG, and nothing is changed
 */
int entry_stack_add(struct entry_stack *stack, const struct entry_stack_content *content, uint64_t *vector,
                    struct tproc_error *error);

#endif
