#include "refuse.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct line {
  char text[192];
  size_t size;
};

/* The new line has its place, whatever comes. */
static void add(struct line *line, const char *text) {
  while (*text != '\0' && line->size < sizeof line->text - 1) line->text[line->size++] = *text++;
}

static void add_address(struct line *line, const void *address) {
  char digits[17] = "";
  for (int i = 0; i < 16; i++) digits[i] = "0123456789abcdef"[(uintptr_t)address >> (60 - 4 * i) & 15];
  add(line, digits);
}

/* Nothing is allocated: libc's memory may be in no better order. */
void tproc_refuse(const char *function, const void *address, const char *why) {
  struct line line;
  line.size = 0;
  add(&line, "libtproc: ");
  add(&line, function);
  add(&line, "(0x");
  add_address(&line, address);
  add(&line, "): ");
  add(&line, why);
  line.text[line.size++] = '\n';
  const ssize_t written = write(STDERR_FILENO, line.text, line.size);
  (void)written;
  abort();
}
