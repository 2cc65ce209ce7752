/*
 * calls MODE …: memory calls as programs make them. Prints what went wrong, a line each, and "done" at the end.
 *
 *   flags                 mmap with every flag: each mapping is where it belongs, and works
 *   thread                the same in a second thread, with descriptors of its process
 *   own-table             a thread that has left the process's descriptor table maps a file that only it has
 *   attack ADDRESS BYTES  every harmful call at another's memory: each has to fail
 *   trace TID             a debugger that attaches to the host's thread, which it may not, and to others
 *   controls              what acts on the whole address space: the expected answers
 *   executable            every way to ask for one's own executable, compared with argv[0]
 *   execute               execve and execveat of /proc/self/exe, from a fork and from a vfork child
 *   execute-in-threads    the same from vfork children of several threads at once, with one text
 *   execute-at TEXT PULSE the same once with the text there, while another thread does what `pulse PULSE` does
 *   store-signal ADDRESS  a call that writes its answer there
 *   store-context ADDRESS another, whose answer is a context of asynchronous I/O
 *   execute-unseen        is refused in a fork child that the host cannot look into, and runs no other program
 *   become                execs itself, with `native`
 *   become OTHER          execs that, which is at the same addresses, with `identity`
 *   fork-become OTHER     does so in a forked child and in a vforked one
 *   identity              the own executable, compared with argv[0], as every program has it
 *   native                memory calls by what has a memory of its own
 *   map FILE [write]      maps a file and closes it
 *   examine ADDRESS       says at ADDRESS that it runs, and looks at its own executable when it is told to there
 *   pulse ADDRESS         maps and unmaps until it is told to stop there, and reports how long the slowest took
 *   break                 the program break, also in a forked child
 *   user                  as `fork` and `executable`, by a program of root's that has become an ordinary user
 *   fork                  memory calls in a forked child, which has a memory of its own
 *   signals               a heap that grows and shrinks under signals
 *   storm ADDRESS         four threads that map, unmap, remap and break without end; says at ADDRESS that it runs
 *   populate ADDRESS      maps and fills 256 MiB again and again; says at ADDRESS that it runs
 *   fill ADDRESS          maps and fills 2 GiB; says at ADDRESS that it begins
 *   say                   prints its name: the own executable of `execute`
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report.h"
#include "tproc_abi.h"

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define EXPECT(condition)                                                                         \
  do {                                                                                            \
    if (!(condition)) printf("line %d: %s (%s)\n", __LINE__, #condition, strerrorname_np(errno)); \
  } while (0)
#define REFUSED(call, failed, code)                                                                                  \
  do {                                                                                                               \
    errno = 0;                                                                                                       \
    if ((call) != (failed) || errno != (code)) printf("line %d: %s: %s\n", __LINE__, #call, strerrorname_np(errno)); \
  } while (0)

static size_t page;
static void *volatile nowhere = (void *)8;

static const struct tproc_abi *slot(void) { return (const struct tproc_abi *)getauxval(TPROC_AT_ABI); }

static int in_slot(const void *address) {
  return (uint64_t)address >= slot()->slot_base && (uint64_t)address < slot()->slot_base + slot()->slot_size;
}

static size_t resident(char *memory, size_t size) {
  static unsigned char pages[1 << 17];
  size_t count = 0;
  if (mincore(memory, size, pages) != 0) return 0;
  for (size_t i = 0; i < size / page; i++) count += pages[i] & 1;
  return count;
}

/* Outgrows the slot's part for mappings, but not the machine's memory: it is only reserved. */
static void use_huge(void) {
  const size_t step = slot()->slot_size / 16;
  char *huge = mmap(NULL, 3 * step, PROT_READ | PROT_WRITE, PRIVATE | MAP_NORESERVE, -1, 0);
  EXPECT(huge != MAP_FAILED);
  if (huge == MAP_FAILED) return;
  huge[0] = 42;
  char *larger = mremap(huge, 3 * step, 5 * step, MREMAP_MAYMOVE);
  EXPECT(larger != MAP_FAILED && larger[0] == 42);
  if (larger == MAP_FAILED) return;
  larger[5 * step - 1] = 43;
  EXPECT(munmap(larger, 5 * step) == 0);
}

/* More than is unmapped, or let go of, at once. */
static void use_large(void) {
  const size_t size = 300u << 20, step = 10u << 20;
  char *large = mmap(NULL, size, PROT_READ | PROT_WRITE, PRIVATE | MAP_NORESERVE, -1, 0);
  EXPECT(large != MAP_FAILED);
  if (large == MAP_FAILED) return;
  for (size_t at = 0; at < size; at += step) large[at] = 1;
  EXPECT(madvise(large, size, MADV_DONTNEED) == 0);
  for (size_t at = 0; at < size; at += step) EXPECT(large[at] == 0);
  for (size_t at = 0; at < size; at += step) large[at] = 1;
  if (in_slot(large)) { /* a hole is an error, but only after all else has been done */
    EXPECT(munmap(large + step, page) == 0);
    REFUSED(madvise(large, size, MADV_DONTNEED), -1, ENOMEM);
    EXPECT(large[0] == 0 && large[size - step] == 0);
  }
  EXPECT(munmap(large, size) == 0);
  REFUSED(madvise(large, size, MADV_DONTNEED), -1, ENOMEM);
  EXPECT(munmap(large, size) == 0);
}

