/*
 * aarch64: a program of its own, which tproc_check hosts: it maps a file (its standard input), forks, executes
 * /proc/self/exe in the child, and ends with what failed: {0: nothing, 1: mapping, 2: fork, 3: the child}. A whole ELF
 * file, for the core has no place to install one.
 */
#if !defined(__aarch64__)
#error "this file is for aarch64"
#endif

#include <asm/unistd.h>

#define EXECUTED 42 /* how the executed child ends: the host's own program, say, ends otherwise */

        .file   "check_program.S" /* or the symbol table names the object, after the directory it was built in */

        .section .rodata
        .globl  check_program, check_program_end
        .hidden check_program, check_program_end
        .type   check_program, %object
        .balign 16
check_program:
        .byte   0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0
        .short  3, 183                    /* ET_DYN, the machine */
        .long   1
        .quad   begin - check_program, 64, 0 /* entry, program headers */
        .long   0
        .short  64, 56, 1, 64, 0, 0
        .long   1, 5                     /* PT_LOAD, readable and executable */
        .quad   0, 0, 0
        .quad   check_program_end - check_program, check_program_end - check_program, 0x10000

begin:  ldr     x0, [sp]                 /* argc: the executed child has more */
        cmp     x0, #1
        b.ne    executed
        mov     x0, #0
        mov     x1, #1                   /* a byte, PROT_READ, MAP_PRIVATE */
        mov     x2, #1
        mov     x3, #2
        mov     x4, #0
        mov     x5, #0
        mov     x8, #__NR_mmap
        svc     #0
        mov     x9, #1
        tbnz    x0, #63, end
        mov     x0, #17                  /* SIGCHLD: a fork */
        mov     x1, #0
        mov     x2, #0
        mov     x3, #0
        mov     x4, #0
        mov     x8, #__NR_clone
        svc     #0
        mov     x9, #2
        tbnz    x0, #63, end
        cbz     x0, child
        sub     sp, sp, #16
        mov     x1, sp
        mov     x2, #0
        mov     x3, #0
        mov     x8, #__NR_wait4
        svc     #0
        mov     x9, #3
        ldr     w1, [sp]
        mov     w2, #EXECUTED << 8       /* and no other program was */
        cmp     w1, w2
        b.ne    end
        mov     x9, #0
end:    mov     x0, x9
        mov     x8, #__NR_exit_group
        svc     #0
executed:
        mov     x9, #EXECUTED
        b       end
child:  adr     x0, path
        stp     x0, x0, [sp, #-32]!
        str     xzr, [sp, #16]
        mov     x1, sp
        mov     x2, #0
        mov     x8, #__NR_execve
        svc     #0
        mov     x9, #3
        b       end
path:   .asciz  "/proc/self/exe"
check_program_end:
        .size   check_program, . - check_program

        .section .note.GNU-stack, "", %progbits

/* This object keeps to BTI, so that the linker may mark the library as protected. */
        .section .note.gnu.property, "a"
        .p2align 3
        .word   4, 16, 5
        .asciz  "GNU"
        .word   0xc0000000, 4, 1, 0
