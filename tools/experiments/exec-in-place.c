/*
 * Can a process be given another program without leaving the memory that it shares? An experiment, for
 * docs/decisions/execve.md.
 *
 *   gcc -O1 -o exec-in-place exec-in-place.c && gcc -O1 -static-pie -o report exec-in-place-report.c
 *   ./exec-in-place ROUNDS ./report
 *
 * A process that shares this one's memory calls execve, with a handler, an alternate stack, a robust list, rseq and
 * descriptors of its own. A seccomp listener holds the call. This process then seizes it with ptrace, answers the
 * call, and finds it stopped before it is back in its program: there it blocks all signals and sets the registers to a
 * stub, which undoes what the old program has asked of the kernel, and enters the new program. A third process sends
 * signals all the time; a fourth part of the rounds ends in the middle, by SIGKILL.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/ptrace.h>
#include <linux/rseq.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Not in sys/ptrace.h together with linux/ptrace.h. */
extern long ptrace(int request, ...);

#define STACK_SIZE (256u << 10)
#define OUTPUT 1
#define KEPT 20   /* a descriptor that stays */
#define CLOSED 21 /* one with FD_CLOEXEC */
#define RSEQ_SIGNATURE 0x53053053

static long raw(long number, long a, long b, long c, long d, long e) {
#if defined(__x86_64__)
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, result __asm__("rax") = number;
  __asm__ volatile("syscall" : "+r"(result) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
  return result;
#else
  register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c,
                   x3 __asm__("x3") = d, x4 __asm__("x4") = e;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
#endif
}

/* All that the two processes say to each other. */
static struct plan {
  int switched;          /* set by the stub: from here on no code of the old program may run */
  int old_code_ran;      /* the old handler, after that */
  long handled;          /* by the old handler, before */
  long entry, stack;     /* of the new program */
  long rseq, rseq_size;  /* of the old one */
  long mask;             /* the signals that it had blocked */
  void *old, *old_stack; /* what is unmapped */
  int listener;
} plan;

struct kernel_action {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)(void);
  uint64_t mask;
};

void restore_signal(void);
#if defined(__x86_64__)
__asm__("restore_signal: mov $15, %eax\n syscall\n");
#else
__asm__("restore_signal: mov x8, #139\n svc 0\n");
#endif

__attribute__((no_stack_protector)) static void old_handler(int signal) {
  (void)signal;
  if (__atomic_load_n(&plan.switched, __ATOMIC_SEQ_CST))
    plan.old_code_ran++;
  else
    plan.handled++;
}

/* The old program, on a foreign thread pointer, as between a threadproc's clone and its entry. */
__attribute__((noreturn, no_stack_protector)) static void old_program(void) {
  raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  raw(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                               BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 0, 1),
                               BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                               BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog filter = {4, code};
  struct kernel_action action = {old_handler, 0x04000000 /* SA_RESTORER */, restore_signal, 0};
  stack_t alternate = {.ss_sp = plan.old, .ss_size = 16384};
  struct {
    long next, offset, pending;
  } robust = {(long)&robust, 0, 0};
  /* Shared with the tracer, so that it finds the listener; unshared afterwards. */
  plan.listener =
      (int)raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
               SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, (long)&filter, 0, 0);
  raw(SYS_close_range, ~0u, ~0u, 2 /* CLOSE_RANGE_UNSHARE */, 0, 0);
  raw(SYS_dup3, 0, KEPT, 0, 0, 0);
  raw(SYS_dup3, 0, CLOSED, O_CLOEXEC, 0, 0);
  raw(SYS_rt_sigaction, SIGWINCH, (long)&action, 0, 8, 0);
  raw(SYS_sigaltstack, (long)&alternate, 0, 0, 0, 0);
  raw(SYS_set_robust_list, (long)&robust, sizeof robust, 0, 0, 0);
  raw(SYS_rseq, (long)plan.old + 32768, 32, 0, RSEQ_SIGNATURE, 0);
  uint64_t none = 1ull << (SIGUSR2 - 1); /* blocked, and sent: it has to be pending in the new program */
  raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, 8, 0);
  raw(SYS_kill, raw(SYS_getpid, 0, 0, 0, 0, 0), SIGUSR2, 0, 0, 0);
  while (__atomic_load_n(&plan.handled, __ATOMIC_SEQ_CST) < 3) raw(SYS_sched_yield, 0, 0, 0, 0, 0);
  const char *argv[] = {"report", NULL};
  /* A signal that comes before the listener has received the call interrupts it, as it may interrupt a threadproc's. */
  while (raw(SYS_execve, (long)"/proc/self/fd/0", (long)argv, (long)(argv + 1), 0, 0) == -EINTR) continue;
  raw(SYS_exit_group, 99, 0, 0, 0, 0); /* the call has come back */
  for (;;) continue;
}

