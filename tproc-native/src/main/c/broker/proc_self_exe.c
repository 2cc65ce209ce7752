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

#include "broker/answers.h"

/* Longer than every path that is recognised. */
#define PATH_SIZE 64

static bool is_own(const struct fence_listener *listener, pid_t tid, const char *path) {
  if (strncmp(path, "/proc/", 6) != 0) return false;
  const char *who = path + 6;
  const char *slash = strchr(who, '/');
  if (slash == NULL || strcmp(slash, "/exe") != 0) return false;
  if (strncmp(who, "self/", 5) == 0 || strncmp(who, "thread-self/", 12) == 0) return true;
  char *end;
  const long number = strtol(who, &end, 10);
  return end == slash && number > 0 && (number == listener->pid || number == tid);
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

static struct broker_answer give(struct broker_context *context, const struct fence_listener *listener,
                                 const struct broker_call *call, uint64_t address, const void *bytes, size_t size,
                                 int64_t value) {
  const int failed = target_answer(&context->check, listener, call, address, bytes, size);
  return result(failed ? failed : value);
}

static struct broker_answer read_link(struct broker_context *context, const struct fence_listener *listener,
                                      const struct broker_call *call, uint64_t buffer, uint64_t size) {
  const int room = (int)size;
  if (room <= 0) return result(-EINVAL);
  const size_t length = strnlen(listener->executable, (size_t)room);
  return give(context, listener, call, buffer, listener->executable, length, (int64_t)length);
}

/* Opened anew, since a duplicate would share its file position. */
static struct broker_answer open_it(const struct fence_listener *listener, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/thread-self/fd/%d", listener->executable_file);
  /* A program that runs cannot be opened for writing. The kernel knows that only of programs it has started itself. */
  if ((flags & O_PATH) == 0 && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0))
    return result(access(path, W_OK) == 0 ? -ETXTBSY : -errno);
  const int file = open(path, flags | O_CLOEXEC, 0);
  if (file < 0) return result(-errno);
  return (struct broker_answer){.verdict = BROKER_ADDFD, .result = file, .close_on_exec = (flags & O_CLOEXEC) != 0};
}

static struct broker_answer examine(struct broker_context *context, const struct fence_listener *listener,
                                    const struct broker_call *call, uint64_t buffer) {
  struct stat status;
  if (fstat(listener->executable_file, &status) != 0) return result(-errno);
  return give(context, listener, call, buffer, &status, sizeof status, 0);
}

static struct broker_answer examine_extended(struct broker_context *context, const struct fence_listener *listener,
                                             const struct broker_call *call) {
  struct statx status;
  const int flags = (int)call->arguments[2] | AT_EMPTY_PATH;
  if (statx(listener->executable_file, "", flags, (unsigned)call->arguments[3], &status) != 0) return result(-errno);
  return give(context, listener, call, call->arguments[4], &status, sizeof status, 0);
}

/* The text that an earlier execve has overwritten: its process has long read it. */
static void restore(struct broker_context *context, struct fence_listener *listener, const struct broker_call *call) {
  if (listener->patched == 0 || !call->shares) return;
  target_overwrite(&context->check, listener, call, listener->patched, listener->patched_text, listener->patched_size);
  listener->patched = 0;
}

/* @return the caller's descriptor, or a negative errno */
static int give_executable(const struct fence_listener *listener, const struct broker_call *call) {
  const struct broker_answer opened = open_it(listener, O_RDONLY); /* the kernel passes no O_PATH descriptor on */
  if (opened.verdict != BROKER_ADDFD) return (int)opened.result;
  struct seccomp_notif_addfd request = {.id = call->id, .srcfd = (uint32_t)opened.result, .newfd_flags = O_CLOEXEC};
  const int descriptor = ioctl(listener->notify_fd, SECCOMP_IOCTL_NOTIF_ADDFD, &request);
  const int code = errno;
  close((int)opened.result);
  return descriptor >= 0 ? descriptor : -code;
}

static bool is_patched(struct fence_listener *listener, const struct broker_call *call, uint64_t path) {
  pthread_mutex_lock(&listener->lock);
  const bool patched = call->shares && listener->patched == path;
  pthread_mutex_unlock(&listener->lock);
  return patched;
}

/* For restore. Of a text that was patched already, what stood there before is known. */
static void note_patch(struct fence_listener *listener, uint64_t path, size_t size, const char *old, bool again) {
  pthread_mutex_lock(&listener->lock);
  if (!again) memcpy(listener->patched_text, old, sizeof listener->patched_text);
  if (!again || listener->patched_size < size) listener->patched_size = size;
  listener->patched = path;
  pthread_mutex_unlock(&listener->lock);
}

