#include "broker/target_segment.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/process_credentials.h"
#include "broker/target_access.h"

#define READ 4
#define WRITE 2
#define EXECUTE 1

static bool is_member(const struct segment_rights *rights, gid_t group) {
  for (size_t i = 0; i < rights->group_count; i++)
    if (rights->groups[i] == group) return true;
  return false;
}

bool segment_allows(const struct ipc_perm *segment, const struct segment_rights *rights, int flags) {
  const unsigned wanted =
      READ | ((flags & SHM_RDONLY) != 0 ? 0u : WRITE) | ((flags & SHM_EXEC) != 0 ? (unsigned)EXECUTE : 0u);
  unsigned granted = segment->mode;
  if (rights->user == segment->cuid || rights->user == segment->uid)
    granted >>= 6;
  else if (is_member(rights, segment->cgid) || is_member(rights, segment->gid))
    granted >>= 3;
  return (wanted & ~granted & 7) == 0 || rights->owns_all;
}

static bool read_rights(pid_t tid, struct segment_rights *rights) {
  struct process_credentials credentials;
  if (!process_credentials_read(tid, &credentials)) return false;
  *rights = (struct segment_rights){.user = credentials.users[PROCESS_EFFECTIVE],
                                    .groups = {credentials.groups[PROCESS_EFFECTIVE]},
                                    .group_count = 1 + credentials.supplementary_count,
                                    .owns_all = (credentials.capabilities >> CAP_IPC_OWNER & 1) != 0};
  memcpy(rights->groups + 1, credentials.supplementary, credentials.supplementary_count * sizeof *rights->groups);
  return true;
}

/* -EACCES: it is not to be looked into. */
static int compare_namespace(pid_t tid, const char *kind, bool *same) {
  char path[64];
  struct stat own, other;
  snprintf(path, sizeof path, "/proc/thread-self/ns/%s", kind);
  if (stat(path, &own) != 0) return -EACCES;
  snprintf(path, sizeof path, "/proc/%d/ns/%s", tid, kind);
  struct target_access access;
  int failed = stat(path, &other);
  if (failed && (errno == EACCES || errno == EPERM) && target_access_begin(&access, tid)) {
    failed = stat(path, &other);
    target_access_end(&access);
  }
  *same = !failed && own.st_ino == other.st_ino && own.st_dev == other.st_dev;
  return failed ? -EACCES : 0;
}

int target_segment(pid_t tid, int id, int flags, struct segment *segment) {
  struct segment_rights rights;
  struct shmid_ds status;
  bool same_segments, same_users;
  if (compare_namespace(tid, "ipc", &same_segments) != 0 || !same_segments) return -EACCES;
  if (compare_namespace(tid, "user", &same_users) != 0 || !read_rights(tid, &rights)) return -EACCES;
  rights.owns_all = rights.owns_all && same_users;
  if (shmctl(id, IPC_STAT, &status) != 0) return -errno;
  if (!segment_allows(&status.shm_perm, &rights, flags)) return -EACCES;
  *segment = (struct segment){.id = id, .size = status.shm_segsz};
  return 0;
}
