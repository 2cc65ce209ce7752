#include "broker/target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/error.h"
#include "base/page.h"
#include "base/process_state.h"
#include "broker/broker_call.h"
#include "broker/target_access.h"
#include "memory/address_space.h"

/* What the kernel says of a process that is not to be looked into. */
static bool is_no_access(int code) { return code == EPERM || code == EACCES; }

/* Through /proc/PID/mem an address that is not mapped is an error and not a fault, also when another thread unmaps it.
 */
static int open_directly(pid_t tid, const char *name, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", tid, name);
  return open(path, flags | O_CLOEXEC);
}

static int open_memory_directly(pid_t tid, int flags) { return open_directly(tid, "mem", flags); }

static int open_of(pid_t tid, const char *name, int flags) {
  struct target_access access;
  int file = open_directly(tid, name, flags);
  const int code = errno;
  if (file >= 0 || !is_no_access(code) || !target_access_begin(&access, tid)) {
    errno = code;
    return file;
  }
  file = open_directly(tid, name, flags);
  target_access_end(&access);
  return file;
}

static int open_memory(pid_t tid, int flags) { return open_of(tid, "mem", flags); }

/* Without /proc/PID/mem, where /proc is read-only. An address that is not mapped is an error here, too. */
static int64_t read_directly(pid_t tid, uint64_t address, void *buffer, size_t size) {
  const struct iovec source = {(void *)address, size}, target = {buffer, size};
  return syscall(SYS_process_vm_readv, tid, &target, 1, &source, 1, 0);
}

static int64_t write_directly(pid_t tid, uint64_t address, const void *buffer, size_t size) {
  const struct iovec source = {(void *)buffer, size}, target = {(void *)address, size};
  return syscall(SYS_process_vm_writev, tid, &source, 1, &target, 1, 0);
}

int target_check_open(struct target_check *check, struct tproc_error *error) {
  check->has_kcmp = syscall(SYS_kcmp, getpid(), getpid(), KCMP_VM, 0, 0) == 0;
  check->marker = 0;
  check->own_pages = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  check->own_memory = open_memory(getpid(), O_RDWR);
  if (check->own_memory >= 0) return 0;
  const int code = errno; /* a read-only /proc */
  char byte = 0, copy;
  if (read_directly(getpid(), (uint64_t)&byte, &copy, 1) == 1) return 0;
  return tproc_fail(error, code, "open /proc/self/mem");
}

void target_check_close(struct target_check *check) {
  if (check->own_memory >= 0) close(check->own_memory);
  if (check->own_pages >= 0) close(check->own_pages);
  check->own_memory = check->own_pages = -1;
}

/* Asked without a permission to look into the process, which a fork or vfork child needs. */
static bool is_thread_of(pid_t process, pid_t thread) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task/%d", process, thread);
  return access(path, F_OK) == 0;
}

bool target_is_threadproc(const struct fence_listener *listener, pid_t tid) {
  return !listener->process_gone && (tid == listener->pid || is_thread_of(listener->pid, tid));
}

/*
 * A copy of the memory has the marker as it was when it was made, which was before the copy's call and so before this
 * question. Other threads may ask at the same time: what is younger than the question is shared, too.
 *
 * @return 1, 0, or a negative errno when the memory cannot be looked into
 */
static int sees_marker(struct target_check *check, pid_t tid, bool with_access) {
  const uint64_t expected = __atomic_add_fetch(&check->marker, 1, __ATOMIC_SEQ_CST);
  uint64_t found = 0;
  const int memory = with_access ? open_memory(tid, O_RDONLY) : open_memory_directly(tid, O_RDONLY);
  if (memory < 0) return -errno;
  const ssize_t got = pread(memory, &found, sizeof found, (off_t)(uintptr_t)&check->marker);
  close(memory);
  return got == sizeof found && found >= expected;
}

/*
 * The memory that is asked about: also of the threadproc itself, which may have become another program at the same
 * fixed addresses. Where none of that may be looked into, what belongs to the threadproc's process is taken for it: who
 * execs a program that can be read can be looked into again.
 */