/* What execve does to a process besides its memory. Runs on a stack outside of both programs, all signals blocked. */
__attribute__((noreturn, no_stack_protector)) static void stub(void) {
  __atomic_store_n(&plan.switched, 1, __ATOMIC_SEQ_CST);
  const struct kernel_action by_default = {0};
  for (int signal = 1; signal <= 64; signal++) raw(SYS_rt_sigaction, signal, (long)&by_default, 0, 8, 0);
  const stack_t no_stack = {.ss_flags = SS_DISABLE};
  raw(SYS_sigaltstack, (long)&no_stack, 0, 0, 0, 0);
  raw(SYS_set_robust_list, 0, 24, 0, 0, 0);
  raw(SYS_set_tid_address, 0, 0, 0, 0, 0);
  if (plan.rseq != 0) raw(SYS_rseq, plan.rseq, plan.rseq_size, RSEQ_FLAG_UNREGISTER, RSEQ_SIGNATURE, 0);
  raw(SYS_close, CLOSED, 0, 0, 0, 0); /* the host knows which: /proc/PID/fdinfo */
  raw(SYS_munmap, (long)plan.old, 65536, 0, 0, 0);
  raw(SYS_munmap, (long)plan.old_stack, STACK_SIZE, 0, 0, 0);
  raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&plan.mask, 0, 8, 0);
#if defined(__x86_64__)
  raw(SYS_arch_prctl, 0x1002 /* ARCH_SET_FS */, 0, 0, 0, 0);
  __asm__ volatile("mov %0, %%rsp\n xor %%edx, %%edx\n xor %%ebp, %%ebp\n jmp *%1" ::"c"(plan.stack), "a"(plan.entry));
#else
  __asm__ volatile("mov sp, %0\n msr tpidr_el0, xzr\n mov x0, #0\n br %1" ::"r"(plan.stack), "r"(plan.entry) : "x0");
#endif
  __builtin_unreachable();
}

static void fail(const char *what) {
  perror(what);
  exit(2);
}

static void *map(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mmap");
  return memory;
}

/* Maps a static program that is position-independent. */
static char *load(const char *path, const Elf64_Ehdr **header, size_t *size) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  Elf64_Ehdr head;
  Elf64_Phdr parts[16];
  if (file < 0 || pread(file, &head, sizeof head, 0) != sizeof head || head.e_type != ET_DYN || head.e_phnum > 16)
    fail(path);
  if (pread(file, parts, head.e_phnum * sizeof *parts, (off_t)head.e_phoff) < 0) fail(path);
  *size = 0;
  for (int i = 0; i < head.e_phnum; i++)
    if (parts[i].p_type == PT_LOAD) *size = (parts[i].p_vaddr + parts[i].p_memsz + 0xffff) & ~0xfffful;
  char *base = mmap(NULL, *size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) fail("mmap");
  for (int i = 0; i < head.e_phnum; i++)
    if (parts[i].p_type == PT_LOAD &&
        pread(file, base + parts[i].p_vaddr, parts[i].p_filesz, (off_t)parts[i].p_offset) < 0)
      fail(path);
  close(file);
  *header = (const Elf64_Ehdr *)base;
  return base;
}

/* argc, argv, envp and auxv, as the kernel puts them there. */
static long entry_stack(char *low, const char *base, const Elf64_Ehdr *header) {
  long *at = (long *)(low + STACK_SIZE - 4096);
  char *text = low + STACK_SIZE - 1024;
  strcpy(text, "report");
  const long values[] = {1,         (long)text,
                         0,         0,
                         AT_PHDR,   (long)base + (long)header->e_phoff,
                         AT_PHNUM,  header->e_phnum,
                         AT_PHENT,  sizeof(Elf64_Phdr),
                         AT_ENTRY,  (long)base + (long)header->e_entry,
                         AT_PAGESZ, sysconf(_SC_PAGESIZE),
                         AT_RANDOM, (long)(text + 64),
                         AT_NULL,   0};
  memcpy(at, values, sizeof values);
  return (long)at;
}

static int in_child(void *unused) {
  (void)unused;
  old_program();
}

static void set_registers(pid_t pid, long counter, long stack) {
  struct user_regs_struct registers;
  struct iovec area = {&registers, sizeof registers};
  if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &area) != 0) return; /* killed meanwhile */
#if defined(__x86_64__)
  registers.rip = (unsigned long)counter;
  registers.rsp = (unsigned long)stack - 8; /* as after a call */
  registers.orig_rax = (unsigned long)-1;   /* no call is restarted */
#else
  registers.pc = (unsigned long)counter;
  registers.sp = (unsigned long)stack;
#endif
  ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &area);
}

