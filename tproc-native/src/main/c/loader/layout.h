/*
 * Where things stand in a slot. Its usable part has three thirds (of 4 GiB with 47 address bits):
 *
 *   low     the program's image, and the little that brk(2) gives above it
 *   middle  anonymous mappings, and the stack at the upper end
 *   high    mapped files (libraries above all), and the interpreter at the upper end
 *
 * The stack grows by itself, as the kernel makes it, up to the RLIMIT_STACK that the program then has. Nothing is
 * mapped below it as far as the limit at the start says, and 128 MiB at least (as natively; less in a small slot).
 *
 * That files are apart lets the fence tell a constant of the program's code from a string it has made at run time. Each
 * thing is at a random offset.
 */
#ifndef TPROC_LAYOUT_H
#define TPROC_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/address_range.h"
#include "loader/elf_file.h"
#include "memory/slot.h"
#include "tproc_core.h"

struct layout {
  uint64_t program_bias;            /**< load bias of the program; 0 for ET_EXEC */
  uint64_t interpreter_bias;        /**< load bias of the interpreter; 0 when there is none */
  struct address_range stack;       /**< the program's stack, as far as it may grow */
  struct address_range stack_room;  /**< its upper end, if more is kept free there than the program is to pay for */
  struct address_range stack_begun; /**< what is mapped below at the start; the kernel lets it grow */
  struct address_range heap;        /**< where the program break may be: 128 KiB, and a static program's PT_TLS */
  struct address_range anonymous;   /**< where mmap maps anonymous memory */
  struct address_range files;       /**< where mmap maps files */
};

/**
 * The stack the program is to get, in bytes: RLIMIT_STACK, bounded by what a slot can hold.
 *
 * @param limits TPROC_LIMIT_COUNT limits that the program gets; NULL: it gets the host's
 */
uint64_t layout_stack_limit(const struct slot_space *space, const struct tproc_limit *limits);

/** How much of a stack is mapped at the start and may grow, in bytes. @param argument_bytes what the entry stack takes
 * of it */
uint64_t layout_stack_begun(size_t argument_bytes);

/**
 * @param interpreter NULL when the program has none
 * @param argument_bytes what the entry stack takes of the stack
 * @param room bytes above that, a multiple of the page size, that are part of no limit
 * @return 0, or -ENOMEM when the slot is too small for all of it
 */
int layout_plan(const struct slot *slot, const struct elf_file *program, const struct elf_file *interpreter,
                uint64_t stack_limit, size_t argument_bytes, uint64_t room, struct layout *layout,
                struct tproc_error *error);

#endif
