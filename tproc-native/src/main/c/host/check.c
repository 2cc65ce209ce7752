/* What this machine offers: each probe asks the kernel itself, since sandboxes forbid what a version promises. */
#include "host/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/page.h"
#include "base/raw_syscall.h"
#include "memory/address_space.h"
#include "spawn/clone.h"
#include "tproc_core.h"

/* Before 5.16 the kernel killed every process that shared the memory of one that died with a core-dumping signal. */
#define OLDEST_MAJOR 5
#define OLDEST_MINOR 16

/* A threadproc has some 30 mappings before it does anything; the kernel's default of 65,530 holds about 2,000 of them.
 */
#define FEW_MAPPINGS 65530

struct findings {
  struct tproc_finding *entries;
  size_t capacity;
  size_t count;
};

static struct tproc_finding ignored;

/* The next entry, with its verdict; beyond the capacity one that is not read. */
static struct tproc_finding *add(struct findings *findings, const char *name, enum tproc_verdict verdict,
                                 const char *advice) {
  struct tproc_finding *entry = findings->count < findings->capacity ? &findings->entries[findings->count++] : &ignored;
  entry->name = name;
  entry->verdict = verdict;
  entry->value[0] = '\0';
  snprintf(entry->advice, sizeof entry->advice, "%s", verdict == TPROC_OK ? "" : advice);
  return entry;
}

static void set_value(struct tproc_finding *entry, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void set_value(struct tproc_finding *entry, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(entry->value, sizeof entry->value, format, arguments);
  va_end(arguments);
}

/* A sandbox may say that a call is done without doing it. */
#define NOTHING_DONE (-1)

/* "yes", or the name of the errno that stands in the way; `code` may also be NOTHING_DONE. */
static void add_probe(struct findings *findings, const char *name, int code, enum tproc_verdict otherwise,
                      const char *advice) {
  struct tproc_finding *entry = add(findings, name, code == 0 ? TPROC_OK : otherwise, advice);
  const char *errno_name = code > 0 ? strerrorname_np(code) : NULL;
  if (code == NOTHING_DONE)
    set_value(entry, "of no effect");
  else
    set_value(entry, "%s", code == 0 ? "yes" : errno_name != NULL ? errno_name : "no");
}

static int code_of(long result) { return result < 0 ? errno : 0; }

#define PROBE_STACK_PAGES 16

/* In a process that shares the prober's memory, on a foreign thread pointer: see child.c for what may be done there. */
__attribute__((noreturn, no_stack_protector, no_sanitize("address", "undefined"))) static void crash(void *unused) {
  (void)unused;
  const uint64_t none = 0;
  raw_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
  raw_syscall2(SYS_kill, raw_syscall0(SYS_getpid), SIGSEGV);
  for (;;) raw_syscall1(SYS_exit_group, 1);
}

/* In a forked child: it ends with 0 only if it outlives a process that has shared its memory and crashed. */
__attribute__((noreturn)) static void outlive_crash(void) {
  const struct rlimit no_file = {.rlim_cur = 1, .rlim_max = 1}; /* 0 would be a dump where core_pattern is a pipe */
  const size_t stack_size = PROBE_STACK_PAGES * page_size();
  uint32_t cleared = 1;
  int pidfd = -1, status = 0;
  prctl(PR_SET_DUMPABLE, 1); /* or nothing is dumped, and nobody killed for it */
  setrlimit(RLIMIT_CORE, &no_file);
  signal(SIGSEGV, SIG_DFL);
  char *stack = mmap(NULL, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED) _exit(1);
  const struct clone_request request = {
      .stack = {(uint64_t)stack, (uint64_t)stack + stack_size}, .cleared_at_exit = &cleared, .function = crash};
  const pid_t pid = clone_process(&request, &pidfd);
  if (pid < 0 || waitpid(pid, &status, __WALL) != pid) _exit(1);
  _exit(WIFSIGNALED(status) ? 0 : 1);
}

/* Distributions' kernels with older numbers may have it, too. It takes a fork, so who need not be asked is not. */
static bool contains_crashes(void) {
  sigset_t all, before;
  int status = 1;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) outlive_crash();
  sigprocmask(SIG_SETMASK, &before, NULL);
  return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void check_kernel(struct findings *findings) {
  struct utsname name;
  unsigned major = 0, minor = 0;
  uname(&name);
  sscanf(name.release, "%u.%u", &major, &minor);
  const bool new_enough = major > OLDEST_MAJOR || (major == OLDEST_MAJOR && minor >= OLDEST_MINOR);
  struct tproc_finding *entry =
      add(findings, "kernel", new_enough || contains_crashes() ? TPROC_OK : TPROC_MISSING,
          "Linux 5.16 or later is needed: before it, one crashing threadproc takes the whole host down");
  set_value(entry, "%.60s %.30s", name.release, name.machine);
}

/*
 * What the process that is tried does, which shares its parent's descriptor table to its end, so that no file has a
 * copy that would have to be closed: a filter that allows everything, with a listener. What is found is left for the
 * parent, whose memory this is.
 */
struct process_probe {
  struct sock_filter allow;
  struct sock_fprog program;
  long listener; /* 0, a negative errno, or OF_NO_EFFECT */
};

#define OF_NO_EFFECT 1

static int code_in(long result) { return result == OF_NO_EFFECT ? NOTHING_DONE : (int)-result; }

/* This and the next one run in the new process, on a foreign thread pointer: see child.c for what may be done there.
 */
__attribute__((no_stack_protector, no_sanitize("address", "undefined"))) static long raise_listener(
    const struct sock_fprog *program) {
  uint64_t no_call = 0;
  raw_syscall5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const long listener = raw_syscall3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, program);
  if (listener < 0) return listener;
  const long answer = raw_syscall3(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &no_call);
  /* What only says that it is done says 0, and that is somebody else's descriptor. */
  if (answer == -ENOENT || listener > 0) raw_syscall1(SYS_close, listener);
  return answer == -ENOENT ? 0 : OF_NO_EFFECT;
}

