#include "descriptors.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "message.h"
#include "system.h"

#define STANDARD 3

static bool is_open(int number) { return sys_fcntl(number, F_GETFD, 0) >= 0; }

static int fail(const char *text, long code) {
  message(text, ": ", errno_text(code), NULL);
  return WIRE_EXIT_NO_HOST;
}

/* The working directory takes one place, and 0-2 keep theirs also while they are closed. */
#define FURTHER_MAX (WIRE_DESCRIPTORS_MAX - 1 - STANDARD)

static bool add(struct descriptors *descriptors, int32_t number) {
  if (descriptors->count >= FURTHER_MAX) return false;
  descriptors_set(descriptors, number, number);
  return true;
}

static int too_many(void) {
  message("more than 1020 descriptors to pass on", NULL);
  return WIRE_EXIT_NO_HOST;
}

static int add_entry(struct descriptors *descriptors, const char *name, int directory) {
  int32_t number = 0;
  for (; *name >= '0' && *name <= '9'; name++) number = number * 10 + (*name - '0');
  if (*name != '\0' || number < STANDARD || number == directory) return 0; /* "." and ".."; 0-2 are there already */
  return add(descriptors, number) ? 0 : too_many();
}

static int add_all(struct descriptors *descriptors) {
  const int directory = sys_open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return fail("--pass-fds: cannot read /proc/self/fd", directory);
  _Alignas(struct directory_entry) char entries[2048];
  int failed = 0;
  for (;;) {
    const long size = sys_read_directory(directory, entries, sizeof entries);
    if (size < 0) failed = fail("--pass-fds: cannot read /proc/self/fd", size);
    if (size <= 0) break;
    for (long at = 0; at < size && failed == 0;) {
      const struct directory_entry *entry = (const void *)(entries + at);
      failed = add_entry(descriptors, entry->name, directory);
      at += entry->size;
    }
    if (failed != 0) break;
  }
  sys_close(directory);
  return failed;
}

static int add_chosen(struct descriptors *descriptors, const struct options *options) {
  for (size_t i = 0; i < options->passed_count; i++) {
    if (!is_open(options->passed[i])) {
      char number[NUMBER_SIZE];
      message("--pass-fd ", number_text(options->passed[i], number), ": ", errno_text(EBADF), NULL);
      return WIRE_EXIT_NO_HOST;
    }
    if (!add(descriptors, options->passed[i])) return too_many();
  }
  return 0;
}

int descriptors_find(const struct options *options, struct descriptors *descriptors) {
  descriptors->count = 0;
  for (int32_t number = 0; number < STANDARD; number++)
    if (is_open(number)) add(descriptors, number);
  int failed = add_chosen(descriptors, options);
  if (failed == 0 && options->pass_all) failed = add_all(descriptors);
  if (failed != 0) return failed;
  /* The kernel gives out the lowest free number. */
  for (int number = 0; number < STANDARD; number++)
    if (!is_open(number)) sys_open("/", O_PATH | O_CLOEXEC);
  return 0;
}

bool descriptors_add_terminal(struct descriptors *descriptors, int terminal) {
  if (wire_launch_descriptors(WIRE_LAUNCH_TERMINAL_APART, descriptors->count) > WIRE_DESCRIPTORS_MAX) return false;
  for (size_t i = descriptors->count; i > 0; i--) descriptors->sources[i + 1] = descriptors->sources[i];
  descriptors->sources[1] = terminal;
  return true;
}

int descriptors_open_directory(struct descriptors *descriptors) {
  descriptors->sources[0] = sys_open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return descriptors->sources[0] < 0 ? descriptors->sources[0] : 0;
}

void descriptors_set(struct descriptors *descriptors, int32_t number, int source) {
  size_t at = 0;
  while (at < descriptors->count && descriptors->numbers[at] < number) at++;
  if (at == descriptors->count || descriptors->numbers[at] != number) {
    for (size_t i = descriptors->count; i > at; i--) {
      descriptors->numbers[i] = descriptors->numbers[i - 1];
      descriptors->sources[i + 1] = descriptors->sources[i];
    }
    descriptors->numbers[at] = number;
    descriptors->count++;
  }
  descriptors->sources[at + 1] = source;
}