static void use_flags(void) {
  const size_t size = 64 * page;
  const int file = memfd_create("file", MFD_CLOEXEC);
  EXPECT(file >= 0 && ftruncate(file, (off_t)size) == 0);
  static const int flags[] = {PRIVATE,
                              MAP_SHARED | MAP_ANONYMOUS,
                              PRIVATE | MAP_STACK,
                              PRIVATE | MAP_GROWSDOWN,
                              PRIVATE | MAP_NORESERVE,
                              PRIVATE | MAP_POPULATE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE,
                              PRIVATE | MAP_POPULATE | MAP_NONBLOCK,
                              PRIVATE | MAP_LOCKED,
                              MAP_PRIVATE,
                              MAP_SHARED,
                              MAP_SHARED_VALIDATE,
                              MAP_SHARED | MAP_POPULATE};
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
    const int anonymous = (flags[i] & MAP_ANONYMOUS) != 0;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags[i], anonymous ? -1 : file, 0);
    if (memory == MAP_FAILED || !in_slot(memory)) {
      printf("mmap with flags %#x: %p, %s\n", (unsigned)flags[i], (void *)memory, strerrorname_np(errno));
      continue;
    }
    const int filled = (flags[i] & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE || (flags[i] & MAP_LOCKED) != 0;
    const size_t there = resident(memory, size);
    if (anonymous && there != (filled ? size / page : 0)) printf("flags %#x: %zu pages\n", (unsigned)flags[i], there);
    memset(memory, 7, size);
    EXPECT(mprotect(memory, page, PROT_READ) == 0);
    EXPECT((flags[i] & MAP_LOCKED) != 0 || madvise(memory + page, page, MADV_DONTNEED) == 0);
    EXPECT(munmap(memory, size) == 0);
  }
  char *large = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, PRIVATE | MAP_POPULATE, -1, 0);
  EXPECT(large != MAP_FAILED && resident(large, 64 << 20) == (64 << 20) / page);
  EXPECT(munmap(large, 64 << 20) == 0);
  char *readable = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
  EXPECT(readable != MAP_FAILED && munmap(readable, 1 << 20) == 0);
  char *nothing = mmap(NULL, 1 << 20, PROT_NONE, PRIVATE | MAP_POPULATE, -1, 0);
  EXPECT(nothing != MAP_FAILED && munmap(nothing, 1 << 20) == 0);
  const int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
  char *device = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
  EXPECT(device != MAP_FAILED && in_slot(device) && device[3] == 0);
  REFUSED(mmap(NULL, size, PROT_READ, MAP_PRIVATE, 99, 0), MAP_FAILED, EBADF);
  REFUSED(mmap(NULL, size, PROT_READ, MAP_PRIVATE, -1, 0), MAP_FAILED, EBADF);
  REFUSED(mmap(NULL, 0, PROT_READ, PRIVATE, -1, 0), MAP_FAILED, EINVAL);
  REFUSED(mmap(NULL, size, PROT_READ, MAP_SHARED, zero, 1), MAP_FAILED, EINVAL);
  const int write_only = open("/dev/null", O_WRONLY | O_CLOEXEC);
  REFUSED(mmap(NULL, size, PROT_READ, MAP_PRIVATE, write_only, 0), MAP_FAILED, EACCES);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  const int read_only = open(path, O_RDONLY | O_CLOEXEC);
  REFUSED(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, read_only, 0), MAP_FAILED, EACCES);
  char *shared = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
  EXPECT(shared != MAP_FAILED && mprotect(shared, size, PROT_READ | PROT_WRITE) == 0);
#if MAP_32BIT
  char *low = mmap(NULL, size, PROT_READ | PROT_WRITE, PRIVATE | MAP_32BIT, -1, 0);
  EXPECT(low != MAP_FAILED && (uint64_t)low < 1ull << 31);
  if (low != MAP_FAILED) memset(low, 1, size);
  EXPECT(mprotect(low, size, PROT_READ) == 0 && munmap(low, size) == 0);
#endif
  use_huge();
  use_large();
}

/* 50 is another file in the process's table, and 51 none. */
static void *map_from_own_table(void *file) {
  EXPECT(syscall(SYS_close_range, ~0u, ~0u, CLOSE_RANGE_UNSHARE) == 0);
  EXPECT(dup2(open(file, O_RDONLY), 50) == 50 && dup2(50, 51) == 51);
  for (int descriptor = 50; descriptor < 52; descriptor++) {
    const char *mapped = mmap(NULL, page, PROT_READ, MAP_PRIVATE, descriptor, 0);
    EXPECT(mapped != MAP_FAILED && memcmp(mapped, "\177ELF", 4) == 0);
  }
  return NULL;
}

/* The kernel's half of the addresses, and ranges that end below their start. */
static void name_what_nobody_has(void) {
  char *own = mmap(NULL, page, PROT_READ | PROT_WRITE, PRIVATE, -1, 0);
  char *kernels = (char *)(uintptr_t)0xffff800000000000;
  const size_t huge = (size_t)0 - page;
  REFUSED(mprotect(kernels, page, PROT_READ), -1, ENOMEM);
  REFUSED(mprotect(own, huge, PROT_READ), -1, ENOMEM);
  REFUSED(madvise(kernels, page, MADV_DONTNEED), -1, ENOMEM);
  REFUSED(madvise(own, huge, MADV_DONTNEED), -1, EINVAL);
  REFUSED(mlock(kernels, page), -1, ENOMEM);
  REFUSED(munlock(own, huge), -1, EINVAL);
  REFUSED(msync(kernels, page, MS_ASYNC), -1, ENOMEM);
  REFUSED(msync(own, huge, MS_ASYNC), -1, ENOMEM);
  *own = 1;
  EXPECT(munmap(own, page) == 0);
}

static void *use_flags_in_thread(void *unused) {
  use_flags();
  return unused;
}

static void attack(char *address, size_t size) {
  char *own = mmap(NULL, size, PROT_READ | PROT_WRITE, PRIVATE, -1, 0);
  REFUSED(munmap(address, size), -1, EPERM);
  REFUSED(munmap(address + page, page), -1, EPERM);
  REFUSED(mprotect(address, size, PROT_NONE), -1, EACCES);
  REFUSED((int)syscall(SYS_pkey_mprotect, address, size, PROT_NONE, -1), -1, EACCES);
  static const int advices[] = {MADV_DONTNEED, MADV_FREE,    MADV_REMOVE,    MADV_DONTFORK,
                                MADV_COLD,     MADV_PAGEOUT, MADV_WIPEONFORK};
  for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
    REFUSED(madvise(address, size, advices[i]), -1, EPERM);
  REFUSED(mlock(address, size), -1, ENOMEM);
  REFUSED((int)syscall(SYS_mlock2, address, size, 1 /* MLOCK_ONFAULT */), -1, ENOMEM);
  REFUSED(munlock(address, size), -1, ENOMEM);
  REFUSED(msync(address, size, MS_INVALIDATE), -1, ENOMEM);
  REFUSED((int)syscall(450 /* set_mempolicy_home_node */, address, size, 0, 0), -1, EFAULT);
  REFUSED(prctl(0x53564d41 /* PR_SET_VMA */, 0, address, size, "name"), -1, EPERM);
  REFUSED(mremap(address, size, 2 * size, MREMAP_MAYMOVE), MAP_FAILED, EFAULT);
  REFUSED(mremap(address, size, page, 0), MAP_FAILED, EFAULT);
  REFUSED(mremap(own, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, address), MAP_FAILED, ENOMEM);
  REFUSED(mmap(address, size, PROT_READ, PRIVATE | MAP_FIXED, -1, 0), MAP_FAILED, ENOMEM);
  EXPECT(mmap(address, size, PROT_READ, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED);
  REFUSED((int)syscall(SYS_remap_file_pages, address, size, 0, 0, 0), -1, EINVAL);
  REFUSED((int)syscall(SYS_mbind, address, size, 0, NULL, 0, 0), -1, EFAULT);
  REFUSED((int)syscall(SYS_shmdt, address), -1, EINVAL);
  REFUSED((int)syscall(SYS_shmat, -1, address, 0), -1, EINVAL);
  REFUSED((int)syscall(462 /* mseal */, address, size, 0), -1, EPERM);
  struct {
    char *base;
    size_t size;
  } range = {address, size};
  const int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
  REFUSED((int)syscall(SYS_process_madvise, self, &range, 1, MADV_PAGEOUT, 0), -1, EPERM);
  EXPECT(munmap(own, size) == 0);
}

/* What others are refused is the own memory's as ever. */
static void use_locks(void) {
  char *own = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, PRIVATE, -1, 0);
  EXPECT(mlock(own, page) == 0 || errno == ENOMEM || errno == EPERM); /* RLIMIT_MEMLOCK counts all together */
  EXPECT(munlock(own, page) == 0 && msync(own, page, MS_ASYNC) == 0);
  EXPECT(munmap(own, 2 * page) == 0);
  REFUSED(mlock((void *)0x123456789000, page), -1, ENOMEM);
}

