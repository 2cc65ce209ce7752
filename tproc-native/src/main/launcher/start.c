/*
 * The launcher starts without libc. The start of a static glibc program asks the processor about itself with CPUID,
 * which a virtual machine answers slowly: an empty one took 455 us from posix_spawn to its end, the whole launcher with
 * an error to report 149 us (a program of one system call: 109). So: no libc, no thread pointer, no errno; what the
 * kernel gives is taken from the stack, and system calls are made directly (system.h).
 */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher.h"
#include "system.h"

/* The kernel enters with argc, argv, envp and auxv on the stack. */
#if defined(__x86_64__)
__asm__(
    ".text\n"
    ".globl _start\n"
    ".type _start, %function\n"
    ".hidden _DYNAMIC\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rdi\n"
    "  lea _DYNAMIC(%rip), %rsi\n"
    "  and $-16, %rsp\n"
    "  call launcher_start\n"
    ".size _start, . - _start\n");
#define RELATIVE R_X86_64_RELATIVE
#elif defined(__aarch64__)
__asm__(
    ".text\n"
    ".globl _start\n"
    ".type _start, %function\n"
    ".hidden _DYNAMIC\n"
    "_start:\n"
    "  mov x29, #0\n"
    "  mov x30, #0\n"
    "  mov x0, sp\n"
    "  adrp x1, _DYNAMIC\n"
    "  add x1, x1, :lo12:_DYNAMIC\n"
    "  b launcher_start\n"
    ".size _start, . - _start\n");
#define RELATIVE R_AARCH64_RELATIVE
#endif

extern const char __ehdr_start[] __attribute__((visibility("hidden")));

/* The program is linked at 0 and may be loaded anywhere: pointers in its data are adjusted before they are used. */
static void relocate(const Elf64_Dyn *dynamic) {
  const uintptr_t base = (uintptr_t)__ehdr_start;
  uint64_t table = 0, size = 0;
  for (; dynamic->d_tag != DT_NULL; dynamic++) {
    if (dynamic->d_tag == DT_RELA) table = dynamic->d_un.d_ptr;
    if (dynamic->d_tag == DT_RELASZ) size = dynamic->d_un.d_val;
  }
  const Elf64_Rela *relocations = (const void *)(base + table);
  for (size_t i = 0; i < size / sizeof *relocations; i++) {
    if (ELF64_R_TYPE(relocations[i].r_info) != RELATIVE) __builtin_trap(); /* the linker made something unforeseen */
    *(uintptr_t *)(base + relocations[i].r_offset) = base + (uintptr_t)relocations[i].r_addend;
  }
}

__attribute__((noreturn, used, visibility("hidden"))) void launcher_start(long *stack, const Elf64_Dyn *dynamic) {
  relocate(dynamic);
  char **argv = (char **)(stack + 1);
  char **envp = argv + stack[0] + 1;
  sys_exit(launcher_main(argv, envp));
}
