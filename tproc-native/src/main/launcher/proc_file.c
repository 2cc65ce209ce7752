#include "proc_file.h"

#include <string.h>

#include "message.h"
#include "system.h"

#define FILE_SIZE 4096

/* "/proc/" + pid or "self/fdinfo/" + descriptor: a prefix, a number and a suffix. */
static bool read_file(const char *prefix, int number, const char *suffix, char text[FILE_SIZE]) {
  char path[PROC_PATH_SIZE];
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

size_t proc_read_threads(int pid, int *threads, size_t room) {
  _Alignas(struct directory_entry) char entries[FILE_SIZE];
  char path[PROC_PATH_SIZE];
  size_t count = 1;
  threads[0] = pid;
  number_text(pid, put_text(path, "/proc/"));
  put_text(path + strlen(path), "/task");
  const int directory = sys_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return count;
  const long size = sys_read_directory(directory, entries, sizeof entries);
  sys_close(directory);
  for (long at = 0; at < size && count < room;) {
    const struct directory_entry *entry = (const void *)(entries + at);
    int thread = 0;
    for (const char *digit = entry->name; *digit >= '0' && *digit <= '9'; digit++)
      thread = thread * 10 + (*digit - '0');
    if (thread != 0 && thread != pid) threads[count++] = thread;
    at += entry->size;
  }
  return count;
}

/* "0 0x3 0x7ffc..." while it waits; "running", or "-1 ..." when it waits for something else. */
bool proc_read_call(int pid, long *call, int *descriptor) {
  char text[FILE_SIZE];
  if (!read_file("/proc/", pid, "/syscall", text)) return false;
  const char *at = text;
  if (*at < '0' || *at > '9') return false;
  for (*call = 0; *at >= '0' && *at <= '9'; at++) *call = *call * 10 + (*at - '0');
  if (strncmp(at, " 0x", 3) != 0) return false;
  unsigned number = 0;
  for (at += 3; *at != ' ' && *at != '\0'; at++)
    number = number * 16 + (unsigned)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
  *descriptor = (int)number;
  return true;
}

size_t proc_read_children(int pid, int *children, size_t room) {
  char text[FILE_SIZE], suffix[PROC_PATH_SIZE];
  number_text(pid, put_text(suffix, "/task/"));
  put_text(suffix + strlen(suffix), "/children");
  if (!read_file("/proc/", pid, suffix, text)) return 0;
  size_t count = 0;
  for (const char *at = text; *at >= '0' && *at <= '9' && count < room; count++) {
    for (children[count] = 0; *at >= '0' && *at <= '9'; at++) children[count] = children[count] * 10 + (*at - '0');
    while (*at == ' ') at++;
  }
  return count;
}
