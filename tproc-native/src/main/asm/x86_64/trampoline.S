/*
 * x86_64: into a new process, and from there into the program. See trampoline.h.
 *
 * System V ABI: arguments in rdi, rsi, rdx, rcx, r8, r9; a system call takes its fourth in r10, and destroys rax, rcx
 * and r11 only. The child starts with the parent's registers but for rax (0) and rsp (its own stack), so what it needs
 * is kept in registers that the call leaves alone.
 */
#if !defined(__x86_64__)
#error "this file is for x86_64"
#endif

#include <asm/unistd.h>

        .file   "trampoline.S" /* or the symbol table names the object, after the directory it was built in */

        .text

/* long trampoline_clone3(rdi arguments, rsi size, rdx function, rcx argument) */
        .globl  trampoline_clone3
        .hidden trampoline_clone3
        .type   trampoline_clone3, @function
trampoline_clone3:
        endbr64
        mov     %rdx, %r8
        mov     %rcx, %r9
        mov     $__NR_clone3, %eax
        syscall
        test    %rax, %rax
        jz      in_child
        ret
        .size   trampoline_clone3, . - trampoline_clone3

/* long trampoline_clone(rdi flags, rsi stack_top, rdx pidfd, rcx child_tid, r8 function, r9 argument); r8 is also the
   call's `tls`, which it ignores without CLONE_SETTLS */
        .globl  trampoline_clone
        .hidden trampoline_clone
        .type   trampoline_clone, @function
trampoline_clone:
        endbr64
        mov     %rcx, %r10
        mov     $__NR_clone, %eax
        syscall
        test    %rax, %rax
        jz      in_child
        ret
        .size   trampoline_clone, . - trampoline_clone

/* r8 function, r9 argument; rsp is 16-byte aligned, as a call needs it */
        .type   in_child, @function
in_child:
        xor     %ebp, %ebp
        mov     %r9, %rdi
        call    *%r8
        ud2
        .size   in_child, . - in_child

/* void trampoline_enter(rdi entry, rsi stack_pointer): rdx is 0 (no function for atexit), all else too; the
   floating-point control words are those of a new process, whatever the host's threads have set */
        .globl  trampoline_enter
        .hidden trampoline_enter
        .type   trampoline_enter, @function
trampoline_enter:
        endbr64
        mov     %rsi, %rsp
        movl    $0x1f80, -8(%rsp)
        ldmxcsr -8(%rsp)
        fninit
        cld
        mov     %rdi, %r11
        xor     %eax, %eax
        xor     %ebx, %ebx
        xor     %ecx, %ecx
        xor     %edx, %edx
        xor     %esi, %esi
        xor     %edi, %edi
        xor     %ebp, %ebp
        xor     %r8d, %r8d
        xor     %r9d, %r9d
        xor     %r10d, %r10d
        xor     %r12d, %r12d
        xor     %r13d, %r13d
        xor     %r14d, %r14d
        xor     %r15d, %r15d
        jmp     *%r11
        .size   trampoline_enter, . - trampoline_enter

/* void trampoline_call_linker(rdi load, rsi stack_pointer, rdx next, rcx argument): the registers of a new program, and
   the call that begins every entry of glibc's dynamic linker. What it preserves, r12 and r13, is needed afterwards */
        .globl  trampoline_call_linker
        .hidden trampoline_call_linker
        .type   trampoline_call_linker, @function
trampoline_call_linker:
        endbr64
        mov     %rsi, %rsp
        movl    $0x1f80, -8(%rsp)
        ldmxcsr -8(%rsp)
        fninit
        cld
        mov     %rdi, %r11
        mov     %rcx, %r12
        mov     %rdx, %r13
        mov     %rsp, %rdi
        xor     %eax, %eax
        xor     %ebx, %ebx
        xor     %ecx, %ecx
        xor     %edx, %edx
        xor     %esi, %esi
        xor     %ebp, %ebp
        xor     %r8d, %r8d
        xor     %r9d, %r9d
        xor     %r10d, %r10d
        xor     %r14d, %r14d
        xor     %r15d, %r15d
        call    *%r11
        mov     %r12, %rdi
        mov     %rax, %rsi
        call    *%r13
        ud2
        .size   trampoline_call_linker, . - trampoline_call_linker

/* void trampoline_resume_linker(rdi address, rsi stack_pointer, rdx result) */
        .globl  trampoline_resume_linker
        .hidden trampoline_resume_linker
        .type   trampoline_resume_linker, @function
trampoline_resume_linker:
        endbr64
        mov     %rsi, %rsp
        mov     %rdi, %r11
        mov     %rdx, %rax
        xor     %ebx, %ebx
        xor     %ecx, %ecx
        xor     %edx, %edx
        xor     %esi, %esi
        xor     %edi, %edi
        xor     %ebp, %ebp
        xor     %r8d, %r8d
        xor     %r9d, %r9d
        xor     %r10d, %r10d
        xor     %r12d, %r12d
        xor     %r13d, %r13d
        xor     %r14d, %r14d
        xor     %r15d, %r15d
        jmp     *%r11
        .size   trampoline_resume_linker, . - trampoline_resume_linker

        .section .note.GNU-stack, "", @progbits