bool target_shares_memory(struct target_check *check, const struct fence_listener *listener, pid_t tid) {
  if (check->has_kcmp) {
    const long different = syscall(SYS_kcmp, getpid(), tid, KCMP_VM, 0, 0);
    if (different >= 0) return different == 0;
  }
  const int seen = sees_marker(check, tid, true);
  if (seen >= 0) return seen != 0;
  return is_no_access(-seen) && !listener->process_gone && is_thread_of(listener->pid, tid);
}

/* No lock is held: an execve that closes files keeps such questions about its process waiting. */
bool target_has_left_memory(struct target_check *check, pid_t tid) {
  if (check->has_kcmp) {
    const long different = syscall(SYS_kcmp, getpid(), tid, KCMP_VM, 0, 0);
    if (different >= 0) return different != 0;
  }
  const int seen = sees_marker(check, tid, false);
  return seen >= 0 ? seen == 0 : !is_no_access(-seen);
}

bool target_has_execed(const struct broker_call *call) {
  if (call->shares) return false;
  const uint64_t start = process_break_start(call->tid);
  return start != 0 && start != process_break_start(getpid());
}

/* What a descriptor's link refers to, which is not opened yet, and whether it may be written to. */
static int open_link(pid_t tid, int descriptor, bool *writable) {
  char path[64];
  struct stat link;
  snprintf(path, sizeof path, "/proc/%d/fd/%d", tid, descriptor);
  if (lstat(path, &link) != 0) return errno == ENOENT ? -EBADF : -errno;
  if ((link.st_mode & S_IRUSR) == 0) return -EACCES; /* as mmap says of it */
  *writable = (link.st_mode & S_IWUSR) != 0;
  const int file = open(path, O_PATH | O_CLOEXEC);
  return file >= 0 ? file : -errno;
}

