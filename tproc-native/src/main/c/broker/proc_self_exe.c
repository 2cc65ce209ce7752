#include "broker/proc_self_exe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/compat.h"
#include "broker/answers.h"
#include "broker/exe_path.h"
#include "broker/exec_arguments.h"
#include "broker/proc_view.h"

/* Flags of openat2 with which the kernel does not follow such a link, whatever it leads to. */
#define FOLLOWS_NO_LINK \
  (RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT)

/* And which it knows: with others it fails. */
#define OPEN_FLAGS                                                                                           \
  (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC | O_DIRECT | \
   KERNEL_O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE)

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
    case __NR_openat2:
    case __NR_name_to_handle_at:
      return 1;
    default:
      return -1;
  }
}

static struct broker_answer give(const struct target_check *check, const struct fence_listener *listener,
                                 const struct broker_call *call, uint64_t address, const void *bytes, size_t size,
                                 int64_t value) {
  const int failed = target_answer(check, listener, call, address, bytes, size);
  return result(failed ? failed : value);
}

static struct broker_answer read_link(const struct target_check *check, const struct fence_listener *listener,
                                      const struct broker_call *call, uint64_t buffer, uint64_t size) {
  const int room = (int)size;
  if (room <= 0) return result(-EINVAL);
  const size_t length = strnlen(listener->executable, (size_t)room);
  return give(check, listener, call, buffer, listener->executable, length, (int64_t)length);
}

/* Opened anew, since a duplicate would share its file position. With O_PATH, too: the kernel passes no such one on. */
static struct broker_answer open_it(const struct fence_listener *listener, int flags) {
  char path[64];
  if ((flags & O_PATH) != 0) flags &= O_CLOEXEC | O_DIRECTORY;
  if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return result(-EEXIST);
  snprintf(path, sizeof path, "/proc/thread-self/fd/%d", listener->executable_file);
  /* A program that runs cannot be opened for writing. The kernel knows that only of programs it has started itself. */
  if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0)
    return result(access(path, W_OK) == 0 ? -ETXTBSY : -errno);
  const int file = open(path, flags | O_CLOEXEC, 0);
  if (file < 0) return result(-errno);
  return (struct broker_answer){.verdict = BROKER_ADDFD, .result = file, .close_on_exec = (flags & O_CLOEXEC) != 0};
}

static struct broker_answer examine(const struct target_check *check, const struct fence_listener *listener,
                                    const struct broker_call *call, uint64_t buffer) {
  struct stat status;
  if (fstat(listener->executable_file, &status) != 0) return result(-errno);
  return give(check, listener, call, buffer, &status, sizeof status, 0);
}

static struct broker_answer examine_extended(const struct target_check *check, const struct fence_listener *listener,
                                             const struct broker_call *call) {
  struct statx status;
  const int flags = (int)call->arguments[2] | AT_EMPTY_PATH;
  if (statx(listener->executable_file, "", flags, (unsigned)call->arguments[3], &status) != 0) return result(-errno);
  return give(check, listener, call, call->arguments[4], &status, sizeof status, 0);
}

/* What the kernel refuses by itself it also refuses of the host's program. */
static struct broker_answer open_as_told(const struct target_check *check, const struct fence_listener *listener,
                                         const struct broker_call *call) {
  struct open_how how;
  if (call->arguments[3] != sizeof how) return unchanged();
  if (target_read(check, listener, call, call->arguments[2], &how, sizeof how) != sizeof how) return unchanged();
  if ((how.resolve & FOLLOWS_NO_LINK) != 0 || (how.flags & ~(uint64_t)OPEN_FLAGS) != 0 || how.mode != 0)
    return unchanged();
  return (how.flags & O_NOFOLLOW) != 0 ? unchanged() : open_it(listener, (int)how.flags);
}

/* A handle is a header with its size, and bytes; with too little room the header is written alone. */
static struct broker_answer make_handle(const struct target_check *check, const struct fence_listener *listener,
                                        const struct broker_call *call) {
  _Alignas(struct file_handle) char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
  struct file_handle *handle = (struct file_handle *)room;
  const uint64_t *a = call->arguments;
  const int flags = (int)a[4] & ~AT_SYMLINK_FOLLOW;
  uint64_t mount = 0;
  if (target_read(check, listener, call, a[2], handle, sizeof *handle) != sizeof *handle) return result(-EFAULT);
  if (handle->handle_bytes > MAX_HANDLE_SZ) return result(-EINVAL);
  const long made =
      syscall(__NR_name_to_handle_at, listener->executable_file, "", handle, &mount, flags | AT_EMPTY_PATH);
  const int code = made == 0 ? 0 : errno;
  if (code != 0 && code != EOVERFLOW) return result(-code);
  const size_t size = sizeof *handle + (code == 0 ? handle->handle_bytes : 0);
  const size_t mount_size = (flags & HANDLE_MOUNT_UNIQUE) != 0 ? sizeof mount : sizeof(int);
  const int failed = target_answer(check, listener, call, a[3], &mount, mount_size);
  return failed ? result(failed) : give(check, listener, call, a[2], handle, size, -code);
}

