#include "loader/host_auxv.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/compat.h"

static size_t entries_before_null(const struct auxv_entry *entries, size_t room) {
  size_t count = 0;
  while (count < room && entries[count].type != AT_NULL) count++;
  return count;
}

static size_t from_file(struct auxv_entry *entries, size_t room) {
  int file = open("/proc/self/auxv", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t got = read(file, entries, room * sizeof *entries);
  close(file);
  return got > 0 ? entries_before_null(entries, (size_t)got / sizeof *entries) : 0;
}

static size_t from_libc(struct auxv_entry *entries, size_t room) {
  size_t count = 0;
  for (unsigned long type = 1; type < 64 && count < room; type++) {
    errno = 0;
    unsigned long value = getauxval(type);
    if (value != 0 || errno != ENOENT) entries[count++] = (struct auxv_entry){type, value};
  }
  return count;
}

void host_auxv_read(struct host_auxv *auxv) {
  memset(auxv, 0, sizeof *auxv);
  if (prctl(PR_GET_AUXV, auxv->entries, sizeof auxv->entries, 0, 0) > 0)
    auxv->count = entries_before_null(auxv->entries, HOST_AUXV_MAX);
  if (auxv->count == 0) auxv->count = from_file(auxv->entries, HOST_AUXV_MAX);
  if (auxv->count == 0) auxv->count = from_libc(auxv->entries, HOST_AUXV_MAX);
}