/* @return 0, or -1 when it has been killed meanwhile; status is then how, if it has been collected here */
static int redirect(pid_t pid, int listener, const struct seccomp_notif *call, char *stub_stack, int *found) {
  if (ptrace(PTRACE_SEIZE, pid, 0, 0) != 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) != 0) return -1;
  struct seccomp_notif_resp answer = {.id = call->id, .error = -EINTR};
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0) return -1;
  if (waitpid(pid, found, __WALL) != pid || !WIFSTOPPED(*found)) return -1;
  const int status = *found;
  if (status >> 16 != PTRACE_EVENT_STOP) { /* a signal came first: hand it to nobody yet, the stop is next */
    fprintf(stderr, "a signal-delivery-stop before the interrupt: %x\n", (unsigned)status);
    return -2;
  }
  uint64_t all = ~0ull;
  struct ptrace_rseq_configuration rseq = {0};
  if (ptrace(PTRACE_GETSIGMASK, pid, 8L, &plan.mask) != 0 || ptrace(PTRACE_SETSIGMASK, pid, 8L, &all) != 0) return -1;
  if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, pid, sizeof rseq, &rseq) > 0) {
    plan.rseq = (long)rseq.rseq_abi_pointer;
    plan.rseq_size = rseq.rseq_abi_size;
  }
  set_registers(pid, (long)stub, (long)stub_stack + STACK_SIZE - 64);
  return ptrace(PTRACE_DETACH, pid, 0, 0) == 0 ? 0 : -1;
}

static pid_t start_storm(pid_t target) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  close_range(3, ~0u, 0);
  close(OUTPUT); /* a pipe, whose end is waited for */
  for (;;)
    if (kill(target, SIGWINCH) != 0) _exit(0);
}

/* @return NULL when all was as it should be, or what was not */
static const char *round_of(const char *path, int round) {
  static char output[4096];
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC) != 0) fail("pipe");
  memset(&plan, 0, sizeof plan);
  plan.old = map(65536);
  plan.old_stack = map(STACK_SIZE);
  char *stub_stack = map(STACK_SIZE), *new_stack = map(STACK_SIZE);
  const Elf64_Ehdr *header;
  size_t size;
  const char *base = load(path, &header, &size);
  plan.entry = (long)base + (long)header->e_entry;
  plan.stack = entry_stack(new_stack, base, header);
  const int saved = dup(OUTPUT);
  dup2(pipes[1], OUTPUT);
  const pid_t pid = clone(in_child, (char *)plan.old_stack + STACK_SIZE, CLONE_VM | CLONE_FILES, NULL);
  if (pid < 0) fail("clone");
  while (__atomic_load_n(&plan.listener, __ATOMIC_SEQ_CST) == 0) sched_yield();
  const int listener = plan.listener;
  const pid_t storm = start_storm(pid);
  struct seccomp_notif call = {0};
  while (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
    if (errno != EINTR && errno != ENOENT) fail("receive");
  dup2(saved, OUTPUT);
  close(saved);
  close(pipes[1]);
  const int killed = round % 4 == 3;
  if (killed && fork() == 0) {
    for (volatile int i = 0; i < round % 1000 * 50; i++) continue;
    kill(pid, SIGKILL);
    _exit(0);
  }
  int status = 0;
  const int result = redirect(pid, listener, &call, stub_stack, &status);
  size_t got = 0;
  for (ssize_t n; (n = read(pipes[0], output + got, sizeof output - 1 - got)) > 0;) got += (size_t)n;
  output[got] = '\0';
  while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) continue;
  kill(storm, SIGKILL);
  while (waitpid(-1, NULL, 0) > 0) continue;
  close(listener);
  close(pipes[0]);
  const bool went_on = WIFEXITED(status) && WEXITSTATUS(status) == 7;
  munmap(stub_stack, STACK_SIZE);
  munmap(new_stack, STACK_SIZE);
  munmap((void *)base, size);
  if (plan.switched == 0) { /* else the stub has */
    munmap(plan.old, 65536);
    munmap(plan.old_stack, STACK_SIZE);
  }
  static char wanted[256];
  snprintf(wanted, sizeof wanted, "pid %d parent %d handlers 0 pending %llx blocked %llx kept 1 closed 1\n", pid,
           getpid(), 1ull << (SIGUSR2 - 1), 1ull << (SIGUSR2 - 1));
  if (plan.old_code_ran != 0) return "code of the old program ran in the new one";
  if (killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return NULL;
  if (result != 0) return "not redirected";
  if (!went_on) {
    snprintf(output, sizeof output, "status %x", (unsigned)status);
    return output;
  }
  return strcmp(output, wanted) == 0 ? NULL : output;
}

int main(int argc, char *argv[]) {
  if (argc != 3) return 2;
  const int rounds = atoi(argv[1]);
  int wrong = 0;
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  long handled = 0;
  for (int i = 0; i < rounds; i++) {
    const char *problem = round_of(argv[2], i);
    handled += plan.handled;
    if (problem != NULL && wrong++ < 5) printf("round %d: %s\n", i, problem);
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%d rounds, %d wrong; %ld signals were handled by the old programs, %.3f s\n", rounds, wrong, handled,
         (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
  return wrong != 0;
}