static int copy_descriptor(const struct fence_listener *listener, pid_t tid, int descriptor) {
  /* A thread may have a table of its own, as a vfork child has. Before Linux 6.9 there are pidfds of processes only,
     and a thread's table is taken to be the threadproc's. */
  int process = tid == listener->pid ? -1 : (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
  if (process < 0 && tid != listener->pid) process = (int)syscall(SYS_pidfd_open, tid, 0);
  const int copy = (int)syscall(SYS_pidfd_getfd, process >= 0 ? process : listener->process, descriptor, 0);
  const int code = copy < 0 ? errno : 0;
  if (process >= 0) close(process);
  return code == 0 ? copy : -code;
}

static bool has_capability(pid_t tid, unsigned capability) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = tid};
  struct __user_cap_data_struct capabilities[_LINUX_CAPABILITY_U32S_3];
  return syscall(SYS_capget, &header, capabilities) == 0 &&
         (capabilities[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
}

bool target_may_lock(pid_t tid, uint64_t bytes) {
  struct rlimit limit;
  if (prlimit(tid, RLIMIT_MEMLOCK, NULL, &limit) == 0 && bytes <= limit.rlim_cur) return true;
  return has_capability(tid, CAP_IPC_LOCK);
}

static void limit_memory(struct memory *memory, pid_t tid, int resource) {
  const struct tproc_limit wanted = memory_limit(memory, resource);
  const struct rlimit limit = {.rlim_cur = wanted.soft, .rlim_max = wanted.hard};
  prlimit(tid, resource, &limit, NULL);
}

void target_limit_memory(struct memory *memory, pid_t tid) {
  limit_memory(memory, tid, RLIMIT_AS);
  limit_memory(memory, tid, RLIMIT_DATA);
}

static void unlimit_memory(struct memory *memory, pid_t tid, int resource) {
  const struct tproc_limit given = memory_limit(memory, resource);
  struct rlimit limit;
  if (given.soft == given.hard || prlimit(tid, resource, NULL, &limit) != 0 || limit.rlim_cur != given.soft) return;
  limit.rlim_cur = limit.rlim_max;
  prlimit(tid, resource, &limit, NULL);
}

void target_unlimit_memory(struct memory *memory, pid_t tid) {
  unlimit_memory(memory, tid, RLIMIT_AS);
  unlimit_memory(memory, tid, RLIMIT_DATA);
}

bool target_may_raise_limits(pid_t tid) { return has_capability(tid, CAP_SYS_RESOURCE); }

int target_descriptor(const struct fence_listener *listener, pid_t tid, int descriptor) {
  struct target_access access;
  int copy = copy_descriptor(listener, tid, descriptor);
  if (copy >= 0 || !is_no_access(-copy) || !target_access_begin(&access, tid)) return copy;
  copy = copy_descriptor(listener, tid, descriptor);
  target_access_end(&access);
  return copy;
}

static int link_of(pid_t tid, int descriptor, bool *writable) {
  struct target_access access;
  int file = open_link(tid, descriptor, writable);
  if (file >= 0 || !is_no_access(-file) || !target_access_begin(&access, tid)) return file;
  file = open_link(tid, descriptor, writable);
  target_access_end(&access);
  return file;
}

/*
 * Where pidfd_getfd is forbidden: the same file, opened anew with what the mapping needs of the access that the
 * descriptor has. (The link's permissions are the descriptor's access.) The access to the target has ended before the
 * file system is asked: its lock is one that the broker takes.
 */
int target_reopen(pid_t tid, int descriptor, int flags) {
  char path[64];
  bool writable = false;
  const int link = link_of(tid, descriptor, &writable);
  if (link < 0) return link;
  snprintf(path, sizeof path, "/proc/thread-self/fd/%d", link);
  if ((flags & MAP_TYPE) == MAP_PRIVATE) writable = false;
  const int copy = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  const int code = copy < 0 ? errno : 0;
  close(link);
  return code == 0 ? copy : -code;
}

#define PAGE_IS_PRESENT (1ull << 63) /* pagemap(5) */

size_t target_resident(const struct target_check *check, uint64_t address, size_t size) {
  size_t resident = 0;
  while (resident < size) {
    uint64_t page = 0;
    const uint64_t at = address + resident, number = at / page_size();
    if (pread(check->own_pages, &page, sizeof page, (off_t)(number * sizeof page)) != sizeof page) break;
    if ((page & PAGE_IS_PRESENT) == 0) break;
    resident = (size_t)((number + 1) * page_size() - address);
  }
  return resident < size ? resident : size;
}

bool target_is_waiting(const struct fence_listener *listener, const struct broker_call *call) {
  return ioctl(listener->notify_fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->id) == 0;
}

/* The host's own memory. A read of /proc/PID/mem keeps the address space's lock while a file system fetches the page,
   and all wait; this one lets go of it. */
static int64_t read_own(const struct target_check *check, uint64_t address, void *buffer, size_t size) {
  const int64_t got = read_directly(getpid(), address, buffer, size);
  const bool forbidden = got < 0 && (errno == EPERM || errno == ENOSYS);
  return forbidden && check->own_memory >= 0 ? pread(check->own_memory, buffer, size, (off_t)address) : got;
}

static int64_t read_others(pid_t tid, uint64_t address, void *buffer, size_t size) {
  const int memory = open_memory(tid, O_RDONLY);
  if (memory < 0) return read_directly(tid, address, buffer, size);
  const int64_t got = pread(memory, buffer, size, (off_t)address);
  close(memory);
  return got;
}

/* Asked after reading: a call that still waits then has waited all the time, so the id was its target's. */
int64_t target_read(const struct target_check *check, const struct fence_listener *listener,
                    const struct broker_call *call, uint64_t address, void *buffer, size_t size) {
  const int64_t got =
      call->shares ? read_own(check, address, buffer, size) : read_others(call->tid, address, buffer, size);
  return got > 0 && target_is_waiting(listener, call) ? got : -EFAULT;
}

struct privacy {
  uint64_t known_up_to;
  bool shared;
};

static bool look_for_shared(const struct mapping *mapping, void *context) {
  struct privacy *privacy = context;
  if (mapping->range.low > privacy->known_up_to) return false; /* a hole */
  privacy->known_up_to = mapping->range.high;
  privacy->shared |= mapping->shared;
  return !privacy->shared;
}

int target_is_private(const struct broker_call *call, uint64_t address, size_t size) {
  const int maps = open_of(call->shares ? getpid() : call->tid, "maps", O_RDONLY);
  if (maps < 0) return -EFAULT;
  struct address_space space = address_space_of_other(maps);
  struct privacy privacy = {.known_up_to = address};
  address_space_visit(&space, (struct address_range){address, address + size}, look_for_shared, &privacy);
  address_space_close(&space);
  if (privacy.shared) return -EOPNOTSUPP;
  return privacy.known_up_to >= address + size ? 0 : -EFAULT;
}

static int open_directory(const struct broker_call *call, const char *name) {
  const int directory = open_of(call->tid, name, O_PATH | O_DIRECTORY);
  return directory >= 0 ? directory : -errno;
}

int target_root(const struct broker_call *call) { return open_directory(call, "root"); }

int target_working_directory(const struct broker_call *call) { return open_directory(call, "cwd"); }

int target_directory(const struct broker_call *call, int descriptor, char *text, size_t size) {
  char name[32] = "cwd", link[64];
  if (descriptor != AT_FDCWD) snprintf(name, sizeof name, "fd/%d", descriptor);
  snprintf(link, sizeof link, "/proc/%d/%s", call->tid, name);
  struct target_access access;
  ssize_t length = readlink(link, text, size);
  const int code = length < 0 ? errno : 0;
  if (is_no_access(code) && target_access_begin(&access, call->tid)) {
    length = readlink(link, text, size);
    target_access_end(&access);
  }
  if (length < 0) return code != 0 ? -code : -errno;
  if ((size_t)length == size) return -ENAMETOOLONG;
  text[length] = '\0';
  return 0;
}

int target_open_memory(const struct broker_call *call) { return call->shares ? -1 : open_memory(call->tid, O_RDWR); }

/* What is open is the target's memory if the call still waits then. After that a reused id does no harm. */
int target_overwrite(const struct target_check *check, const struct fence_listener *listener,
                     const struct broker_call *call, uint64_t address, const void *buffer, size_t size) {
  const int memory = call->shares ? check->own_memory : open_memory(call->tid, O_RDWR);
  int64_t put = -1;
  if (target_is_waiting(listener, call))
    put = memory >= 0 ? pwrite(memory, buffer, size, (off_t)address)
                      : write_directly(call->shares ? getpid() : call->tid, address, buffer, size);
  if (!call->shares && memory >= 0) close(memory);
  return put == (int64_t)size ? 0 : -EFAULT;
}

/* It may wait for a file system, better before it is asked whether the call still waits. */
static void touch(const struct target_check *check, uint64_t address, size_t size) {
  char byte;
  (void)read_own(check, address, &byte, 1);
  (void)read_own(check, address + size - 1, &byte, 1);
}

/* /proc/PID/mem would write to memory that is read-only. In a fork child's own that harms no other process. */
int target_answer(const struct target_check *check, const struct fence_listener *listener,
                  const struct broker_call *call, uint64_t address, const void *buffer, size_t size) {
  if (!call->shares) return target_overwrite(check, listener, call, address, buffer, size);
  touch(check, address, size);
  if (!target_is_waiting(listener, call)) return -EFAULT;
  const int64_t put = write_directly(getpid(), address, buffer, size);
  if (put == (int64_t)size) return 0;
  const bool forbidden = put < 0 && (errno == EPERM || errno == ENOSYS);
  return forbidden ? target_overwrite(check, listener, call, address, buffer, size) : -EFAULT;
}

int64_t target_read_again(const struct target_check *check, const struct broker_call *call, int memory,
                          uint64_t address, void *buffer, size_t size) {
  if (call->shares) return read_own(check, address, buffer, size);
  return memory >= 0 ? pread(memory, buffer, size, (off_t)address) : read_directly(call->tid, address, buffer, size);
}

/* Of a fork child that has become another program `memory` is empty by then; by its id the text is not found. */
void target_restore(const struct target_check *check, const struct broker_call *call, int memory, uint64_t address,
                    const char *expected, const char *text, size_t size) {
  char found[32];
  if (size > sizeof found) return;
  if (target_read_again(check, call, memory, address, found, size) != (int64_t)size ||
      memcmp(found, expected, size) != 0)
    return;
  const int file = call->shares ? check->own_memory : memory;
  const pid_t whose = call->shares ? getpid() : call->tid;
  const int64_t put = file >= 0 ? pwrite(file, text, size, (off_t)address) : write_directly(whose, address, text, size);
  (void)put;
}