/*
 * With the patch lock, since two threads of a program may execute one text at a time; without the listener's, on which
 * the broker waits, since a text may lie in a file.
 *
 * @return 0 or a negative errno
 */
static int patch(struct broker_context *context, struct fence_listener *listener, const struct broker_call *call,
                 uint64_t path, int descriptor) {
  char text[sizeof listener->patched_text], old[sizeof listener->patched_text];
  const bool again = is_patched(listener, call, path);
  const int length = snprintf(text, sizeof text, "/dev/fd/%d", descriptor);
  const int64_t got = target_read(&context->check, call->tid, call->shares, path, old, sizeof old);
  if (length >= (int)sizeof "/proc/self/exe" || got < (int64_t)sizeof "/proc/self/exe") return -ENOEXEC;
  if (target_overwrite(&context->check, listener, call, path, text, (size_t)length + 1) != 0) return -EFAULT;
  if (call->shares) note_patch(listener, path, (size_t)length + 1, old, again);
  return 0;
}

/*
 * A call's arguments cannot be changed, but what they point to can: the caller gets a descriptor of its program, and
 * its "/proc/self/exe" becomes "/dev/fd/N", which is shorter. For a fork child that is a copy of the memory. In the
 * shared memory of a vfork child the old text comes back with the next question.
 */
static struct broker_answer execute(struct broker_context *context, struct fence_listener *listener,
                                    const struct broker_call *call, uint64_t path) {
  const int descriptor = give_executable(listener, call);
  if (descriptor < 0) return result(descriptor);
  pthread_mutex_lock(&listener->patch_lock);
  const int failed = patch(context, listener, call, path, descriptor);
  pthread_mutex_unlock(&listener->patch_lock);
  return failed ? result(failed) : unchanged();
}

/* Calls about the link itself are no concern of ours; the file may lie on a file system that does not answer. */
static struct broker_answer unless(bool about_the_link) {
  return about_the_link ? unchanged() : (struct broker_answer){.verdict = BROKER_DEFER_OPEN_EXECUTABLE};
}

static struct broker_answer answer_path(struct broker_context *context, struct fence_listener *listener,
                                        const struct broker_call *call) {
  const uint64_t *a = call->arguments;
  switch (call->number) {
#ifdef __NR_open
    case __NR_open:
      return unless((a[1] & O_NOFOLLOW) != 0);
    case __NR_stat:
      return unless(false);
    case __NR_readlink:
      return read_link(context, listener, call, a[1], a[2]);
#endif
    case __NR_openat:
      return unless((a[2] & O_NOFOLLOW) != 0);
    case __NR_newfstatat:
      return unless((a[3] & AT_SYMLINK_NOFOLLOW) != 0);
    case __NR_statx:
      return unless((a[2] & AT_SYMLINK_NOFOLLOW) != 0);
    case __NR_readlinkat:
      return read_link(context, listener, call, a[2], a[3]);
    default:
      return unless(false);
  }
}

struct broker_answer proc_self_exe_run(struct broker_context *context, struct fence_listener *listener,
                                       const struct broker_call *call) {
  const uint64_t *a = call->arguments;
  switch (call->number) {
#ifdef __NR_open
    case __NR_open:
      return open_it(listener, (int)a[1]);
    case __NR_stat:
      return examine(context, listener, call, a[1]);
#endif
    case __NR_openat:
      return open_it(listener, (int)a[2]);
    case __NR_newfstatat:
      return examine(context, listener, call, a[2]);
    case __NR_statx:
      return examine_extended(context, listener, call);
    case __NR_execve:
      return execute(context, listener, call, a[0]);
    default: /* execveat: the descriptor is ignored for an absolute path */
      return execute(context, listener, call, a[1]);
  }
}

bool proc_self_exe_answer(struct broker_context *context, struct fence_listener *listener,
                          const struct broker_call *call, struct broker_answer *answer) {
  const int argument = path_argument(call->number);
  if (argument < 0) return false;
  restore(context, listener, call);
  char path[PATH_SIZE];
  const int64_t got =
      target_read(&context->check, call->tid, call->shares, call->arguments[argument], path, sizeof path);
  const bool own = got > 0 && memchr(path, '\0', (size_t)got) != NULL && is_own(listener, call->tid, path);
  *answer = own ? answer_path(context, listener, call) : unchanged();
  return true;
}
