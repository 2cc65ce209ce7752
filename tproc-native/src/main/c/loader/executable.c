#include "loader/executable.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "loader/env_command.h"
#include "loader/executable_file.h"
#include "loader/script.h"

#define DEFAULT_SEARCH_PATH "/bin:/usr/bin"
#define SHELL "/bin/sh"

/* fs/exec.c, exec_binprm: five scripts may name one another before the sixth file has to be a program. */
#define NESTED_SCRIPTS_MAX 5

/* Errors after which execvp tries the next directory. */
static bool try_next_directory(int code) {
  return code == ENOENT || code == ENOTDIR || code == EACCES || code == ESTALE || code == ENODEV || code == ETIMEDOUT;
}

static int search(int directory, const char *name, const char *search_path, struct executable *program,
                  struct tproc_error *error) {
  if (search_path == NULL) search_path = DEFAULT_SEARCH_PATH;
  struct tproc_error refused = {0};
  for (const char *at = search_path;; at++) {
    const size_t length = strcspn(at, ":");
    /* An empty entry means the working directory. */
    int written = length == 0 ? snprintf(program->path, sizeof program->path, "%s", name)
                              : snprintf(program->path, sizeof program->path, "%.*s/%s", (int)length, at, name);
    if (written > 0 && (size_t)written < sizeof program->path) {
      struct tproc_error here = {0};
      int file = executable_file_open(directory, program->path, &program->identity, &here);
      if (file >= 0) return file;
      if (!try_next_directory(here.code)) {
        if (error != NULL) *error = here;
        return file;
      }
      if (here.code == EACCES && refused.code == 0) refused = here; /* found, but not to be executed */
    }
    at += length;
    if (*at == '\0') break;
  }
  if (refused.code != 0) {
    if (error != NULL) *error = refused;
    return -refused.code;
  }
  return tproc_fail(error, ENOENT, "not found in the search path %s", search_path);
}

static int find_file(int directory, const char *name, const char *search_path, struct executable *program,
                     struct tproc_error *error) {
  if (name[0] == '\0') return tproc_fail(error, ENOENT, "an empty program name");
  if (strlen(name) >= sizeof program->path)
    return tproc_fail(error, ENAMETOOLONG, "a program name of %zu bytes", strlen(name));
  if (strchr(name, '/') == NULL) return search(directory, name, search_path, program, error);
  memcpy(program->path, name, strlen(name) + 1);
  return executable_file_open(directory, name, &program->identity, error);
}

static int copy_arguments(const char *const *argv, struct executable *program, struct tproc_error *error) {
  size_t count = 0;
  while (argv[count] != NULL) count++;
  if (count == 0) return tproc_fail(error, EINVAL, "no arguments: argv[0] is needed");
  /* Each script replaces argv[0] by what stands in its line, and its path. */
  program->argv = calloc(count + (SCRIPT_LINE_SIZE / 2) * NESTED_SCRIPTS_MAX + 1, sizeof *program->argv);
  program->strings = malloc(NESTED_SCRIPTS_MAX * (SCRIPT_LINE_SIZE + PATH_MAX));
  if (program->argv == NULL || program->strings == NULL) return tproc_fail(error, ENOMEM, "copy %zu arguments", count);
  memcpy(program->argv, argv, count * sizeof *argv);
  program->argc = count;
  return 0;
}

static const char *keep(char **room, const char *text) {
  char *kept = *room;
  if (text == NULL || kept == NULL) return NULL;
  const size_t size = strlen(text) + 1;
  memcpy(kept, text, size);
  *room += size;
  return kept;
}

/* argv becomes: the words (an interpreter and its arguments), the script's path, the caller's from the second on. */
static void put_in_front(struct executable *program, const char *const *words, size_t count, const char *script,
                         char **room) {
  memmove(program->argv + count + 1, program->argv + 1, program->argc * sizeof *program->argv);
  program->argc += count;
  for (size_t i = 0; i < count; i++) program->argv[i] = keep(room, words[i]);
  program->argv[count] = script;
}