__attribute__((no_stack_protector, no_sanitize("address", "undefined"))) static void probe_process(void *argument) {
  struct process_probe *probe = argument;
  probe->listener = raise_listener(&probe->program);
  for (;;) raw_syscall1(SYS_exit_group, 0);
}

/* Makes and collects one process exactly as a launch does, and raises a fence in it. */
static void check_clone(struct findings *findings) {
  static const char advice[] =
      "processes cannot be created here (a sandbox, or a limit on processes): allow clone with CLONE_VM, or raise "
      "ulimit -u";
  const size_t stack_size = PROBE_STACK_PAGES * page_size();
  char *stack = mmap(NULL, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED) {
    add_probe(findings, "clone", errno, TPROC_MISSING, advice);
    return;
  }
  uint32_t cleared = 1;
  int pidfd = -1;
  struct process_probe probe = {.allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
                                .program = {.len = 1, .filter = &probe.allow},
                                .listener = -ECHILD};
  const struct clone_request request = {.stack = {(uint64_t)stack, (uint64_t)stack + stack_size},
                                        .cleared_at_exit = &cleared,
                                        .function = probe_process,
                                        .argument = &probe};
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t pid = clone_process(&request, &pidfd);
  int waited = 0;
  if (pid >= 0) {
    siginfo_t info = {.si_pid = 0};
    waited = code_of(waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | __WALL));
    if (waited == 0 && info.si_pid != pid) waited = NOTHING_DONE;
    if (waited != 0) waitpid(pid, NULL, __WALL);
    close(pidfd);
  }
  sigprocmask(SIG_SETMASK, &before, NULL);
  munmap(stack, stack_size);
  add_probe(findings, "clone", pid < 0 ? -pid : 0, TPROC_MISSING, advice);
  add_probe(findings, "clone3", syscall(SYS_clone3, NULL, 0) < 0 && errno == EINVAL ? 0 : errno, TPROC_LIMITED,
            "clone3 is forbidden (Docker's default profile does that): clone is used instead");
  if (pid < 0) return;
  add_probe(findings, "waitid-pidfd", waited, TPROC_MISSING, "allow waitid with P_PIDFD in this sandbox");
  add_probe(findings, "seccomp-listener", code_in(probe.listener), TPROC_MISSING,
            probe.listener == -EBUSY
                ? "there can be only one: a host cannot run inside a threadproc, or in a sandbox that "
                  "has a seccomp listener itself"
                : "allow seccomp with SECCOMP_FILTER_FLAG_NEW_LISTENER in this sandbox (a kernel with "
                  "CONFIG_SECCOMP_FILTER)");
}

