#include "proc_file.h"

#include <string.h>

#include "message.h"
#include "system.h"

#define FILE_SIZE 4096
#define PATH_SIZE 64

/* "/proc/" + pid or "self/fdinfo/" + descriptor: a prefix, a number and a suffix. */
static bool read_file(const char *prefix, int number, const char *suffix, char text[FILE_SIZE]) {
  char path[PATH_SIZE];
  char *behind = put_text(path, prefix);
  number_text(number, behind);
  put_text(behind + strlen(behind), suffix);
  const int file = sys_open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const long size = sys_read(file, text, FILE_SIZE - 1);
  sys_close(file);
  if (size <= 0) return false;
  text[size] = '\0';
  return true;
}

static unsigned digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return (unsigned)(digit - '0');
  if (digit >= 'a' && digit <= 'f') return (unsigned)(digit - 'a') + 10;
  return ~0u;
}

/* Returns where the number ends, or NULL. */
static const char *parse_number(const char *text, unsigned base, int64_t *number) {
  const bool negative = *text == '-';
  if (negative) text++;
  if (digit_value(*text) >= base) return NULL;
  uint64_t value = 0;
  for (; digit_value(*text) < base; text++) value = value * base + digit_value(*text);
  *number = (int64_t)(negative ? -value : value);
  return text;
}

bool proc_parse_stat(const char *text, struct process_stat *stat) {
  const char *behind = NULL;
  for (; *text != '\0'; text++)
    if (*text == ')') behind = text + 1;
  if (behind == NULL || behind[0] != ' ' || behind[1] == '\0') return false;
  stat->state = behind[1];
  behind += 2;
  int64_t numbers[3];
  for (int i = 0; i < 3; i++) {
    if (*behind != ' ') return false;
    behind = parse_number(behind + 1, 10, &numbers[i]);
    if (behind == NULL) return false;
  }
  stat->parent = (int)numbers[0];
  stat->group = (int)numbers[1];
  stat->session = (int)numbers[2];
  return true;
}

bool proc_parse_field(const char *text, const char *name, unsigned base, int64_t *number) {
  const size_t length = strlen(name);
  bool line_starts = true;
  for (; *text != '\0'; text++) {
    if (line_starts && strncmp(text, name, length) == 0) return parse_number(text + length, base, number) != NULL;
    line_starts = *text == '\n';
  }
  return false;
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
