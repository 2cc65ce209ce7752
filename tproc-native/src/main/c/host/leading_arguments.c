#include "host/leading_arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int copy_texts(struct leading_arguments *leading, const struct executable *program) {
  const size_t path_size = strlen(program->path) + 1;
  size_t bytes = path_size;
  for (size_t i = 0; i < program->argc; i++) bytes += strlen(program->argv[i]) + 1;
  leading->argv = malloc(program->argc * sizeof *leading->argv + bytes);
  if (leading->argv == NULL) return -ENOMEM;
  char *to = (char *)(leading->argv + program->argc);
  for (size_t i = 0; i < program->argc; i++) {
    leading->argv[i] = to;
    to = stpcpy(to, program->argv[i]) + 1;
  }
  leading->path = memcpy(to, program->path, path_size);
  leading->argc = program->argc;
  return 0;
}

/* Files are compared by name later, from wherever the host is then. */
static int add_file(int directory, const char *name, struct file_list *files) {
  char link[64], path[2 * PATH_MAX];
  if (name[0] == '/') return file_list_add(files, name);
  snprintf(link, sizeof link, "/proc/thread-self/fd/%d", directory);
  const ssize_t length = readlink(link, path, PATH_MAX);
  if (length < 0) return -errno;
  if (length == PATH_MAX || strlen(name) >= PATH_MAX) return -ENAMETOOLONG;
  snprintf(path + length, sizeof path - (size_t)length, "/%s", name);
  return file_list_add(files, path);
}

static int note_argument(struct leading_arguments *leading, int directory, const char *argument,
                         struct file_list *files) {
  struct stat status;
  if (argument[0] == '\0' || fstatat(directory, argument, &status, 0) != 0) return 0;
  if (argument[0] != '/') leading->relative = true;
  return S_ISREG(status.st_mode) ? add_file(directory, argument, files) : 0;
}

int leading_arguments_note(struct leading_arguments *leading, const struct executable *program, int directory,
                           struct file_list *files) {
  struct stat status;
  int failed = copy_texts(leading, program);
  if (!failed && fstat(directory, &status) != 0) failed = -errno;
  if (failed) return failed;
  leading->directory = file_identity_of(&status);
  for (size_t i = 1; i < leading->argc && !failed; i++)
    failed = note_argument(leading, directory, leading->argv[i], files);
  return failed;
}

bool leading_arguments_fit(const struct leading_arguments *leading, const struct executable *program,
                           const struct file_identity *directory) {
  if (program->argc < leading->argc || strcmp(program->path, leading->path) != 0) return false;
  for (size_t i = 0; i < leading->argc; i++)
    if (strcmp(program->argv[i], leading->argv[i]) != 0) return false;
  return !leading->relative ||
         (directory->device == leading->directory.device && directory->inode == leading->directory.inode);
}

void leading_arguments_release(struct leading_arguments *leading) {
  free(leading->argv);
  *leading = (struct leading_arguments){0};
}