static void check_pidfd(struct findings *findings) {
  int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
  int code = code_of(self);
  if (self >= 0) code = code_of(syscall(SYS_pidfd_send_signal, self, 0, NULL, 0));
  if (self >= 0 && code == 0 && syscall(SYS_pidfd_send_signal, self, -1, NULL, 0) == 0) code = NOTHING_DONE;
  add_probe(findings, "pidfd", code, TPROC_MISSING, "allow pidfd_open and pidfd_send_signal in this sandbox");
  int copy = self < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, self, self, 0);
  add_probe(findings, "pidfd-getfd", self < 0 ? code : code_of(copy), TPROC_LIMITED,
            "pidfd_getfd is forbidden here (in Docker: --cap-add SYS_PTRACE): /proc/PID/fd is used instead");
  if (copy >= 0) close(copy);
  if (self >= 0) close(self);
}

/* Other threads may get the number at once: then the pipe's other end tells. */
static bool is_closed(const int ends[2]) {
  struct pollfd reader = {.fd = ends[0], .events = POLLIN};
  return fcntl(ends[1], F_GETFD) < 0 || (poll(&reader, 1, 0) == 1 && (reader.revents & POLLHUP) != 0);
}

static int close_range_code(void) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return code_of(syscall(SYS_close_range, ~0u, ~0u, 0));
  int code = code_of(syscall(SYS_close_range, ends[1], ends[1], 0));
  if (code != 0 || !is_closed(ends)) {
    if (code == 0) code = NOTHING_DONE;
    close(ends[1]);
  }
  close(ends[0]);
  return code;
}

static void check_descriptors(struct findings *findings) {
  add_probe(findings, "close-range", close_range_code(), TPROC_MISSING, "allow close_range in this sandbox");
}

static void check_kcmp(struct findings *findings) {
  add_probe(findings, "kcmp", code_of(syscall(SYS_kcmp, getpid(), getpid(), KCMP_VM, 0, 0)), TPROC_LIMITED,
            "kcmp is forbidden here (in Docker: --cap-add SYS_PTRACE): forked children are told apart through /proc");
}

/* Processes are looked into by their numbers, under which the /proc of another pid namespace has other processes. */
static void check_proc(struct findings *findings) {
  static const char advice[] =
      "/proc has to be mounted, and has to be that of the process's own pid namespace: mount -t proc proc /proc";
  char link[32] = "";
  const ssize_t length = readlink("/proc/self", link, sizeof link - 1);
  const int code = length < 0 ? errno : 0;
  if (code == 0 && strtol(link, NULL, 10) != getpid())
    set_value(add(findings, "proc", TPROC_MISSING, advice), "of another pid namespace");
  else
    add_probe(findings, "proc", code, TPROC_MISSING, advice);
}

/* The first number of a file, or -1. */
static long number_in(const char *path) {
  FILE *file = fopen(path, "re");
  long number = -1;
  if (file == NULL) return -1;
  if (fscanf(file, "%ld", &number) != 1) number = -1;
  fclose(file);
  return number;
}

