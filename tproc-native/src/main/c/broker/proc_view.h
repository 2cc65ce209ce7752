/*
 * What /proc/self/cmdline, environ and auxv, and prctl(PR_GET_AUXV), say of a threadproc. The kernel has one of each
 * for an address space, so they describe the host's program; here they are the hosted program's own, as its stack has
 * them.
 */
#ifndef TPROC_PROC_VIEW_H
#define TPROC_PROC_VIEW_H

#include "broker/broker_call.h"
#include "broker/exe_path.h"

/** Whether an open with these flags is answered with a view: it reads. All others the kernel answers. */
bool proc_view_is_read(int flags);

/**
 * A new descriptor, from which what the file has now can be read: what the program writes to its stack later is not
 * seen. May block on the memory's file system. The listener may be a copy.
 */
struct broker_answer proc_view_open(const struct target_check *check, const struct fence_listener *listener,
                                    const struct broker_call *call, enum own_file file, int flags);

/** prctl(PR_GET_AUXV, buffer, size): the vector's size, also where less than that has been written. May block as well.
 */
int64_t proc_view_get_auxv(const struct target_check *check, const struct fence_listener *listener,
                           const struct broker_call *call);

#endif
