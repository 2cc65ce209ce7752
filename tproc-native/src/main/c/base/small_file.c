#include "base/small_file.h"

#include <fcntl.h>
#include <unistd.h>

bool small_file_read(const char *path, char *text, size_t size) {
  text[0] = '\0';
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t got = read(file, text, size - 1);
  close(file);
  text[got > 0 ? got : 0] = '\0';
  return got > 0;
}
