#include "broker/proc_self_exe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Longer than every path that is recognised. */
#define PATH_SIZE 64

static bool is_own(const struct gate *gate, pid_t pid, const char *path) {
  if (strncmp(path, "/proc/", 6) != 0) return false;
  const char *who = path + 6;
  const char *slash = strchr(who, '/');
  if (slash == NULL || strcmp(slash, "/exe") != 0) return false;
  if (strncmp(who, "self/", 5) == 0 || strncmp(who, "thread-self/", 12) == 0) return true;
  char *end;
  const long number = strtol(who, &end, 10);
  return end == slash && number > 0 && (number == gate->pid || number == pid);
}

/* Which argument is the path; -1 for calls without one. */
static int path_argument(int number) {
  switch (number) {
#ifdef __NR_open
    case __NR_open:
    case __NR_stat:
    case __NR_readlink:
#endif
    case __NR_execve:
      return 0;
    case __NR_openat:
    case __NR_newfstatat:
    case __NR_statx:
    case __NR_readlinkat:
    case __NR_execveat:
      return 1;
    default:
      return -1;
  }
}

static struct broker_answer result(int64_t value) {
  return (struct broker_answer){.verdict = BROKER_RESULT, .result = value};
}

static struct broker_answer go_on(void) { return (struct broker_answer){.verdict = BROKER_GO_ON}; }

static struct broker_answer give(struct broker_means *means, const struct broker_call *call, uint64_t address,
                                 const void *bytes, size_t size, int64_t value) {
  const int failed = requester_write(&means->check, call->pid, call->shares, address, bytes, size);
  return result(failed ? failed : value);
}

static struct broker_answer read_link(struct broker_means *means, const struct gate *gate,
                                      const struct broker_call *call, uint64_t buffer, uint64_t size) {
  const int room = (int)size;
  if (room <= 0) return result(-EINVAL);
  const size_t length = strnlen(gate->executable, (size_t)room);
  return give(means, call, buffer, gate->executable, length, (int64_t)length);
}

/* Opened anew, since a duplicate would share its file position. */
static struct broker_answer open_it(const struct gate *gate, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", gate->executable_file);
  /* Nobody writes to a program that runs. The kernel knows that only of programs it has started itself. */
  if ((flags & O_PATH) == 0 && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0))
    return result(access(path, W_OK) == 0 ? -ETXTBSY : -errno);
  const int file = open(path, flags | O_CLOEXEC, 0);
  if (file < 0) return result(-errno);
  return (struct broker_answer){
      .verdict = BROKER_DESCRIPTOR, .result = file, .close_on_exec = (flags & O_CLOEXEC) != 0};
}

static struct broker_answer examine(struct broker_means *means, const struct gate *gate, const struct broker_call *call,
                                    uint64_t buffer) {
  struct stat status;
  if (fstat(gate->executable_file, &status) != 0) return result(-errno);
  return give(means, call, buffer, &status, sizeof status, 0);
}

static struct broker_answer examine_extended(struct broker_means *means, const struct gate *gate,
                                             const struct broker_call *call) {
  struct statx status;
  const int flags = (int)call->arguments[2] | AT_EMPTY_PATH;
  if (statx(gate->executable_file, "", flags, (unsigned)call->arguments[3], &status) != 0) return result(-errno);
  return give(means, call, call->arguments[4], &status, sizeof status, 0);
}

/* The text that an earlier execve has overwritten: its process has long read it. */
static void restore(struct broker_means *means, struct gate *gate, const struct broker_call *call) {
  if (gate->patched == 0 || !call->shares) return;
  requester_write(&means->check, call->pid, true, gate->patched, gate->patched_text, gate->patched_size);
  gate->patched = 0;
}

/*
 * A call's arguments cannot be changed, but what they point to can: the caller gets a descriptor of its program, and
 * its "/proc/self/exe" becomes "/dev/fd/N", which is shorter. For a fork child that is a copy of the memory. In the
 * shared memory of a vfork child the old text comes back with the next question.
 */
static struct broker_answer execute(struct broker_means *means, struct gate *gate, const struct broker_call *call,
                                    uint64_t path) {
  struct seccomp_notif_addfd request = {
      .id = call->id, .srcfd = (uint32_t)gate->executable_file, .newfd_flags = O_CLOEXEC};
  const int descriptor = ioctl(gate->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &request);
  if (descriptor < 0) return result(-errno);
  char text[sizeof gate->patched_text], old[sizeof gate->patched_text];
  const int length = snprintf(text, sizeof text, "/dev/fd/%d", descriptor);
  const int64_t got = requester_read(&means->check, call->pid, call->shares, path, old, sizeof old);
  if (length >= (int)sizeof "/proc/self/exe" || got < (int64_t)sizeof "/proc/self/exe") return result(-ENOEXEC);
  if (requester_write(&means->check, call->pid, call->shares, path, text, (size_t)length + 1)) return result(-EFAULT);
  if (call->shares) {
    gate->patched = path;
    gate->patched_size = (size_t)length + 1;
    memcpy(gate->patched_text, old, sizeof old);
  }
  return go_on();
}

/* Calls about the link itself are no concern of ours; the file may lie where nobody answers. */
static struct broker_answer unless(bool about_the_link) {
  return about_the_link ? go_on() : (struct broker_answer){.verdict = BROKER_LATER};
}

static struct broker_answer answer_path(struct broker_means *means, struct gate *gate, const struct broker_call *call) {
  const uint64_t *a = call->arguments;
  switch (call->number) {
#ifdef __NR_open
    case __NR_open:
      return unless((a[1] & O_NOFOLLOW) != 0);
    case __NR_stat:
      return unless(false);
    case __NR_readlink:
      return read_link(means, gate, call, a[1], a[2]);
#endif
    case __NR_openat:
      return unless((a[2] & O_NOFOLLOW) != 0);
    case __NR_newfstatat:
      return unless((a[3] & AT_SYMLINK_NOFOLLOW) != 0);
    case __NR_statx:
      return unless((a[2] & AT_SYMLINK_NOFOLLOW) != 0);
    case __NR_readlinkat:
      return read_link(means, gate, call, a[2], a[3]);
    case __NR_execve:
      return execute(means, gate, call, a[0]);
    default: /* execveat: the descriptor is ignored for an absolute path */
      return execute(means, gate, call, a[1]);
  }
}

struct broker_answer own_executable_run(struct broker_means *means, const struct gate *gate,
                                        const struct broker_call *call) {
  const uint64_t *a = call->arguments;
  switch (call->number) {
#ifdef __NR_open
    case __NR_open:
      return open_it(gate, (int)a[1]);
    case __NR_stat:
      return examine(means, gate, call, a[1]);
#endif
    case __NR_openat:
      return open_it(gate, (int)a[2]);
    case __NR_newfstatat:
      return examine(means, gate, call, a[2]);
    default:
      return examine_extended(means, gate, call);
  }
}

bool own_executable_answer(struct broker_means *means, struct gate *gate, const struct broker_call *call,
                           struct broker_answer *answer) {
  const int argument = path_argument(call->number);
  if (argument < 0) return false;
  restore(means, gate, call);
  char path[PATH_SIZE];
  const int64_t got =
      requester_read(&means->check, call->pid, call->shares, call->arguments[argument], path, sizeof path);
  const bool own = got > 0 && memchr(path, '\0', (size_t)got) != NULL && is_own(gate, call->pid, path);
  *answer = own ? answer_path(means, gate, call) : go_on();
  return true;
}
