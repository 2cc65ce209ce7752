#include "memory/address_space.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"

/* include/uapi/linux/fs.h of Linux 6.11, which is younger than the headers of many systems that run such a kernel. */
struct query {
  uint64_t size;
  uint64_t flags;
  uint64_t address;
  uint64_t start, end;
  uint64_t mapping_flags;
  uint64_t mapping_page_size;
  uint64_t offset;
  uint64_t inode;
  uint32_t device_major, device_minor;
  uint32_t name_size;
  uint32_t build_id_size;
  uint64_t name_address;
  uint64_t build_id_address;
};
#define QUERY _IOWR('f', 17, struct query)
#define MAPPING_READABLE 0x01
#define MAPPING_WRITABLE 0x02
#define MAPPING_EXECUTABLE 0x04
#define MAPPING_SHARED 0x08
#define COVERING_OR_NEXT 0x10

static bool can_query(int maps) {
  struct query query = {.size = sizeof query, .flags = COVERING_OR_NEXT};
  return ioctl(maps, QUERY, &query) == 0;
}

int address_space_open(struct address_space *space, struct tproc_error *error) {
  space->maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (space->maps < 0) return tproc_fail(error, errno, "open /proc/self/maps (is /proc mounted?)");
  space->is_others = false;
  space->can_query = can_query(space->maps);
  return 0;
}

struct address_space address_space_of_other(int maps) {
  return (struct address_space){.maps = maps, .is_others = true, .can_query = can_query(maps)};
}

void address_space_close(struct address_space *space) {
  if (space->maps >= 0) close(space->maps);
  space->maps = -1;
}

/* A path of more than PATH_MAX has no name that the kernel would tell. */
static bool ask(int maps, struct query *query) {
  const struct query wanted = *query;
  if (ioctl(maps, QUERY, query) == 0) return true;
  if (errno == ENOENT) return false; /* nothing is mapped from here on */
  *query = wanted;
  query->name_size = 0;
  query->name_address = 0;
  return ioctl(maps, QUERY, query) == 0;
}

static void visit_by_query(const struct address_space *space, struct address_range range, uint64_t only,
                           mapping_visitor *visit, void *context) {
  char name[PATH_MAX];
  uint64_t at = range.low;
  while (at < range.high) {
    struct query query = {.size = sizeof query,
                          .flags = COVERING_OR_NEXT | only,
                          .address = at,
                          .name_size = sizeof name,
                          .name_address = (uint64_t)name};
    if (!ask(space->maps, &query) || query.start >= range.high) return;
    const struct mapping mapping = {.range = {query.start, query.end},
                                    .readable = (query.mapping_flags & MAPPING_READABLE) != 0,
                                    .writable = (query.mapping_flags & MAPPING_WRITABLE) != 0,
                                    .executable = (query.mapping_flags & MAPPING_EXECUTABLE) != 0,
                                    .shared = (query.mapping_flags & MAPPING_SHARED) != 0,
                                    .has_file = query.inode != 0,
                                    .file_offset = query.offset,
                                    .name = query.name_size > 0 ? name : ""};
    if (!visit(&mapping, context)) return;
    at = query.end;
  }
}

/* One line of /proc/PID/maps (proc_pid_maps(5)): low-high rwxp offset device inode name. */
static bool parse(char *line, struct mapping *mapping) {
  char permissions[5];
  uint64_t inode;
  int name_at = 0;
  if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*x:%*x %" SCNu64 " %n", &mapping->range.low,
             &mapping->range.high, permissions, &mapping->file_offset, &inode, &name_at) < 5)
    return false;
  mapping->readable = permissions[0] == 'r';
  mapping->writable = permissions[1] == 'w';
  mapping->executable = permissions[2] == 'x';
  mapping->shared = permissions[3] == 's';
  mapping->has_file = inode != 0;
  line[strcspn(line, "\n")] = '\0';
  mapping->name = name_at > 0 ? line + name_at : "";
  return true;
}

/* Opened anew, since several threads look at the host's own at once. Another's may not be opened again by everybody. */
static FILE *open_text(const struct address_space *space) {
  if (!space->is_others) return fopen("/proc/self/maps", "re");
  const int copy = fcntl(space->maps, F_DUPFD_CLOEXEC, 0);
  FILE *file = copy >= 0 ? fdopen(copy, "r") : NULL;
  if (file != NULL) rewind(file);
  if (file == NULL && copy >= 0) close(copy);
  return file;
}

static void visit_by_reading(const struct address_space *space, struct address_range range, bool only_writable,
                             mapping_visitor *visit, void *context) {
  FILE *file = open_text(space);
  if (file == NULL) return;
  char *line = NULL;
  size_t room = 0;
  while (getline(&line, &room, file) > 0) {
    struct mapping mapping;
    if (!parse(line, &mapping) || mapping.range.high <= range.low) continue;
    if (mapping.range.low >= range.high) break;
    if (only_writable && !mapping.writable) continue;
    if (!visit(&mapping, context)) break;
  }
  free(line);
  fclose(file);
}

void address_space_visit(const struct address_space *space, struct address_range range, mapping_visitor *visit,
                         void *context) {
  if (space->can_query)
    visit_by_query(space, range, 0, visit, context);
  else
    visit_by_reading(space, range, false, visit, context);
}

void address_space_visit_writable(const struct address_space *space, struct address_range range, mapping_visitor *visit,
                                  void *context) {
  if (space->can_query)
    visit_by_query(space, range, MAPPING_WRITABLE, visit, context);
  else
    visit_by_reading(space, range, true, visit, context);
}
