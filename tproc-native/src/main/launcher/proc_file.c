#include "proc_file.h"

#include <string.h>

#include "message.h"
#include "system.h"

#define FILE_SIZE 4096
#define PATH_SIZE 64

/* "/proc/" + pid or "self/fdinfo/" + descriptor: a prefix, a number and a suffix. */
static bool read_file(const char *prefix, int number, const char *suffix, char text[FILE_SIZE]) {
  char path[PATH_SIZE];
  char *end = put_text(path, prefix);
  number_text(number, end);
  put_text(end + strlen(end), suffix);
  const int file = sys_open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const long size = sys_read(file, text, FILE_SIZE - 1);
  sys_close(file);
  if (size <= 0) return false;
  text[size] = '\0';
  return true;
}

bool proc_read_stat(int pid, struct process_stat *stat) {
  char text[FILE_SIZE];
  return read_file("/proc/", pid, "/stat", text) && proc_parse_stat(text, stat);
}

bool proc_read_dispositions(int pid, uint64_t *not_default, uint64_t *blocked) {
  char text[FILE_SIZE];
  int64_t ignored, caught, held;
  if (!read_file("/proc/", pid, "/status", text) || !proc_parse_field(text, "SigIgn:\t", 16, &ignored) ||
      !proc_parse_field(text, "SigCgt:\t", 16, &caught) || !proc_parse_field(text, "SigBlk:\t", 16, &held))
    return false;
  *not_default = (uint64_t)ignored | (uint64_t)caught;
  *blocked = (uint64_t)held;
  return true;
}

int proc_pid_of(int pidfd) {
  char text[FILE_SIZE];
  int64_t pid;
  if (!read_file("/proc/self/fdinfo/", pidfd, "", text) || !proc_parse_field(text, "Pid:\t", 10, &pid)) return 0;
  return (int)pid;
}