#define FILLED (33ul << 20) /* more than is filled at once */

/* What would keep all others waiting is done in pieces, and is the same in the end. */
static void use_filling(void) {
  for (int i = 0; i < 2; i++) {
    char *own = mmap(NULL, FILLED, PROT_READ | PROT_WRITE, PRIVATE, -1, 0);
    EXPECT(madvise(own, FILLED, i == 0 ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0);
    EXPECT(resident(own, FILLED) == FILLED / page);
    REFUSED(madvise(own + 1, FILLED - page, MADV_POPULATE_READ), -1, EINVAL);
    EXPECT(mprotect(own + FILLED / 2, page, PROT_READ) == 0);
    EXPECT(madvise(own, FILLED, MADV_POPULATE_READ) == 0);
    REFUSED(madvise(own, FILLED, MADV_POPULATE_WRITE), -1, EINVAL);
    EXPECT(munmap(own + FILLED / 2, page) == 0);
    REFUSED(madvise(own, FILLED, MADV_POPULATE_READ), -1, ENOMEM);
    EXPECT(munmap(own, FILLED) == 0);
  }
}

static void use_large_locks(void) {
  struct rlimit limit;
  char *own = mmap(NULL, FILLED, PROT_READ | PROT_WRITE, PRIVATE, -1, 0);
  EXPECT(mprotect(own + FILLED / 2, page, PROT_READ) == 0);
  EXPECT(getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && resident(own, FILLED) == 0);
  if (syscall(SYS_mlock2, own, FILLED, 1 /* MLOCK_ONFAULT */) == 0)
    EXPECT(resident(own, FILLED) == 0 && munlock(own, FILLED) == 0);
  if (mlock(own, FILLED) == 0) {
    EXPECT(resident(own, FILLED) == FILLED / page && munlock(own, FILLED) == 0);
  } else {
    EXPECT(errno == ENOMEM || errno == EPERM);
    EXPECT(limit.rlim_cur >= FILLED || resident(own, FILLED) == 0);
  }
  EXPECT(munmap(own, FILLED) == 0);
}

#define LARGE (160ul << 20) /* more than is unmapped, replaced or unlocked at once */

static int is_free(char *memory, size_t size) {
  const int flags = PRIVATE | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  if (mmap(memory, size, PROT_NONE, flags, -1, 0) != memory) return 0;
  return munmap(memory, size) == 0;
}

static char *map_large(void) {
  char *own = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, PRIVATE | MAP_NORESERVE, -1, 0);
  EXPECT(own != MAP_FAILED);
  own[0] = 'a';
  own[page] = 'b';
  own[LARGE - 1] = 'z';
  return own;
}

static void shrink_large(void) {
  char *own = map_large();
  EXPECT(mremap(own, LARGE, page + 1, 0) == own && own[0] == 'a' && own[page] == 'b');
  EXPECT(is_free(own + 2 * page, LARGE - 2 * page));
  EXPECT(munmap(own, LARGE) == 0);
  own = map_large();
  EXPECT(munmap(own, page) == 0);
  REFUSED(mremap(own, LARGE, page, 0), MAP_FAILED, EFAULT); /* nothing is there, and nothing goes */
  EXPECT(own[page] == 'b' && own[LARGE - 1] == 'z');
  REFUSED(mremap(own + 1, LARGE, page, 0), MAP_FAILED, EINVAL);
  EXPECT(munmap(own, LARGE) == 0);
}

static void replace_large(void) {
  char *own = map_large();
  const int flags = PRIVATE | MAP_NORESERVE | MAP_FIXED;
  EXPECT(mmap(own, LARGE, PROT_READ, flags, -1, 0) == own && own[0] == 0 && own[LARGE - 1] == 0);
  REFUSED(madvise(own, page, MADV_POPULATE_WRITE), -1, EINVAL);
  EXPECT(mmap(own, FILLED, PROT_READ | PROT_WRITE, flags | MAP_POPULATE, -1, 0) == own);
  EXPECT(resident(own, FILLED) == FILLED / page);
  char *other = map_large();
  EXPECT(mremap(other, LARGE, LARGE, MREMAP_MAYMOVE | MREMAP_FIXED, own) == own);
  EXPECT(own[0] == 'a' && own[page] == 'b' && own[page + 1] == 0 && own[LARGE - 1] == 'z' && is_free(other, LARGE));
  REFUSED(mremap(own, LARGE, LARGE, MREMAP_MAYMOVE | MREMAP_FIXED, own + page), MAP_FAILED, EINVAL);
  REFUSED(mremap(other, page, LARGE, MREMAP_MAYMOVE | MREMAP_FIXED, own), MAP_FAILED, EFAULT); /* a hole */
  EXPECT(own[0] == 'a' && own[LARGE - 1] == 'z');
  EXPECT(munlock(own, LARGE) == 0 && munmap(own + page, page) == 0);
  REFUSED(munlock(own, LARGE), -1, ENOMEM);
  EXPECT(own[0] == 'a' && own[LARGE - 1] == 'z' && munmap(own, LARGE) == 0);
}

static void replace_by_file(void) {
  char *own = map_large();
  const int file = memfd_create("large", 0);
  EXPECT(ftruncate(file, LARGE) == 0 && pwrite(file, "file", 4, 0) == 4);
  REFUSED(mmap(own, LARGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, 999, 0), MAP_FAILED, EBADF);
  EXPECT(own[0] == 'a' && own[LARGE - 1] == 'z');
  EXPECT(mmap(own, LARGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) == own && memcmp(own, "file", 4) == 0);
  EXPECT(munmap(own, LARGE) == 0 && close(file) == 0);
}

/* Nothing is gone when the limit refuses it. */
static void lock_beyond_limit(void) {
  struct rlimit limit;
  char *own = map_large();
  EXPECT(getrlimit(RLIMIT_MEMLOCK, &limit) == 0);
  if (limit.rlim_cur < LARGE && mmap(own, LARGE, PROT_READ, PRIVATE | MAP_FIXED | MAP_LOCKED, -1, 0) == MAP_FAILED)
    EXPECT(errno == EAGAIN && own[0] == 'a' && own[LARGE - 1] == 'z');
  EXPECT(munmap(own, LARGE) == 0);
}

static void grow_locked(void) {
  char *own = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, PRIVATE, -1, 0);
  if (mlock(own, 4 * page) == 0) { /* RLIMIT_MEMLOCK counts all together */
    char *grown = mremap(own, 4 * page, 16 * page, MREMAP_MAYMOVE);
    EXPECT(grown != MAP_FAILED && resident(grown, 4 * page) == 4);
    REFUSED(madvise(grown, 16 * page, MADV_DONTNEED), -1, EINVAL); /* all of it is locked */
    own = grown;
  }
  EXPECT(munmap(own, 16 * page) == 0);
}

