/*
 * The right to look into a threadproc whose user has changed. The kernel asks for the same user, or CAP_SYS_PTRACE,
 * which root in a container does not have; and a change of the user makes the shared memory undumpable, which closes
 * all of the host's threadprocs to it. So a thread of the host takes the threadproc's user for as long as one look
 * takes.
 */
#ifndef TPROC_TARGET_ACCESS_H
#define TPROC_TARGET_ACCESS_H

#include <linux/capability.h>
#include <stdbool.h>
#include <sys/types.h>

/** What the calling thread was before. */
struct target_access {
  uid_t user, file_user;
  gid_t group, file_group;
  bool is_other; /**< the target's user or group is another one */
  int dumpable;
  struct __user_cap_data_struct capabilities[_LINUX_CAPABILITY_U32S_3];
};

/**
 * Gives the calling thread, and no other, what the kernel asks of a thread that looks into `tid`. Each true is followed
 * by target_access_end in the same thread, soon: others wait, and for so long the memory is dumpable.
 *
 * @return false, and nothing has changed, when there is nothing to be won (a target with several users among it)
 */
bool target_access_begin(struct target_access *access, pid_t tid);

/** Keeps errno. */
void target_access_end(const struct target_access *access);

#endif
