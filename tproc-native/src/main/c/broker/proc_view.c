#include "broker/proc_view.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compat.h"
#include "broker/answers.h"

#define CHUNK_SIZE 4096

/* Longer than the vector of any kernel. */
#define AUXV_ENTRIES_MAX 128

/* What else there is makes no difference to a file that is only read. */
#define OTHER_FLAGS (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_DIRECTORY | O_PATH | O_DIRECT | O_TMPFILE)

struct view {
  const struct target_check *check;
  const struct fence_listener *listener;
  const struct broker_call *call;
  int file;
};

bool proc_view_is_read(int flags) { return (flags & OTHER_FLAGS) == O_RDONLY; }

static int write_all(int file, const void *bytes, size_t size) {
  return write(file, bytes, size) == (ssize_t)size ? 0 : -ENOMEM;
}

static int64_t read_texts(const struct view *view, struct address_range range, void *buffer, size_t size) {
  const size_t wanted = range_size(range) < size ? (size_t)range_size(range) : size;
  return wanted > 0 ? target_read(view->check, view->listener, view->call, range.low, buffer, wanted) : 0;
}

/* What the program has unmapped is left out, as the kernel leaves it out. */
static int copy(const struct view *view, struct address_range range) {
  char chunk[CHUNK_SIZE];
  while (range_size(range) > 0) {
    const int64_t got = read_texts(view, range, chunk, sizeof chunk);
    if (got <= 0) return 0;
    const int failed = write_all(view->file, chunk, (size_t)got);
    if (failed) return failed;
    range.low += (uint64_t)got;
  }
  return 0;
}

/* A title that a program has written over its arguments may go on over its environment (setproctitle). */
static int copy_title(const struct view *view, struct address_range range) {
  char title[CHUNK_SIZE];
  const int64_t got = read_texts(view, range, title, sizeof title);
  if (got <= 0) return 0;
  const size_t length = strnlen(title, (size_t)got);
  return write_all(view->file, title, length < (size_t)got ? length + 1 : length);
}

static int copy_arguments(const struct view *view) {
  const struct process_texts *texts = &view->listener->texts;
  const struct address_range last = {texts->arguments.high - 1, texts->arguments.high};
  char byte = 0;
  if (range_size(texts->arguments) == 0) return 0;
  if (read_texts(view, last, &byte, 1) != 1 || byte == '\0') return copy(view, texts->arguments);
  return copy_title(view, (struct address_range){texts->arguments.low, texts->environment.high});
}

/* @return bytes, AT_NULL's included */
static size_t read_auxv(const struct view *view, Elf64_auxv_t *entries) {
  const struct address_range range = {view->listener->texts.auxv,
                                      view->listener->texts.auxv + AUXV_ENTRIES_MAX * sizeof *entries};
  const int64_t got = range.low != 0 ? read_texts(view, range, entries, (size_t)range_size(range)) : 0;
  for (size_t i = 0; (int64_t)((i + 1) * sizeof *entries) <= got; i++)
    if (entries[i].a_type == AT_NULL) return (i + 1) * sizeof *entries;
  return 0;
}

static int copy_auxv(const struct view *view) {
  Elf64_auxv_t entries[AUXV_ENTRIES_MAX];
  return write_all(view->file, entries, read_auxv(view, entries));
}

static int fill(const struct view *view, enum own_file file) {
  switch (file) {
    case OWN_ARGUMENTS:
      return copy_arguments(view);
    case OWN_ENVIRONMENT:
      return copy(view, view->listener->texts.environment);
    default:
      return copy_auxv(view);
  }
}

/* Anew, since what is only read cannot be written to either. */
static int reopen(int file, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/thread-self/fd/%d", file);
  const int again = open(path, O_RDONLY | O_CLOEXEC | (flags & O_NONBLOCK));
  return again >= 0 ? again : -errno;
}

static int new_file(const char *name) {
  const int file = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
  return file < 0 && errno == EINVAL ? memfd_create(name, MFD_CLOEXEC) : file;
}

struct broker_answer proc_view_open(const struct target_check *check, const struct fence_listener *listener,
                                    const struct broker_call *call, enum own_file file, int flags) {
  static const char *const names[] = {[OWN_ARGUMENTS] = "cmdline", [OWN_ENVIRONMENT] = "environ", [OWN_AUXV] = "auxv"};
  const struct view view = {check, listener, call, new_file(names[file])};
  if (view.file < 0) return result(-errno);
  fchmod(view.file, file == OWN_ARGUMENTS ? S_IRUSR | S_IRGRP | S_IROTH : S_IRUSR); /* as the kernel's */
  const int failed = fill(&view, file);
  const int again = failed ? failed : reopen(view.file, flags);
  close(view.file);
  if (again < 0) return result(again);
  return (struct broker_answer){.verdict = BROKER_ADDFD, .result = again, .close_on_exec = (flags & O_CLOEXEC) != 0};
}

int64_t proc_view_get_auxv(const struct target_check *check, const struct fence_listener *listener,
                           const struct broker_call *call) {
  Elf64_auxv_t entries[AUXV_ENTRIES_MAX];
  const uint64_t *a = call->arguments;
  if (a[3] != 0 || a[4] != 0) return -EINVAL;
  const struct view view = {.check = check, .listener = listener, .call = call};
  const size_t size = read_auxv(&view, entries), wanted = a[2] < size ? (size_t)a[2] : size;
  const int failed = wanted > 0 ? target_answer(check, listener, call, a[1], entries, wanted) : 0;
  return failed ? failed : (int64_t)size;
}
