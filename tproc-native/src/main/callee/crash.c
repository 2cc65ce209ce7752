#include "crash.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

#include "caller.h"

/* Looking for a symbol takes ld.so's lock, which a killed thread may have held: then this ends the program. */
#define SYMBOL_SECONDS 1

static struct crash_record *record;

static const int watched[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};

static void read_registers(const ucontext_t *context) {
#if defined(__x86_64__)
  record->pc = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
  record->sp = (uint64_t)context->uc_mcontext.gregs[REG_RSP];
#else
  record->pc = context->uc_mcontext.pc;
  record->sp = context->uc_mcontext.sp;
#endif
}

static void copy_text(char *to, size_t size, const char *from) {
  if (from == NULL) return;
  const size_t length = strnlen(from, size - 1);
  memcpy(to, from, length);
  to[length] = '\0';
}

/* Of abort() its caller is told, not where the C library raises the signal. */
static void move_to_caller(void) {
  const uint64_t call = record->signal == SIGABRT ? caller_of_runtime(record->pc) : 0;
  if (call != 0) record->pc = call;
}

static void find_symbol(void) {
  struct sigaction kill = {.sa_handler = SIG_DFL};
  Dl_info info = {0};
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, SIGALRM);
  sigaction(SIGALRM, &kill, NULL);
  pthread_sigmask(SIG_UNBLOCK, &only, NULL); /* or it would be left to a thread that may have blocked it */
  alarm(SYMBOL_SECONDS);
  move_to_caller();
  const int found = dladdr((void *)(uintptr_t)record->pc, &info);
  alarm(0);
  if (found == 0) return;
  record->object = (uintptr_t)info.dli_fbase;
  record->symbol_address = (uintptr_t)info.dli_saddr;
  copy_text(record->file, sizeof record->file, info.dli_fname);
  copy_text(record->symbol, sizeof record->symbol, info.dli_sname);
}

/* The first one counts: another thread may crash meanwhile. */
static void write_down(int signal, const siginfo_t *info, void *context) {
  static atomic_flag begun = ATOMIC_FLAG_INIT;
  if (atomic_flag_test_and_set(&begun)) return;
  record->signal = signal;
  record->code = info->si_code;
  record->has_address = info->si_code > 0 && (signal == SIGSEGV || signal == SIGBUS) && info->si_code != SI_KERNEL;
  record->address = record->has_address ? (uint64_t)(uintptr_t)info->si_addr : 0;
  read_registers(context);
  atomic_store(&record->written, 1);
  find_symbol();
  atomic_store(&record->written, 2);
}

/* On return the signal comes once more, by itself or because it is pending, and ends the program. */
static void crashed(int signal, siginfo_t *info, void *context) {
  struct sigaction end = {.sa_handler = SIG_DFL};
  write_down(signal, info, context);
  sigaction(signal, &end, NULL);
  raise(signal);
}

/*
 * A core dump would have the whole host's memory, and take as long. 1 is also what stops one that goes to a pipe
 * (core(5)).
 */
static void forbid_core_dumps(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_CORE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max < 1 ? limit.rlim_max : 1;
  setrlimit(RLIMIT_CORE, &limit);
}

void crash_watch(struct crash_record *to) {
  record = to;
  forbid_core_dumps();
  crash_watch_thread();
  struct sigaction action = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) sigaction(watched[i], &action, NULL);
}

/* Lives as long as the thread's lane: as long as the program. */
void crash_watch_thread(void) {
  const long least = sysconf(_SC_SIGSTKSZ);
  const size_t size = (least > 0 ? (size_t)least : 8192) + 32768;
  stack_t stack = {.ss_sp = malloc(size), .ss_size = size};
  if (stack.ss_sp != NULL) sigaltstack(&stack, NULL);
}