/* The program's wish, not what ends it with its host. A vfork child has one of its own. */
static void use_death_signal(void) {
  int signal = -1, status = -1;
  EXPECT(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == 0);
  REFUSED(prctl(PR_SET_PDEATHSIG, 65), -1, EINVAL);
  EXPECT(prctl(PR_SET_PDEATHSIG, SIGTERM) == 0);
  EXPECT(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGTERM);
  REFUSED(prctl(PR_GET_PDEATHSIG, nowhere), -1, EFAULT);
  const pid_t child = vfork();
  if (child == 0) {
    int own = -1;
    const int set = prctl(PR_SET_PDEATHSIG, SIGINT) == 0 && prctl(PR_GET_PDEATHSIG, &own) == 0;
    _exit(set && own == SIGINT ? 0 : 1);
  }
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  EXPECT(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGTERM && prctl(PR_SET_PDEATHSIG, 0) == 0);
}

static void use_aio(void) {
  unsigned long context = 0;
  const long made = syscall(SYS_io_setup, 8, &context);
  if (made != 0 && errno == ENOSYS) return; /* a kernel without it, or a sandbox */
  EXPECT(made == 0 && context != 0);
  REFUSED((int)syscall(SYS_io_setup, 8, &context), -1, EINVAL); /* it has one */
  REFUSED((int)syscall(SYS_io_setup, 8, nowhere), -1, EFAULT);
  EXPECT(syscall(SYS_io_destroy, context) == 0);
  REFUSED((int)syscall(SYS_io_destroy, context), -1, EINVAL);
  REFUSED((int)syscall(SYS_io_destroy, slot()), -1, EINVAL);
}

/* What there is one of in an address space. */
static void use_processor(void) {
  REFUSED((int)syscall(SYS_pkey_alloc, 0, 0), -1, ENOSPC);
  REFUSED((int)syscall(SYS_pkey_alloc, 1, 0), -1, EINVAL);
  REFUSED((int)syscall(SYS_pkey_free, 1), -1, EINVAL);
  REFUSED((int)syscall(453 /* map_shadow_stack */, 0, page, 0), -1, EOPNOTSUPP);
#ifdef SYS_modify_ldt
  char table[64];
  EXPECT(syscall(SYS_modify_ldt, 0, table, sizeof table) == 0);
  REFUSED((int)syscall(SYS_modify_ldt, 1, table, 16), -1, ENOSYS);
#endif
}

static void use_controls(void) {
  EXPECT(prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_GET_DUMPABLE) == 0);
  EXPECT(prctl(PR_SET_DUMPABLE, 1) == 0 && prctl(PR_GET_DUMPABLE) == 1);
  REFUSED(prctl(PR_SET_DUMPABLE, 2), -1, EINVAL);
  EXPECT(prctl(PR_GET_DUMPABLE) == 1);
  EXPECT(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0 && prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0);
  REFUSED(prctl(PR_SET_MM, PR_SET_MM_BRK, 0x10000, 0, 0), -1, EPERM);
  REFUSED(prctl(65 /* PR_SET_MDWE */, 1, 0, 0, 0), -1, EPERM);
  REFUSED(prctl(67 /* PR_SET_MEMORY_MERGE */, 1, 0, 0, 0), -1, EPERM);
  REFUSED(mlockall(MCL_CURRENT | MCL_FUTURE), -1, EPERM);
  EXPECT(munlockall() == 0);
  EXPECT(prctl(PR_SET_NAME, "renamed") == 0);
  use_locks();
  use_filling();
  use_large_locks();
  shrink_large();
  replace_large();
  replace_by_file();
  lock_beyond_limit();
  grow_locked();
  use_death_signal();
  use_aio();
  use_processor();
}

static void check_executable(const char *path, const char *own) {
  char target[4096] = "", buffer[4096], first[4] = "";
  struct stat expected, found;
  struct statx extended;
  ssize_t length = readlink(path, target, sizeof target - 1);
  EXPECT(length == (ssize_t)strlen(own) && strcmp(target, own) == 0);
  EXPECT(readlinkat(AT_FDCWD, path, buffer, 3) == 3 && memcmp(buffer, own, 3) == 0);
  EXPECT(readlinkat(99, path, buffer, sizeof buffer) == length);
  REFUSED(readlink(path, buffer, 0), -1, EINVAL);
  REFUSED(readlink(path, nowhere, 100), -1, EFAULT);
  EXPECT(stat(own, &expected) == 0);
  EXPECT(stat(path, &found) == 0 && found.st_ino == expected.st_ino && found.st_size == expected.st_size);
  EXPECT(fstatat(AT_FDCWD, path, &found, 0) == 0 && found.st_ino == expected.st_ino);
  EXPECT(statx(AT_FDCWD, path, 0, STATX_ALL, &extended) == 0 && extended.stx_ino == expected.st_ino);
  EXPECT(lstat(path, &found) == 0 && S_ISLNK(found.st_mode));
  EXPECT(fstatat(AT_FDCWD, path, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(found.st_mode));
  REFUSED(fstatat(AT_FDCWD, path, nowhere, 0), -1, EFAULT);
  int file = open(path, O_RDONLY);
  EXPECT(file >= 0 && fcntl(file, F_GETFD) == 0 && fstat(file, &found) == 0 && found.st_ino == expected.st_ino);
  EXPECT(read(file, first, 4) == 4 && memcmp(first, "\177ELF", 4) == 0);
  int again = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  EXPECT(again >= 0 && fcntl(again, F_GETFD) == FD_CLOEXEC && lseek(again, 0, SEEK_CUR) == 0);
  close(file);
  close(again);
  EXPECT(open(path, O_RDONLY | O_DIRECTORY) == -1);
  REFUSED(open(path, O_RDONLY | O_NOFOLLOW), -1, ELOOP);
}

/* An answer is not written where the program itself may not write. */
static void refuse_answers(void) {
  char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, PRIVATE, -1, 0);
  strcpy(memory, "kept");
  EXPECT(mprotect(memory, page, PROT_READ) == 0 && mprotect(memory + page, page, PROT_NONE) == 0);
  for (char *at = memory; at <= memory + page; at += page) {
    REFUSED(readlink("/proc/self/exe", at, page), -1, EFAULT);
    REFUSED(fstatat(AT_FDCWD, "/proc/self/exe", (struct stat *)at, 0), -1, EFAULT);
    REFUSED(statx(AT_FDCWD, "/proc/self/exe", 0, STATX_ALL, (struct statx *)at), -1, EFAULT);
  }
  EXPECT(strcmp(memory, "kept") == 0 && munmap(memory, 2 * page) == 0);
}

static int is_file(int file, const struct stat *expected) {
  struct stat found;
  const int same = file >= 0 && fstat(file, &found) == 0 && found.st_ino == expected->st_ino;
  if (file >= 0) close(file);
  return same;
}

