/*
 * x86_64: a program of its own, which tproc_check hosts: it maps a file (its standard input), forks, executes
 * /proc/self/exe in the child, and ends with what failed: {0: nothing, 1: mapping, 2: fork, 3: the child}. A whole ELF
 * file, for the core has no place to install one.
 */
#if !defined(__x86_64__)
#error "this file is for x86_64"
#endif

#include <asm/unistd.h>

#define EXECUTED 42 /* how the executed child ends: the host's own program, say, ends otherwise */

        .file   "check_program.S" /* or the symbol table names the object, after the directory it was built in */

        .section .rodata
        .globl  check_program, check_program_end
        .hidden check_program, check_program_end
        .type   check_program, @object
        .balign 16
check_program:
        .byte   0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0
        .short  3, 62                    /* ET_DYN, the machine */
        .long   1
        .quad   begin - check_program, 64, 0 /* entry, program headers */
        .long   0
        .short  64, 56, 1, 64, 0, 0
        .long   1, 5                     /* PT_LOAD, readable and executable */
        .quad   0, 0, 0
        .quad   check_program_end - check_program, check_program_end - check_program, 0x10000

begin:  cmpq    $1, (%rsp)               /* argc: the executed child has more */
        jne     executed
        xor     %edi, %edi
        mov     $1, %esi                 /* a byte, PROT_READ, MAP_PRIVATE */
        mov     $1, %edx
        mov     $2, %r10d
        xor     %r8d, %r8d
        xor     %r9d, %r9d
        mov     $__NR_mmap, %eax
        syscall
        mov     $1, %edi
        test    %rax, %rax
        js      end
        mov     $17, %edi                /* SIGCHLD: a fork */
        xor     %esi, %esi
        xor     %edx, %edx
        xor     %r10d, %r10d
        xor     %r8d, %r8d
        mov     $__NR_clone, %eax
        syscall
        mov     $2, %edi
        test    %rax, %rax
        js      end
        jz      child
        mov     %rax, %rdi
        push    %rdi
        mov     %rsp, %rsi
        xor     %edx, %edx
        xor     %r10d, %r10d
        mov     $__NR_wait4, %eax
        syscall
        mov     $3, %edi
        cmpl    $EXECUTED << 8, (%rsp)   /* and no other program was */
        jne     end
        xor     %edi, %edi
end:    mov     $__NR_exit_group, %eax
        syscall
executed:
        mov     $EXECUTED, %edi
        jmp     end
child:  lea     path(%rip), %rdi
        xor     %edx, %edx
        push    %rdx
        push    %rdi
        push    %rdi
        mov     %rsp, %rsi
        mov     $__NR_execve, %eax
        syscall
        mov     $3, %edi
        jmp     end
path:   .asciz  "/proc/self/exe"
check_program_end:
        .size   check_program, . - check_program

        .section .note.GNU-stack, "", @progbits