static void check_limits(struct findings *findings) {
  const long mappings = number_in("/proc/sys/vm/max_map_count");
  struct tproc_finding *entry =
      add(findings, "max-map-count", mappings < 0 || mappings >= FEW_MAPPINGS ? TPROC_OK : TPROC_LIMITED,
          "one budget for the host and all threadprocs: raise it with sysctl vm.max_map_count=1048576");
  if (mappings < 0)
    set_value(entry, "unknown");
  else
    set_value(entry, "%ld", mappings);

  const long overcommit = number_in("/proc/sys/vm/overcommit_memory");
  entry = add(findings, "overcommit", overcommit == 2 ? TPROC_LIMITED : TPROC_OK,
              "vm.overcommit_memory=2 charges every threadproc's whole stack");
  set_value(entry, "%ld", overcommit);
}

static void check_addresses(struct findings *findings) {
  set_value(add(findings, "page-size", TPROC_OK, ""), "%llu", (unsigned long long)page_size());
  const unsigned bits = 64 - (unsigned)__builtin_clzll(getauxval(AT_EXECFN));
  struct tproc_finding *entry = add(findings, "address-bits", bits >= 47 ? TPROC_OK : TPROC_LIMITED,
                                    "a small address space: slots are smaller, and there are fewer of them");
  set_value(entry, "%u", bits);
}

/* Where each program that was built with AddressSanitizer wants its shadow, with the usual size of the address space.
 */
#if defined(__x86_64__)
static const struct address_range asan_shadow = {0x7fff7000, 0x10007fff8000};
#else
static const struct address_range asan_shadow = {0x1000000000, 0x201000000000};
#endif

static bool note_name(const struct mapping *mapping, void *context) {
  set_value(context, "taken by %#llx-%#llx %.20s", (unsigned long long)mapping->range.low,
            (unsigned long long)mapping->range.high, mapping->name);
  return false;
}

static void check_sanitizers(struct findings *findings) {
  struct address_space space;
  if (address_space_open(&space, NULL) != 0) return; /* a launch finds that, too */
  struct tproc_finding *entry = add(findings, "asan-shadow", TPROC_OK, "");
  set_value(entry, "free");
  address_space_visit(&space, asan_shadow, note_name, entry);
  address_space_close(&space);
}

static void check_yama(struct findings *findings) {
  const long scope = number_in("/proc/sys/kernel/yama/ptrace_scope");
  struct tproc_finding *entry = add(findings, "yama", scope <= 1 ? TPROC_OK : TPROC_LIMITED,
                                    "kernel.yama.ptrace_scope above 1: debuggers and pidfd_getfd need privileges");
  if (scope < 0)
    set_value(entry, "absent");
  else
    set_value(entry, "%ld", scope);
}

size_t check_probes(struct tproc_finding *entries, size_t capacity) {
  struct findings findings = {.entries = entries, .capacity = capacity};
  check_kernel(&findings);
  check_proc(&findings);
  check_clone(&findings);
  check_pidfd(&findings);
  check_descriptors(&findings);
  check_kcmp(&findings);
  check_limits(&findings);
  check_addresses(&findings);
  check_yama(&findings);
  check_sanitizers(&findings);
  return findings.count;
}

size_t tproc_check(struct tproc_finding *entries, size_t capacity) {
  struct tproc_finding probed[TPROC_FINDINGS_MAX];
  struct findings findings = {.entries = entries, .capacity = capacity};
  const size_t count = check_probes(probed, TPROC_FINDINGS_MAX);
  bool missing = false;
  for (size_t i = 0; i < count; i++) missing = missing || probed[i].verdict == TPROC_MISSING;
  for (size_t i = 0; i < count && i < capacity; i++) entries[i] = probed[i];
  findings.count = count < capacity ? count : capacity;
  if (missing || findings.count == capacity) return findings.count; /* the launch would find the same once more */
  check_launch(add(&findings, "launch", TPROC_OK, ""));
  return findings.count;
}
