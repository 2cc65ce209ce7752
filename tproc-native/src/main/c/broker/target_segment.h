/*
 * Whether a program may attach a System V segment. The host attaches it, and the kernel would ask whether the host may:
 * one that runs as root, or has another IPC namespace, would lend its rights to a program that has given up its own.
 */
#ifndef TPROC_TARGET_SEGMENT_H
#define TPROC_TARGET_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/shm.h>
#include <sys/types.h>

#include "base/process_credentials.h"
#include "memory/memory.h"

/** What the kernel asks of a process that attaches a segment. */
struct segment_rights {
  uid_t user; /**< effective */
  /** The effective one, then supplementary ones; those beyond give no right here. */
  gid_t groups[1 + PROCESS_GROUPS_MAX];
  size_t group_count;
  bool owns_all; /**< CAP_IPC_OWNER, in the namespace of the host's segments */
};

/** The kernel's ipcperms. @param flags of shmat */
bool segment_allows(const struct ipc_perm *segment, const struct segment_rights *rights, int flags);

/**
 * Looks a segment up for a target.
 *
 * @return 0 and *segment; or -EACCES, also when the target's IPC namespace is not the host's; or what shmctl says
 */
int target_segment(pid_t tid, int id, int flags, struct segment *segment);

#endif