/* What is asked for anyway is recognised however it was put together. */
static void read_built_paths(const char *own) {
  char path[64], target[4096];
  const pid_t pid = getpid(), tid = (pid_t)syscall(SYS_gettid);
  const char *const formats[] = {"/proc/%d/exe", "//proc/./%d//exe", "/proc/self/../%d/exe", "/proc/self/task/%d/exe",
                                 "/../proc/thread-self/../%d/exe"};
  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
    snprintf(path, sizeof path, formats[i], i < 3 ? pid : tid);
    const ssize_t length = readlink(path, target, sizeof target);
    EXPECT(length == (ssize_t)strlen(own) && memcmp(target, own, (size_t)length) == 0);
  }
}

struct told_handle {
  unsigned size;
  int type;
  unsigned char bytes[128];
};

static void use_handle(const char *own) {
  struct told_handle expected = {.size = 128}, found = {.size = 128}, small = {.size = 1};
  int mount = 0, mount_found = -1;
  if (syscall(SYS_name_to_handle_at, AT_FDCWD, own, &expected, &mount, 0) != 0) return; /* a file system without */
  EXPECT(syscall(SYS_name_to_handle_at, AT_FDCWD, "/proc/self/exe", &found, &mount_found, AT_SYMLINK_FOLLOW) == 0);
  EXPECT(found.size == expected.size && memcmp(found.bytes, expected.bytes, found.size) == 0 && mount == mount_found);
  REFUSED((int)syscall(SYS_name_to_handle_at, AT_FDCWD, "/proc/self/exe", &small, &mount, AT_SYMLINK_FOLLOW), -1,
          EOVERFLOW);
  EXPECT(small.size == expected.size);
}

struct told_how {
  uint64_t flags, mode, resolve;
};

