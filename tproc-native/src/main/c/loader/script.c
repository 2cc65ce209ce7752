#include "loader/script.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Both look at [at, last], with the last; NULL: none. */
static char *next_non_blank(char *at, const char *last) {
  for (; at <= last; at++)
    if (!is_blank(*at)) return at;
  return NULL;
}

static char *next_terminator(char *at, const char *last) {
  for (; at <= last; at++)
    if (is_blank(*at) || *at == '\0') return at;
  return NULL;
}

static ssize_t read_start(int file, char *text) {
  ssize_t got;
  do {
    got = pread(file, text, SCRIPT_LINE_SIZE, 0);
  } while (got < 0 && errno == EINTR);
  return got;
}

static int no_name(struct tproc_error *error, int code) {
  return tproc_fail_because(error, code, "#! names no interpreter");
}

/*
 * Where the line ends. A newline after a NUL is not seen. Without one the last of the 256 bytes only counts as the end
 * of a name: it is never part of anything.
 */
static int find_end(char *text, char **end, struct tproc_error *error) {
  char *const last = text + SCRIPT_LINE_SIZE - 1;
  char *newline = memchr(text, '\n', strnlen(text, SCRIPT_LINE_SIZE));
  if (newline == NULL) {
    char *name = next_non_blank(text + 2, last);
    if (name == NULL) return no_name(error, ENOEXEC);
    if (next_terminator(name, last) == NULL)
      return tproc_fail_because(error, ENOEXEC, "#! line: the interpreter's name does not fit into %d bytes",
                                SCRIPT_LINE_SIZE);
  }
  *end = newline != NULL ? newline : last;
  while (is_blank((*end)[-1])) --*end;
  return 0;
}

/* As load_script of the kernel. What lies beyond the file's end is NUL, and blanks before one are an empty argument. */
int script_read(int file, struct script_line *line, struct tproc_error *error) {
  memset(line, 0, sizeof *line);
  const ssize_t got = read_start(file, line->text);
  if (got < 0) return tproc_fail(error, errno, "read the first line");
  if (got < 2 || line->text[0] != '#' || line->text[1] != '!') return 0;

  char *end = NULL;
  const int failed = find_end(line->text, &end, error);
  if (failed) return failed;
  char *name = next_non_blank(line->text + 2, end);
  if (name == NULL || name == end) return no_name(error, ENOEXEC);
  char *separator = next_terminator(name, end);
  char *argument = separator != NULL && *separator != '\0' ? next_non_blank(separator, end) : NULL;
  *end = '\0';
  if (argument != NULL) *separator = '\0';
  if (*name == '\0') return no_name(error, EACCES); /* the kernel opens the working directory */
  line->interpreter = name;
  line->argument = argument;
  return 0;
}

bool script_is_elf(const struct script_line *line) { return memcmp(line->text, ELFMAG, SELFMAG) == 0; }
