/* Hostile #! lines: names and arguments stay inside the line; only an argument may be empty. The input is the file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loader/env_command.h"
#include "loader/script.h"

static void check_inside(const struct script_line *line, const char *text) {
  if (text < line->text || text + strlen(text) > line->text + SCRIPT_LINE_SIZE) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const int file = memfd_create("fuzz", MFD_CLOEXEC);
  if (file < 0 || (size_t)write(file, "#!", 2) != 2 || write(file, data, size) != (ssize_t)size) abort();
  struct script_line line;
  if (script_read(file, &line, NULL) == 0 && line.interpreter != NULL) {
    check_inside(&line, line.interpreter);
    if (*line.interpreter == '\0') abort();
    if (line.argument != NULL) check_inside(&line, line.argument);
    struct env_command command;
    if (env_command_read(&line, &command))
      for (size_t i = 0; i < command.count; i++)
        if (*command.words[i] == '\0' ||
            command.words[i] + strlen(command.words[i]) >= command.text + sizeof command.text)
          abort();
  }
  close(file);
  return 0;
}
