/*
 * aarch64: into a new process, and from there into the program. See trampoline.h.
 *
 * AAPCS64: arguments in x0-x7; a system call takes its number in x8, its arguments in x0-x5, and destroys x0 only. The
 * child starts with the parent's registers but for x0 (0) and sp (its own stack).
 */
#if !defined(__aarch64__)
#error "this file is for aarch64"
#endif

#include <asm/unistd.h>

        .file   "trampoline.S" /* or the symbol table names the object, after the directory it was built in */

/* A landing pad where branch protection is on; elsewhere a no-op. */
#define LANDING_PAD_CALL hint #34 /* bti c */

        .text

/* long trampoline_clone3(x0 arguments, x1 size, x2 function, x3 argument) */
        .globl  trampoline_clone3
        .hidden trampoline_clone3
        .type   trampoline_clone3, %function
trampoline_clone3:
        LANDING_PAD_CALL
        mov     x6, x2
        mov     x7, x3
        mov     x8, #__NR_clone3
        svc     #0
        cbz     x0, in_child
        ret
        .size   trampoline_clone3, . - trampoline_clone3

/* long trampoline_clone(x0 flags, x1 stack_top, x2 pidfd, x3 child_tid, x4 function, x5 argument); the call's own
   order is flags, stack, parent_tid, tls, child_tid */
        .globl  trampoline_clone
        .hidden trampoline_clone
        .type   trampoline_clone, %function
trampoline_clone:
        LANDING_PAD_CALL
        mov     x6, x4
        mov     x7, x5
        mov     x4, x3
        mov     x3, xzr
        mov     x8, #__NR_clone
        svc     #0
        cbz     x0, in_child
        ret
        .size   trampoline_clone, . - trampoline_clone

/* x6 function, x7 argument */
        .type   in_child, %function
in_child:
        mov     x29, xzr
        mov     x30, xzr
        mov     x0, x7
        blr     x6
        brk     #1
        .size   in_child, . - in_child

/* void trampoline_enter(x0 entry, x1 stack_pointer): every general register but one is 0, as for a new program, also
   the thread pointer and the floating-point control. x16 carries the address, and a return goes there, not a branch:
   the kernel enters a program without asking for a landing pad, and so does a return. */
        .globl  trampoline_enter
        .hidden trampoline_enter
        .type   trampoline_enter, %function
trampoline_enter:
        LANDING_PAD_CALL
        mov     sp, x1
        mov     x16, x0
        msr     tpidr_el0, xzr
        msr     fpcr, xzr
        msr     fpsr, xzr
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15, 17,18,19,20,21,22,23,24,25,26,27,28,29,30
        mov     x\n, xzr
        .endr
        ret     x16
        .size   trampoline_enter, . - trampoline_enter

/* void trampoline_call_linker(x0 load, x1 stack_pointer, x2 next, x3 argument): the registers of a new program, and the
   call that begins every entry of glibc's dynamic linker. It is no landing pad's business, so a return goes there. What
   it preserves, x19 and x20, is needed afterwards */
        .globl  trampoline_call_linker
        .hidden trampoline_call_linker
        .type   trampoline_call_linker, %function
trampoline_call_linker:
        LANDING_PAD_CALL
        mov     sp, x1
        mov     x16, x0
        mov     x19, x3
        mov     x20, x2
        msr     tpidr_el0, xzr
        msr     fpcr, xzr
        msr     fpsr, xzr
        .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15, 17,18, 21,22,23,24,25,26,27,28,29
        mov     x\n, xzr
        .endr
        mov     x0, sp
        adr     x30, linker_has_returned
        ret     x16
linker_has_returned:
        mov     x1, x0
        mov     x0, x19
        blr     x20
        brk     #1
        .size   trampoline_call_linker, . - trampoline_call_linker

/* void trampoline_resume_linker(x0 address, x1 stack_pointer, x2 result) */
        .globl  trampoline_resume_linker
        .hidden trampoline_resume_linker
        .type   trampoline_resume_linker, %function
trampoline_resume_linker:
        LANDING_PAD_CALL
        mov     sp, x1
        mov     x16, x0
        mov     x0, x2
        .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15, 17,18,19,20,21,22,23,24,25,26,27,28,29,30
        mov     x\n, xzr
        .endr
        ret     x16
        .size   trampoline_resume_linker, . - trampoline_resume_linker

        .section .note.GNU-stack, "", %progbits

/* This object keeps to BTI, so that the linker may mark the library as protected. */
        .section .note.gnu.property, "a"
        .p2align 3
        .word   4, 16, 5
        .asciz  "GNU"
        .word   0xc0000000, 4, 1, 0
