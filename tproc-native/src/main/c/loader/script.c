#include "loader/script.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

int script_read(int file, struct script_line *line, struct tproc_error *error) {
  memset(line, 0, sizeof *line);
  ssize_t got;
  do {
    got = pread(file, line->text, SCRIPT_LINE_SIZE, 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return tproc_fail(error, errno, "read the first line");
  if (got < 2 || line->text[0] != '#' || line->text[1] != '!') return 0;

  char *newline = memchr(line->text, '\n', (size_t)got);
  const size_t length = strnlen(line->text, (size_t)got);
  /* Without a newline the last of the 256 bytes only counts as an end of the name: it is never part of anything. */
  const bool full = newline == NULL && length == SCRIPT_LINE_SIZE;
  char *const last = line->text + SCRIPT_LINE_SIZE - 1;
  const bool cut = full && !is_blank(*last);
  char *end = newline != NULL ? newline : full ? last : line->text + length;
  while (end > line->text + 2 && is_blank(end[-1])) end--;
  *end = '\0';

  char *at = line->text + 2;
  while (is_blank(*at)) at++;
  if (*at == '\0') return tproc_fail_because(error, ENOEXEC, "#! names no interpreter");
  line->interpreter = at;
  while (*at != '\0' && !is_blank(*at)) at++;
  /* Without a blank after it the name itself may be cut. A cut argument is passed on as it is. */
  if (cut && at == last)
    return tproc_fail_because(error, ENOEXEC, "#! line: the interpreter's name does not fit into %d bytes",
                              SCRIPT_LINE_SIZE);
  if (*at == '\0') return 0;
  *at++ = '\0';
  while (is_blank(*at)) at++;
  if (*at != '\0') line->argument = at;
  return 0;
}

bool script_is_elf(const struct script_line *line) { return memcmp(line->text, ELFMAG, SELFMAG) == 0; }
