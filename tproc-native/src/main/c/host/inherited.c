#include "host/inherited.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/proc_text.h"
#include "base/small_file.h"

#define STATUS_SIZE 16384
#define IOPRIO_WHO_PROCESS 1

/* FNV-1a. */
#define DIGEST_START 0xcbf29ce484222325u
#define DIGEST_PRIME 0x100000001b3u

static const char *const lines[] = {
    "Uid:",    "Gid:",        "Groups:",  "CapInh:",          "CapPrm:",       "CapEff:",      "CapBnd:",
    "CapAmb:", "NoNewPrivs:", "Seccomp:", "Seccomp_filters:", "Cpus_allowed:", "Mems_allowed:"};

static bool is_compared(const char *line) {
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
    if (strncmp(line, lines[i], strlen(lines[i])) == 0) return true;
  return false;
}

static uint64_t digest(const char *text) {
  uint64_t value = DIGEST_START;
  while (*text != '\0') {
    const char *end = text + strcspn(text, "\n");
    if (is_compared(text))
      for (const char *at = text; at < end; at++) value = (value ^ (unsigned char)*at) * DIGEST_PRIME;
    text = *end == '\0' ? end : end + 1;
  }
  return value;
}

static bool read_status(pid_t tid, char text[STATUS_SIZE]) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
  return small_file_read(path, text, STATUS_SIZE);
}

bool inherited_read(pid_t tid, struct inherited *inherited, int *umask) {
  char text[STATUS_SIZE];
  int64_t mask;
  memset(inherited, 0, sizeof *inherited);
  if (!read_status(tid, text) || !proc_parse_field(text, "Umask:\t", 8, &mask)) return false;
  *umask = (int)mask;
  inherited->credentials = digest(text);
  for (int i = 0; i < RLIM_NLIMITS; i++)
    if (getrlimit((__rlimit_resource_t)i, &inherited->limits[i]) != 0) return false;
  inherited->nice = getpriority(PRIO_PROCESS, (id_t)tid);
  inherited->policy = sched_getscheduler(tid);
  inherited->io_priority = (int)syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, tid);
  return true;
}

bool inherited_equals(const struct inherited *one, const struct inherited *other) {
  for (int i = 0; i < RLIM_NLIMITS; i++)
    if (one->limits[i].rlim_cur != other->limits[i].rlim_cur || one->limits[i].rlim_max != other->limits[i].rlim_max)
      return false;
  return one->nice == other->nice && one->policy == other->policy && one->io_priority == other->io_priority &&
         one->credentials == other->credentials;
}