/* A text without a good #!: only the file that was asked for, not an interpreter, is given to a shell. */
static int read_script(const struct executable *program, bool shell, struct script_line *line,
                       struct tproc_error *error) {
  const int failed = script_read(program->file, line, error);
  const bool refused = failed == -ENOEXEC || (!failed && line->interpreter == NULL);
  if (!refused || !shell || script_is_elf(line)) return failed;
  line->interpreter = SHELL;
  line->argument = NULL;
  return 0;
}

/*
 * "#!/usr/bin/env NAME": executing env would end in an exec of NAME, out of the address space. So NAME is looked up
 * here, in the PATH that env would see.
 *
 * @return whether that has been done; otherwise nothing has changed, and env can say for itself what is wrong
 */
static bool follow_env(int directory, const struct tproc_launch *launch, struct executable *program,
                       const struct script_line *line, char **room) {
  struct env_command command;
  if (launch->envp == NULL || !env_command_read(line, &command)) return false;
  char script[PATH_MAX];
  memcpy(script, program->file_path, sizeof script);
  struct executable named = {.file = -1};
  named.file = find_file(directory, command.words[0], env_value(launch->envp, "PATH"), &named, NULL);
  if (named.file < 0) return false;
  close(program->file);
  program->file = named.file;
  program->identity = named.identity;
  memcpy(program->path, named.path, sizeof program->path);
  memcpy(program->file_path, named.path, sizeof program->file_path);
  const char *kept = keep(room, script);
  put_in_front(program, command.words, command.count, kept, room);
  return true;
}

/* Editors of Windows end lines by CR LF, and the kernel takes the CR for a part of the name. */
static const char *windows_hint(const struct script_line *line) {
  const size_t length = strlen(line->interpreter);
  const bool ends_in_cr = line->argument == NULL && length > 0 && line->interpreter[length - 1] == '\r';
  return ends_in_cr ? ", which has the line ends of Windows (CR LF)" : "";
}

static int follow_interpreter(int directory, struct executable *program, const struct script_line *line, char **room,
                              struct tproc_error *error) {
  close(program->file);
  program->file = executable_file_open(directory, line->interpreter, &program->identity, error);
  if (program->file < 0) {
    tproc_error_prefix(error, "#! of %s%s: ", program->file_path, windows_hint(line));
    return program->file;
  }
  const char *words[] = {line->interpreter, line->argument};
  const char *script = keep(room, program->file_path);
  put_in_front(program, words, line->argument != NULL ? 2 : 1, script, room);
  snprintf(program->file_path, sizeof program->file_path, "%s", line->interpreter);
  return 0;
}

static int resolve_scripts(int directory, const struct tproc_launch *launch, struct executable *program,
                           struct tproc_error *error) {
  const bool shell = (launch->flags & TPROC_LAUNCH_SHELL) != 0;
  char *room = program->strings;
  memcpy(program->file_path, program->path, sizeof program->file_path);
  for (int depth = 0;; depth++) {
    struct script_line line;
    int failed = read_script(program, shell && depth == 0, &line, error);
    if (failed) {
      tproc_error_prefix(error, "%s: ", program->file_path);
      return failed;
    }
    if (line.interpreter == NULL) return 0;
    if (depth == NESTED_SCRIPTS_MAX)
      return tproc_fail(error, ELOOP, "#! of %s: more than %d nested scripts", program->file_path, NESTED_SCRIPTS_MAX);
    if (follow_env(directory, launch, program, &line, &room)) continue;
    failed = follow_interpreter(directory, program, &line, &room, error);
    if (failed) return failed;
  }
}

int executable_find(int directory, const struct tproc_launch *launch, struct executable *program,
                    struct tproc_error *error) {
  memset(program, 0, sizeof *program);
  program->file = -1;
  int failed = copy_arguments(launch->argv, program, error);
  if (!failed) {
    program->file = find_file(directory, launch->program, launch->search_path, program, error);
    failed = program->file < 0 ? program->file : 0;
  }
  if (!failed) failed = resolve_scripts(directory, launch, program, error);
  if (failed) executable_release(program);
  return failed;
}

void executable_release(struct executable *program) {
  if (program->file >= 0) close(program->file);
  program->file = -1;
  free(program->argv);
  program->argv = NULL;
  free(program->strings);
  program->strings = NULL;
}