static int open_told(int directory, const char *path, uint64_t flags, uint64_t resolve) {
  const struct told_how how = {flags, 0, resolve};
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static void use_told(const struct stat *expected) {
  EXPECT(is_file(open_told(99, "/proc/self/exe", O_RDONLY, 0), expected));
  REFUSED(open_told(99, "/proc/self/exe", O_RDONLY | O_NOFOLLOW, 0), -1, ELOOP);
  REFUSED(open_told(99, "/proc/self/exe", O_RDONLY, 2 /* RESOLVE_NO_MAGICLINKS */), -1, ELOOP);
  REFUSED(open_told(99, "/proc/self/exe", 1ull << 40, 0), -1, EINVAL);
}

/* By a directory, and with spellings that stand in the program as constants. */
static void use_spellings(const char *own) {
  char target[4096];
  struct stat expected, found;
  EXPECT(stat(own, &expected) == 0);
  const int proc = open("/proc", O_PATH | O_DIRECTORY), self = open("/proc/self", O_PATH | O_DIRECTORY);
  const ssize_t length = readlinkat(self, "exe", target, sizeof target);
  EXPECT(length == (ssize_t)strlen(own) && memcmp(target, own, (size_t)length) == 0);
  EXPECT(readlinkat(proc, "self/exe", target, sizeof target) == length);
  EXPECT(is_file(openat(self, "exe", O_RDONLY), &expected));
  EXPECT(is_file(openat(proc, "self/exe", O_RDONLY), &expected));
  EXPECT(is_file(open("//proc//self/exe", O_RDONLY), &expected));
  EXPECT(is_file(open("/proc/../proc/self/exe", O_RDONLY), &expected));
  EXPECT(fstatat(self, "exe", &found, 0) == 0 && found.st_ino == expected.st_ino);
  use_told(&expected);
  EXPECT(is_file(open_told(proc, "self/exe", O_RDONLY, 0), &expected));
  const int link = open("/proc/self/exe", O_PATH | O_NOFOLLOW);
  EXPECT(link >= 0 && readlinkat(link, "", target, sizeof target) == length);
  use_handle(own);
  const int old = open(".", O_PATH | O_DIRECTORY);
  EXPECT(chdir("/proc/self") == 0 && readlink("exe", target, sizeof target) == length);
  EXPECT(is_file(open("exe", O_RDONLY), &expected) && stat("exe", &found) == 0 && found.st_ino == expected.st_ino);
  REFUSED(execl("exe", "exe", "say", NULL), -1, EOPNOTSUPP); /* no room for another path */
  EXPECT(fchdir(old) == 0);
  close(old);
  close(link);
  close(self);
  close(proc);
}

static void use_executable(const char *own) {
  refuse_answers();
  check_executable("/proc/self/exe", own);
  check_executable("/proc/thread-self/exe", own);
  read_built_paths(own);
  use_spellings(own);
  char target[4096];
  const ssize_t length = readlink("/proc/1/exe", target, sizeof target); /* another's: the kernel says */
  EXPECT(length < 0 || length != (ssize_t)strlen(own) || memcmp(target, own, (size_t)length) != 0);
}

static void use_identity(const char *own) {
  check_executable("/proc/self/exe", own);
  check_executable("/proc/thread-self/exe", own);
  read_built_paths(own);
}

static void become(char *other) {
  execl(other, other, "identity", NULL);
  _exit(3);
}

static void become_in_children(char *other) {
  int status = -1;
  const pid_t forked = fork();
  if (forked == 0) become(other);
  EXPECT(waitpid(forked, &status, 0) == forked && status == 0);
  const pid_t vforked = vfork();
  if (vforked == 0) become(other);
  EXPECT(waitpid(vforked, &status, 0) == vforked && status == 0);
}

static char executed_text[] = "/proc/self/exe";

static char *executable_text = executed_text;

static pid_t execute_text(const char *how, int vforked, int at) {
  char *const arguments[] = {(char *)(uintptr_t)how, "say", NULL};
  char *const environment[] = {NULL};
  const pid_t child = vforked ? vfork() : fork();
  if (child != 0) return child;
  if (at)
    syscall(SYS_execveat, AT_FDCWD, executable_text, arguments, environment, 0);
  else
    execve(executable_text, arguments, environment);
  _exit(100);
}

/* An execve that fails puts the text of a fork child back, too, and it can be executed again. */
static void execute_in_vain_and_again(char *how) {
  char *const arguments[] = {how, "say", NULL};
  char *const environment[] = {NULL};
  int status = -1;
  const pid_t child = fork();
  if (child == 0) {
    char target[32];
    if (syscall(SYS_execve, executed_text, ~7ul, NULL) != -1 || errno != EFAULT) _exit(1);
    if (readlink("/proc/self/fd/0", target, sizeof target) < 0 && errno != ENOENT) _exit(2);
    if (strcmp(executed_text, "/proc/self/exe") != 0) _exit(3);
    execve(executed_text, arguments, environment);
    _exit(4);
  }
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

static int text_is_back(const volatile char *text) {
  for (int i = 0; i < 5000 && strcmp((const char *)text, "/proc/self/exe") != 0; i++)
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  return strcmp((const char *)text, "/proc/self/exe") == 0;
}

/* A vfork child of a fork child: the text stays in that one's memory, which the host finds again through /proc only. */
static void execute_below(const char *how) {
  int status = -1;
  const int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  if (memory < 0 && errno == EROFS) return;
  close(memory);
  const pid_t child = fork();
  if (child == 0) {
    const pid_t grandchild = execute_text(how, 1, 0);
    if (waitpid(grandchild, &status, 0) != grandchild || status != 0) _exit(1);
    _exit(text_is_back(executed_text) ? 0 : 2);
  }
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

#define PAGES_OF_ONE 32 /* an argument is shorter than that */

static int count_descriptors(void) {
  int count = 0;
  for (int i = 0; i < 64; i++) count += fcntl(i, F_GETFD) >= 0;
  return count;
}

static void refuse_execution(char *const *arguments, int expected) {
  const int before = count_descriptors();
  if (syscall(SYS_execve, executed_text, arguments, NULL) != -1 || errno != expected) _exit(1);
  if (count_descriptors() != before || strcmp(executed_text, "/proc/self/exe") != 0) _exit(2);
}

/* What the kernel refuses for its arguments leaves nothing behind. */
static void execute_too_much(void) {
  enum { COUNT = 4000, SIZE = 4096 };
  static char *many[COUNT + 1], *one[2];
  char *text = malloc((size_t)PAGES_OF_ONE * page + 1);
  EXPECT(text != NULL);
  memset(text, 'x', (size_t)PAGES_OF_ONE * page);
  text[(size_t)PAGES_OF_ONE * page] = '\0';
  one[0] = text;
  for (int i = 0; i < COUNT; i++) many[i] = text + (size_t)PAGES_OF_ONE * page - SIZE;
  for (int vforked = 0; vforked < 2; vforked++) {
    int status = -1;
    const pid_t child = vforked ? vfork() : fork();
    if (child == 0) {
      refuse_execution(one, E2BIG);
      refuse_execution(many, E2BIG);
      refuse_execution((char *const *)1, EFAULT);
      _exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
  }
  free(text);
}

static void execute_unseen(void) {
  char *const arguments[] = {"unseen", NULL};
  int status = -1;
  const pid_t child = fork();
  if (child == 0) {
    refuse_execution(arguments, EACCES);
    _exit(0);
  }
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

/* Others would see what is written over a text that they share: the execution is refused, and nothing is left. */
static void execute_shared(const char *path) {
  const int file = open(path, O_RDWR);
  EXPECT(file >= 0);
  char *const arguments[] = {"shared", "executed", NULL}; /* which would end with 2 */
  char *const shared = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  EXPECT(shared != MAP_FAILED);
  for (int vforked = 0; vforked < 2; vforked++) {
    int status = -1;
    const pid_t child = vforked ? vfork() : fork();
    if (child == 0) {
      const int before = count_descriptors();
      if (execve(shared, arguments, NULL) != -1 || errno != EOPNOTSUPP) _exit(1);
      _exit(count_descriptors() == before && strcmp(shared, "/proc/self/exe") == 0 ? 0 : 2);
    }
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
  }
}

/* In a root directory without /dev. Without /proc there is nothing to be executed, and no descriptor stays behind. */
static void execute_in_root(char *how, const char *root) {
  char *const arguments[] = {how, "say", NULL};
  char *const environment[] = {NULL};
  int status = -1;
  const pid_t child = fork();
  if (child == 0) {
    if (chroot(root) != 0 || chdir("/") != 0) _exit(1);
    const int before = count_descriptors(), with_proc = access("/proc/self", F_OK) == 0;
    execve(executed_text, arguments, environment);
    _exit(!with_proc && errno == ENOENT && count_descriptors() == before ? 0 : 2);
  }
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

static void execute(const char *how, int vforked, int at) {
  int status = -1;
  const pid_t child = execute_text(how, vforked, at);
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  char text[32];
  EXPECT(readlink(executed_text, text, sizeof text) > 0);
  EXPECT(strcmp(executed_text, "/proc/self/exe") == 0); /* the text is back */
}

/* An execve that fails: what the child asks next finds the text as it was. */
static void execute_in_vain(void) {
  int status = -1;
  const pid_t child = vfork();
  if (child == 0) {
    char target[32];
    for (int i = 0; i < 100; i++) {
      if (syscall(SYS_execve, executed_text, ~7ul, NULL) != -1 || errno != EFAULT) _exit(1);
      if (readlink("/proc/self/fd/0", target, sizeof target) < 0 && errno != ENOENT) _exit(2);
      if (strcmp(executed_text, "/proc/self/exe") != 0) _exit(3);
    }
    _exit(0);
  }
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

/* Children of several threads execute the one text, while others ask for it all the time. */
static void *execute_often(void *how) {
  for (int i = 0; i < 25; i++) {
    int status = -1;
    const pid_t child = execute_text(how, 1, i % 2);
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
  }
  return NULL;
}

static volatile int executed;

static void *ask_often(void *unused) {
  char text[32];
  while (!executed) EXPECT(readlink(executed_text, text, sizeof text) > 0);
  return unused;
}

static void execute_in_threads(char *how) {
  pthread_t all[4], asking;
  pthread_create(&asking, NULL, ask_often, NULL);
  for (int i = 0; i < 4; i++) pthread_create(&all[i], NULL, execute_often, how);
  for (int i = 0; i < 4; i++) pthread_join(all[i], NULL);
  executed = 1;
  pthread_join(asking, NULL);
}

/* A file that is mapped, and then closed. */
static void map_file(const char *path, int how) {
  const int file = open(path, how);
  const int protection = how == O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ;
  EXPECT(file >= 0 && mmap(NULL, page, protection, MAP_SHARED, file, 0) != MAP_FAILED);
  close(file);
}

/* As many mappings as the host closes copies at a time; then what it does in pieces. */
static void map_file_and_use_large(const char *path) {
  const int file = open(path, O_RDONLY);
  for (int i = 0; i < 8; i++) EXPECT(mmap(NULL, page, PROT_READ, MAP_SHARED, file, 0) != MAP_FAILED);
  use_large();
}

static void say_running(const char *address) {
  uint32_t *word = (uint32_t *)strtoul(address, NULL, 16);
  __atomic_store_n(word, WAIT_RUNNING, __ATOMIC_RELEASE);
  syscall(SYS_futex, word, 1 /* FUTEX_WAKE */, 1000);
}

/* Each answer has to be about this memory: what is written to another's is not found here. */
static void use_own_memory(const char *own) {
  char target[4096] = "";
  const ssize_t length = readlink("/proc/self/exe", target, sizeof target);
  EXPECT(length == (ssize_t)strlen(own) && memcmp(target, own, (size_t)length) == 0);
  char *const end = sbrk(0);
  EXPECT(end != NULL && sbrk(4096) == end);
  memset(end, 5, 4096);
  for (int i = 0; i < 20; i++) {
    char *memory = mmap(NULL, 64 * page, PROT_READ | PROT_WRITE, PRIVATE, -1, 0);
    EXPECT(memory != MAP_FAILED);
    memset(memory, 7, 64 * page);
    char *moved = mremap(memory, 64 * page, 512 * page, MREMAP_MAYMOVE);
    EXPECT(moved != MAP_FAILED && moved[64 * page - 1] == 7);
    moved[512 * page - 1] = 9;
    char *block = malloc(1000000);
    EXPECT(block != NULL);
    memset(block, 3, 1000000);
    EXPECT(munmap(moved, 512 * page) == 0);
    free(block);
  }
}

static uint64_t now_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pulse(const char *address) {
  struct pulse_report *report = (struct pulse_report *)strtoul(address, NULL, 16);
  while (!__atomic_load_n(&report->stop, __ATOMIC_ACQUIRE)) {
    if (__atomic_load_n(&report->pause, __ATOMIC_ACQUIRE)) {
      nanosleep(&(struct timespec){0, 1000000}, NULL);
      continue;
    }
    const uint64_t before = now_nanoseconds();
    char *memory = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, PRIVATE, -1, 0);
    const uint64_t took = now_nanoseconds() - before;
    if (memory == MAP_FAILED)
      report->failures++;
    else
      munmap(memory, 4 * page);
    if (took > report->slowest_nanoseconds) report->slowest_nanoseconds = took;
    __atomic_add_fetch(&report->beats, 1, __ATOMIC_RELEASE);
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  }
}

static void *pulse_in_thread(void *address) {
  pulse(address);
  return NULL;
}

/* A text that may lie in a file, while another thread asks for memory. */
static void execute_at(const char *how, const char *text, char *pulse_address) {
  int status = -1;
  pthread_t thread;
  EXPECT(pthread_create(&thread, NULL, pulse_in_thread, pulse_address) == 0);
  executable_text = (char *)strtoul(text, NULL, 16);
  const pid_t child = execute_text(how, 1, 0);
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  EXPECT(pthread_join(thread, NULL) == 0);
}

/* Answers that go into memory, which may be a file's. */
static void store_signal(const char *address) { EXPECT(prctl(PR_GET_PDEATHSIG, strtoul(address, NULL, 16)) == 0); }

static void store_context(const char *address) {
  uint64_t *context = (uint64_t *)strtoul(address, NULL, 16);
  EXPECT(syscall(SYS_io_setup, 1, context) == 0 && *context != 0);
  EXPECT(syscall(SYS_io_destroy, *context) == 0);
}

/* When it is told to. */
static void examine_executable(const char *address) {
  uint32_t *word = (uint32_t *)strtoul(address, NULL, 16);
  struct stat status;
  say_running(address);
  while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != WAIT_GO)
    syscall(SYS_futex, word, 0 /* FUTEX_WAIT */, WAIT_RUNNING, NULL);
  EXPECT(stat("/proc/self/exe", &status) == 0);
}

static void fill(int blocks, size_t size) {
  static char *all[20000];
  for (int i = 0; i < blocks; i++) {
    all[i] = calloc(1, size);
    for (size_t at = 0; at < size; at += 8)
      if (*(uint64_t *)(all[i] + at) != 0) {
        printf("line %d: calloc is not zero\n", __LINE__);
        break;
      }
    memset(all[i], i % 250 + 1, size);
  }
  for (int i = 0; i < blocks; i++) {
    EXPECT(all[i][0] == (char)(i % 250 + 1) && all[i][size - 1] == (char)(i % 250 + 1));
    free(all[i]);
  }
}

static void in_child(void (*work)(void)) {
  int status = -1;
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    work();
    fflush(stdout);
    _exit(0);
  }
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

static void break_in_child(void) {
  char *const start = sbrk(0);
  EXPECT(*(start - 1) == 1);
  EXPECT(sbrk((intptr_t)page) == (void *)-1);
  EXPECT(sbrk(-(intptr_t)page) == (void *)-1);
  fill(3000, 4096);
  fill(20000, 1000);
}

static void use_break(void) {
  char *const start = sbrk(0);
  for (int round = 1; round < 4; round++) {
    const intptr_t size = round * 20481;
    char *memory = sbrk(size);
    EXPECT(memory == start);
    for (uintptr_t i = -(uintptr_t)start & (page - 1); i < (uintptr_t)size; i += 64) EXPECT(memory[i] == 0);
    memset(memory, 1, (size_t)size);
    in_child(break_in_child);
    EXPECT(sbrk(-size) == start + size && sbrk(0) == start);
  }
  EXPECT(sbrk(129 << 10) == (void *)-1 && sbrk(0) == start);
  EXPECT(sbrk((intptr_t)1 << 50) == (void *)-1 && sbrk(0) == start);
  EXPECT(malloc(1) != NULL && sbrk(0) == start); /* what malloc asks for is refused, and it maps */
  memset(sbrk(64 << 10), 1, 64 << 10);
  fill(500, 4096);
  in_child(break_in_child);
}

static char *parents;

static void map_in_child(void) {
  char *own = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, PRIVATE, -1, 0);
  EXPECT(own != MAP_FAILED);
  memset(own, 1, 1 << 20);
  own = mremap(own, 1 << 20, 8 << 20, MREMAP_MAYMOVE);
  EXPECT(own != MAP_FAILED && own[5] == 1);
  EXPECT(munmap(own, 8 << 20) == 0);
  EXPECT(parents[7] == 'p');
  memset(parents, 'c', 1 << 20); /* a copy */
  EXPECT(munmap(parents, 1 << 20) == 0);
  fill(3000, 4096);
  EXPECT(getauxval(TPROC_AT_ABI) != 0);
}

static void use_fork(void) {
  parents = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, PRIVATE, -1, 0);
  memset(parents, 'p', 1 << 20);
  in_child(map_in_child);
  EXPECT(parents[7] == 'p');
}

/* Its files are mapped by a host that may not look into it any more, also those that only root may open. */
static void change_user(const char *own) {
  const int file = open(own, O_RDONLY), roots = memfd_create("roots", 0);
  EXPECT(ftruncate(roots, (off_t)page) == 0 && fchmod(roots, 0600) == 0);
  EXPECT(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
  char *text = mmap(NULL, page, PROT_READ, MAP_PRIVATE, file, 0);
  EXPECT(text != MAP_FAILED && in_slot(text) && memcmp(text, "\177ELF", 4) == 0);
  EXPECT(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, roots, 0) != MAP_FAILED);
  use_executable(own);
  use_fork();
}

static void attach_in_vain(pid_t pid, int expected) {
  REFUSED((int)ptrace(PTRACE_ATTACH, pid, NULL, NULL), -1, expected);
  REFUSED((int)ptrace(PTRACE_SEIZE, pid, NULL, NULL), -1, expected);
}

/* Its own child it may trace, as always, and what is not there is not there. */
static void trace(pid_t thread_of_host) {
  const pid_t host = getppid();
  attach_in_vain(host, EPERM);
  attach_in_vain(thread_of_host, EPERM);
  attach_in_vain(getpid(), EPERM);
  int status = 0;
  const pid_t asking = fork();
  if (asking == 0) {
    attach_in_vain(host, EPERM);
    exit(0);
  }
  EXPECT(waitpid(asking, &status, 0) == asking && status == 0);
  const pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  EXPECT(ptrace(PTRACE_ATTACH, child, NULL, NULL) == 0 && waitpid(child, &status, 0) == child && WIFSTOPPED(status));
  EXPECT(ptrace(PTRACE_DETACH, child, NULL, NULL) == 0);
  EXPECT(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
  attach_in_vain(child, ESRCH);
}

static void tick(int signal) { (void)signal; }

/* The heap grows and shrinks: no block may overlap another, and no call may be believed that has not been made. */
static void trim_under_signals(void) {
  static unsigned char *all[64];
  const size_t size = 400000;
  setitimer(ITIMER_REAL, &(struct itimerval){{0, 500}, {0, 500}}, NULL);
  for (int round = 0; round < 2000; round++) {
    int count = 0;
    for (int i = 0; i < 20; i++) {
      unsigned char *block = malloc(size);
      if (block == NULL) continue; /* a mmap that was interrupted */
      block[0] = block[size - 1] = (unsigned char)(count + 1);
      all[count++] = block;
    }
    while (count > 0) {
      EXPECT(all[count - 1][0] == count && all[count - 1][size - 1] == count);
      free(all[--count]);
    }
  }
  setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
}

static void grow_under_signals(void) {
  const struct sigaction action = {.sa_handler = tick};
  free(malloc(1));
  sigaction(SIGALRM, &action, NULL);
  static char *all[8192];
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < 8192; i++) {
      if (i % 8 == 0) setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 1 + (round + i) % 60}}, NULL);
      all[i] = malloc(4096);
      if (all[i] != NULL) memset(all[i], 1, 4096);
    }
    for (int i = 0; i < 8192; i++) free(all[i]);
  }
}

