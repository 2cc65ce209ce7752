#include "broker/target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/error.h"
#include "broker/broker_call.h"
#include "broker/target_access.h"

/* What the kernel says of a process that is not to be looked into. */
static bool is_no_access(int code) { return code == EPERM || code == EACCES; }

/* Through /proc/PID/mem an address that is not mapped is an error and not a fault, also when another thread unmaps it.
 */
static int open_memory(pid_t tid, int flags) {
  char path[64];
  struct target_access access;
  snprintf(path, sizeof path, "/proc/%d/mem", tid);
  int memory = open(path, flags | O_CLOEXEC);
  if (memory >= 0 || !is_no_access(errno) || !target_access_begin(&access, tid)) return memory;
  memory = open(path, flags | O_CLOEXEC);
  target_access_end(&access);
  return memory;
}

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
  check->own_memory = open_memory(getpid(), O_RDWR);
  if (check->own_memory >= 0) return 0;
  const int code = errno; /* a read-only /proc */
  char byte = 0, copy;
  if (read_directly(getpid(), (uint64_t)&byte, &copy, 1) == 1) return 0;
  return tproc_fail(error, code, "open /proc/self/mem");
}

void target_check_close(struct target_check *check) {
  if (check->own_memory >= 0) close(check->own_memory);
  check->own_memory = -1;
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

static bool sees_marker(struct target_check *check, pid_t tid) {
  const uint64_t expected = ++check->marker;
  uint64_t found = 0;
  const int memory = open_memory(tid, O_RDONLY);
  if (memory < 0) return false;
  const ssize_t got = pread(memory, &found, sizeof found, (off_t)(uintptr_t)&check->marker);
  close(memory);
  return got == sizeof found && found == expected;
}

bool target_shares_memory(struct target_check *check, const struct fence_listener *listener, pid_t tid) {
  /* Had it exec'd, its calls would come from outside the slot; once it is collected another may have its pid. */
  if (tid == listener->pid && !listener->process_gone) return true;
  if (check->has_kcmp) {
    const long different = syscall(SYS_kcmp, getpid(), tid, KCMP_VM, 0, 0);
    if (different >= 0) return different == 0;
  }
  return (!listener->process_gone && is_thread_of(listener->pid, tid)) || sees_marker(check, tid);
}

/*
 * Where pidfd_getfd is forbidden: the same file, opened anew with what the mapping needs of the access that the
 * descriptor has. (The link's permissions are the descriptor's access.)
 */
static int reopen(pid_t tid, int descriptor, int flags) {
  char path[64];
  struct stat link;
  snprintf(path, sizeof path, "/proc/%d/fd/%d", tid, descriptor);
  if (lstat(path, &link) != 0) return errno == ENOENT ? -EBADF : -errno;
  if ((link.st_mode & S_IRUSR) == 0) return -EACCES; /* as mmap says of it */
  const bool writable = (flags & MAP_TYPE) != MAP_PRIVATE && (link.st_mode & S_IWUSR) != 0;
  const int copy = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  return copy >= 0 ? copy : -errno;
}

static int copy_descriptor(const struct fence_listener *listener, pid_t tid, int descriptor, int flags) {
  /* A thread is no process of its own and has no pidfd: its table is the threadproc's. A vfork child has both. */
  const int process = tid == listener->pid ? -1 : (int)syscall(SYS_pidfd_open, tid, 0);
  const int copy = (int)syscall(SYS_pidfd_getfd, process >= 0 ? process : listener->process, descriptor, 0);
  const int code = copy < 0 ? errno : 0;
  if (process >= 0) close(process);
  if (code == 0) return copy;
  return code == EPERM || code == ENOSYS ? reopen(tid, descriptor, flags) : -code;
}

int target_descriptor(const struct fence_listener *listener, pid_t tid, int descriptor, int flags) {
  struct target_access access;
  int copy = copy_descriptor(listener, tid, descriptor, flags);
  if (copy >= 0 || !is_no_access(-copy) || !target_access_begin(&access, tid)) return copy;
  copy = copy_descriptor(listener, tid, descriptor, flags);
  target_access_end(&access);
  return copy;
}

int64_t target_read(const struct target_check *check, pid_t tid, bool shares, uint64_t address, void *buffer,
                    size_t size) {
  const int memory = shares ? check->own_memory : open_memory(tid, O_RDONLY);
  const int64_t got = memory >= 0 ? pread(memory, buffer, size, (off_t)address)
                                  : read_directly(shares ? getpid() : tid, address, buffer, size);
  if (!shares && memory >= 0) close(memory);
  return got > 0 ? got : -EFAULT;
}

static bool is_waiting(const struct fence_listener *listener, const struct broker_call *call) {
  return ioctl(listener->notify_fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->id) == 0;
}

/* What is open is the target's memory if the call still waits then. After that a reused id does no harm. */
int target_overwrite(const struct target_check *check, const struct fence_listener *listener,
                     const struct broker_call *call, uint64_t address, const void *buffer, size_t size) {
  const int memory = call->shares ? check->own_memory : open_memory(call->tid, O_RDWR);
  int64_t put = -1;
  if (is_waiting(listener, call))
    put = memory >= 0 ? pwrite(memory, buffer, size, (off_t)address)
                      : write_directly(call->shares ? getpid() : call->tid, address, buffer, size);
  if (!call->shares && memory >= 0) close(memory);
  return put == (int64_t)size ? 0 : -EFAULT;
}

/* /proc/PID/mem would write to memory that is read-only. In a fork child's own that harms no other process. */
int target_answer(const struct target_check *check, const struct fence_listener *listener,
                  const struct broker_call *call, uint64_t address, const void *buffer, size_t size) {
  if (!call->shares) return target_overwrite(check, listener, call, address, buffer, size);
  if (!is_waiting(listener, call)) return -EFAULT;
  const int64_t put = write_directly(getpid(), address, buffer, size);
  if (put == (int64_t)size) return 0;
  const bool forbidden = put < 0 && (errno == EPERM || errno == ENOSYS);
  return forbidden ? target_overwrite(check, listener, call, address, buffer, size) : -EFAULT;
}