static bool is_in(int directory, const char *name) {
  struct stat status;
  return directory >= 0 && fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool are_same(int one, int other) {
  struct stat of_one, of_other;
  return one >= 0 && other >= 0 && fstat(one, &of_one) == 0 && fstat(other, &of_other) == 0 &&
         of_one.st_dev == of_other.st_dev && of_one.st_ino == of_other.st_ino;
}

/*
 * A caller in another root directory may have no /dev. The other names are longer than "/proc/self/exe": for a
 * descriptor of one digit in the root directory there is one as long.
 */
static const char *name_in(int root, int working, size_t room) {
  if (root < 0 || is_in(root, "dev/fd")) return room >= sizeof "/dev/fd/0" - 1 ? "/dev/fd/%d" : NULL;
  if (!is_in(root, "proc/self")) return "";
  if (room >= sizeof "/proc/self/fd/0" - 1) return "/proc/self/fd/%d";
  return room >= sizeof "proc/self/fd/0" - 1 && are_same(root, working) ? "proc/self/fd/%d" : NULL;
}

/* @return 0 or a negative errno */
static int find_name(const struct broker_call *call, struct executed_text *text, size_t room) {
  const int root = target_root(call), working = target_working_directory(call);
  text->format = name_in(root, working, room);
  if (root >= 0) close(root);
  if (working >= 0) close(working);
  if (text->format == NULL) return -EOPNOTSUPP;
  return text->format[0] == '\0' ? -ENOENT : 0;
}

int proc_self_exe_prepare(const struct target_check *check, const struct fence_listener *listener,
                          const struct broker_call *call, struct executed_text *text) {
  const uint64_t path = call->arguments[path_argument(call->number)];
  text->memory = -1;
  memset(text->old, 0, sizeof text->old);
  const int64_t got = target_read(check, listener, call, path, text->old, sizeof text->old - 1);
  if (got <= 0) return -EFAULT;
  text->room = strlen(text->old);
  text->address = path;
  int failed = target_is_private(call, path, text->room + 1);
  if (!failed) failed = find_name(call, text, text->room);
  if (failed) return failed;
  text->memory = target_open_memory(call);
  const uint64_t *strings = call->arguments + path_argument(call->number) + 1;
  failed = exec_arguments_check(check, call, text->memory, strings[0], strings[1]);
  return failed == 0 && !target_is_waiting(listener, call) ? -EINTR : failed;
}

int proc_self_exe_give(const struct fence_listener *listener, const struct broker_call *call) {
  const struct broker_answer opened = open_it(listener, O_RDONLY); /* the kernel passes no O_PATH descriptor on */
  if (opened.verdict != BROKER_ADDFD) return (int)opened.result;
  struct seccomp_notif_addfd request = {.id = call->id, .srcfd = (uint32_t)opened.result, .newfd_flags = O_CLOEXEC};
  const int descriptor = ioctl(listener->notify_fd, SECCOMP_IOCTL_NOTIF_ADDFD, &request);
  const int code = errno;
  close((int)opened.result);
  return descriptor >= 0 ? descriptor : -code;
}

void proc_self_exe_forget(struct executed_text *text) {
  if (text->memory >= 0) close(text->memory);
  text->memory = -1;
}

int proc_self_exe_patch(const struct target_check *check, const struct fence_listener *listener,
                        const struct broker_call *call, int descriptor, struct executed_text *text) {
  char number[16];
  snprintf(number, sizeof number, "%d", descriptor);
  const size_t length = strlen(text->format) - (sizeof "%d" - 1) + strlen(number);
  if (length > text->room) return -EOPNOTSUPP;
  snprintf(text->patch, sizeof text->patch, "%.*s%s", (int)(length - strlen(number)), text->format, number);
  const int failed = target_overwrite(check, listener, call, text->address, text->patch, length + 1);
  if (!failed) text->size = length + 1;
  return failed;
}

void proc_self_exe_put_back(const struct target_check *check, const struct broker_call *call,
                            const struct executed_text *text) {
  if (text->size > 0) target_restore(check, call, text->memory, text->address, text->patch, text->old, text->size);
}

static struct executed_turn *turn_of(struct fence_listener *listener, const struct broker_call *call) {
  return &listener->turns[call->shares ? 0 : 1];
}

bool proc_self_exe_begin_turn(struct fence_listener *listener, const struct broker_call *call) {
  pthread_mutex_lock(&listener->lock);
  struct executed_turn *turn = turn_of(listener, call);
  const bool begun = turn->address == 0;
  if (begun)
    *turn = (struct executed_turn){
        .address = call->arguments[path_argument(call->number)], .by = call->tid, .id = call->id};
  pthread_mutex_unlock(&listener->lock);
  return begun;
}

void proc_self_exe_end_turn(struct fence_listener *listener, const struct broker_call *call) {
  pthread_mutex_lock(&listener->lock);
  turn_of(listener, call)->address = 0;
  pthread_mutex_unlock(&listener->lock);
}

bool proc_self_exe_has_turn(struct fence_listener *listener, uint64_t id) {
  bool has = false;
  pthread_mutex_lock(&listener->lock);
  for (int i = 0; i < 2; i++) has |= listener->turns[i].address != 0 && listener->turns[i].id == id;
  pthread_mutex_unlock(&listener->lock);
  return has;
}

bool proc_self_exe_is_read(struct fence_listener *listener, const struct broker_call *call) {
  pthread_mutex_lock(&listener->lock);
  const struct executed_turn *turn = turn_of(listener, call);
  const bool read = turn->id != call->id || turn->is_read;
  pthread_mutex_unlock(&listener->lock);
  return read;
}

/* A call of the own executable. Calls about the link itself are no concern of ours. */
static struct broker_answer answer_own(const struct target_check *check, const struct fence_listener *listener,
                                       const struct broker_call *call) {
  const uint64_t *a = call->arguments;
  switch (call->number) {
#ifdef __NR_open
    case __NR_open:
      return (a[1] & O_NOFOLLOW) != 0 ? unchanged() : open_it(listener, (int)a[1]);
    case __NR_stat:
      return examine(check, listener, call, a[1]);
    case __NR_readlink:
      return read_link(check, listener, call, a[1], a[2]);
#endif
    case __NR_openat:
      return (a[2] & O_NOFOLLOW) != 0 ? unchanged() : open_it(listener, (int)a[2]);
    case __NR_newfstatat:
      return (a[3] & AT_SYMLINK_NOFOLLOW) != 0 ? unchanged() : examine(check, listener, call, a[2]);
    case __NR_statx:
      return (a[2] & AT_SYMLINK_NOFOLLOW) != 0 ? unchanged() : examine_extended(check, listener, call);
    case __NR_readlinkat:
      return read_link(check, listener, call, a[2], a[3]);
    case __NR_openat2:
      return open_as_told(check, listener, call);
    case __NR_name_to_handle_at:
      return (a[4] & AT_SYMLINK_FOLLOW) == 0 ? unchanged() : make_handle(check, listener, call);
    default: /* execve, and execveat: the descriptor is ignored for an absolute path */
      return (struct broker_answer){.verdict = BROKER_DEFER_EXECUTE};
  }
}

static struct exe_path_owner owner_of(const struct fence_listener *listener, const struct broker_call *call) {
  return (struct exe_path_owner){
      .process = listener->pid, .thread = call->tid, .may_have_threads = !listener->process_gone};
}

/* An empty path means the directory's descriptor itself, which may be one of the link (O_PATH | O_NOFOLLOW). */
static bool may_be_relative(const struct broker_call *call, const char *path) {
  return exe_path_is_relative(path) && (path[0] != '\0' || call->number == __NR_readlinkat);
}

/* @return which file's the path is */
static enum own_file read_path(const struct target_check *check, const struct fence_listener *listener,
                               const struct broker_call *call) {
  char path[EXE_PATH_MAX], directory[EXE_PATH_MAX] = "";
  const struct exe_path_owner owner = owner_of(listener, call);
  const int argument = path_argument(call->number);
  const int64_t got = target_read(check, listener, call, call->arguments[argument], path, sizeof path);
  if (got <= 0 || memchr(path, '\0', (size_t)got) == NULL) return OWN_NONE;
  if (path[0] != '/' && !may_be_relative(call, path)) return OWN_NONE;
  const int base = argument == 0 ? AT_FDCWD : (int)call->arguments[0];
  if (path[0] != '/' && target_directory(call, base, directory, sizeof directory) != 0) return OWN_NONE;
  return exe_path_own_file(&owner, directory, path);
}

/* With which flags a call opens its path; what does not open it does not read. */
static int open_flags(const struct target_check *check, const struct fence_listener *listener,
                      const struct broker_call *call) {
  struct open_how how;
  switch (call->number) {
#ifdef __NR_open
    case __NR_open:
      return (int)call->arguments[1];
#endif
    case __NR_openat:
      return (int)call->arguments[2];
    case __NR_openat2:
      if (call->arguments[3] != sizeof how) return O_PATH;
      if (target_read(check, listener, call, call->arguments[2], &how, sizeof how) != sizeof how) return O_PATH;
      return how.resolve == 0 && how.mode == 0 && (how.flags & ~(uint64_t)OPEN_FLAGS) == 0 ? (int)how.flags : O_PATH;
    default:
      return O_PATH;
  }
}

static struct broker_answer answer_view(const struct target_check *check, const struct fence_listener *listener,
                                        const struct broker_call *call, enum own_file file) {
  const int flags = open_flags(check, listener, call);
  return proc_view_is_read(flags) ? proc_view_open(check, listener, call, file, flags) : unchanged();
}

static bool executes(const struct broker_call *call) {
  return call->number == __NR_execve || call->number == __NR_execveat;
}

/*
 * Of a fork child that cannot be looked into, what it is a copy of tells what it wants to execute. It cannot, for its
 * text cannot be written over; the kernel would execute the host's own program.
 */
static bool executes_unseen(const struct target_check *check, const struct fence_listener *listener,
                            const struct broker_call *call) {
  struct broker_call copied = *call;
  char byte;
  if (call->shares || !executes(call)) return false;
  if (target_read(check, listener, call, call->arguments[path_argument(call->number)], &byte, 1) == 1) return false;
  copied.shares = true;
  return read_path(check, listener, &copied) == OWN_EXECUTABLE;
}

struct broker_answer proc_self_exe_run(const struct target_check *check, const struct fence_listener *listener,
                                       const struct broker_call *call) {
  const enum own_file file = call->names_executable   ? OWN_EXECUTABLE
                             : call->view != OWN_NONE ? call->view
                                                      : read_path(check, listener, call);
  if (file == OWN_NONE && executes_unseen(check, listener, call)) return result(-EACCES);
  if (file == OWN_NONE || target_has_execed(call)) return unchanged();
  return file == OWN_EXECUTABLE ? answer_own(check, listener, call) : answer_view(check, listener, call, file);
}

/* Whether there is a path in what can be read without waiting, and then which file's it is. */
static bool read_resident(const struct target_check *check, const struct fence_listener *listener,
                          const struct broker_call *call, enum own_file *file) {
  char path[EXE_PATH_MAX];
  const struct exe_path_owner owner = owner_of(listener, call);
  const uint64_t address = call->arguments[path_argument(call->number)];
  const size_t resident = call->shares ? target_resident(check, address, sizeof path) : 0;
  const int64_t got = resident > 0 ? target_read(check, listener, call, address, path, resident) : 0;
  const bool whole = got > 0 && memchr(path, '\0', (size_t)got) != NULL;
  *file = whole && path[0] == '/' ? exe_path_own_file(&owner, "", path) : OWN_NONE;
  return whole ? !may_be_relative(call, path) : got == sizeof path;
}

/* A thread that asks again is past its execve, which has read its path. */
static void look_for_patch(struct fence_listener *listener, struct broker_call *call, uint64_t path) {
  struct executed_turn *turn = turn_of(listener, call);
  if (turn->address == 0) return;
  const bool asks_again = turn->by == call->tid;
  turn->is_read |= asks_again;
  call->names_executable = turn->address == path && (call->shares || asks_again);
  if (asks_again || call->names_executable) call->awaits = turn->id;
}

bool proc_self_exe_answer(struct broker_context *context, struct fence_listener *listener, struct broker_call *call,
                          struct broker_answer *answer) {
  const int argument = path_argument(call->number);
  if (argument < 0) return false;
  look_for_patch(listener, call, call->arguments[argument]);
  enum own_file file = OWN_NONE;
  const bool known = call->awaits == 0 && read_resident(&context->check, listener, call, &file);
  if (known && file == OWN_EXECUTABLE) call->names_executable = true;
  if (known && file != OWN_EXECUTABLE) call->view = file;
  const bool is_own = file != OWN_NONE || call->names_executable;
  *answer = known && !is_own ? unchanged() : (struct broker_answer){.verdict = BROKER_DEFER_PATH};
  return true;
}