static void *storm(void *unused) {
  for (unsigned i = 0;; i++) {
    char *memory = mmap(NULL, 64 * page, PROT_READ | PROT_WRITE, PRIVATE, -1, 0);
    if (memory == MAP_FAILED) continue;
    memory[i % 64 * page] = 1;
    char *moved = mremap(memory, 64 * page, 128 * page, MREMAP_MAYMOVE);
    if (moved != MAP_FAILED && i % 3 != 0) munmap(moved, 128 * page);
    char *low = mmap(NULL, page, PROT_READ | PROT_WRITE, PRIVATE | MAP_32BIT, -1, 0);
    if (low != MAP_FAILED && i % 3 != 0) munmap(low, page);
    syscall(SYS_brk, (char *)sbrk(0) + (i % 7) * page);
    if (i % 5 == 0) close(open("/proc/self/exe", O_RDONLY));
    if (i % 64 == 63) free(malloc(1 << 20));
  }
  return unused;
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  page = (size_t)sysconf(_SC_PAGESIZE);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (strcmp(mode, "flags") == 0) {
    use_flags();
    name_what_nobody_has();
  } else if (strcmp(mode, "thread") == 0) {
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, use_flags_in_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
  } else if (strcmp(mode, "own-table") == 0) {
    pthread_t thread;
    EXPECT(dup2(open("/dev/null", O_RDONLY), 50) == 50);
    EXPECT(pthread_create(&thread, NULL, map_from_own_table, argv[0]) == 0 && pthread_join(thread, NULL) == 0);
  } else if (strcmp(mode, "attack") == 0 && argc > 3) {
    attack((char *)strtoul(argv[2], NULL, 16), strtoul(argv[3], NULL, 10));
  } else if (strcmp(mode, "trace") == 0 && argc > 2) {
    trace((pid_t)strtol(argv[2], NULL, 10));
  } else if (strcmp(mode, "controls") == 0) {
    use_controls();
  } else if (strcmp(mode, "executable") == 0) {
    use_executable(argv[0]);
  } else if (strcmp(mode, "execute") == 0) {
    for (int i = 0; i < 4; i++) execute(argv[0], i & 1, i & 2);
    execute_in_vain();
    execute_in_vain_and_again(argv[0]);
    execute_below(argv[0]);
    execute_too_much();
  } else if (strcmp(mode, "execute-shared") == 0 && argc > 2) {
    execute_shared(argv[2]);
  } else if (strcmp(mode, "execute-in-root") == 0 && argc > 2) {
    execute_in_root(argv[0], argv[2]);
  } else if (strcmp(mode, "execute-at") == 0 && argc > 3) {
    execute_at(argv[0], argv[2], argv[3]);
  } else if (strcmp(mode, "store-signal") == 0 && argc > 2) {
    store_signal(argv[2]);
  } else if (strcmp(mode, "store-context") == 0 && argc > 2) {
    store_context(argv[2]);
  } else if (strcmp(mode, "execute-unseen") == 0) {
    execute_unseen();
  } else if (strcmp(mode, "execute-in-threads") == 0) {
    execute_in_threads(argv[0]);
  } else if (strcmp(mode, "become") == 0 && argc > 2) {
    become(argv[2]);
  } else if (strcmp(mode, "fork-become") == 0 && argc > 2) {
    become_in_children(argv[2]);
  } else if (strcmp(mode, "identity") == 0) {
    use_identity(argv[0]);
  } else if (strcmp(mode, "become") == 0) {
    execl(argv[0], argv[0], "native", NULL);
    return 3;
  } else if (strcmp(mode, "native") == 0) {
    use_own_memory(argv[0]);
  } else if (strcmp(mode, "map") == 0 && argc > 2) {
    map_file(argv[2], argc > 3 ? O_RDWR : O_RDONLY);
  } else if (strcmp(mode, "map-then-large") == 0 && argc > 2) {
    map_file_and_use_large(argv[2]);
  } else if (strcmp(mode, "pulse") == 0 && argc > 2) {
    pulse(argv[2]);
  } else if (strcmp(mode, "examine") == 0 && argc > 2) {
    examine_executable(argv[2]);
  } else if (strcmp(mode, "break") == 0) {
    use_break();
  } else if (strcmp(mode, "fork") == 0) {
    use_fork();
  } else if (strcmp(mode, "user") == 0) {
    change_user(argv[0]);
  } else if (strcmp(mode, "signals") == 0) {
    grow_under_signals();
    free(malloc(400000)); /* moves the threshold of mmap above it */
    trim_under_signals();
  } else if (strcmp(mode, "storm") == 0 && argc > 2) {
    pthread_t thread;
    for (int i = 0; i < 3; i++) pthread_create(&thread, NULL, storm, NULL);
    say_running(argv[2]);
    storm(NULL);
  } else if (strcmp(mode, "populate") == 0 && argc > 2) {
    say_running(argv[2]);
    for (;;) {
      char *memory = mmap(NULL, 256 << 20, PROT_READ | PROT_WRITE, PRIVATE | MAP_POPULATE, -1, 0);
      if (memory != MAP_FAILED) munmap(memory, 256 << 20);
    }
  } else if (strcmp(mode, "fill") == 0 && argc > 2) {
    char *memory = mmap(NULL, 2ul << 30, PROT_READ | PROT_WRITE, PRIVATE | MAP_NORESERVE, -1, 0);
    say_running(argv[2]);
    EXPECT(madvise(memory, 2ul << 30, MADV_POPULATE_WRITE) == 0);
  } else if (strcmp(mode, "say") == 0) {
    return 0;
  } else {
    return 2;
  }
  puts("done");
  return 0;
}
