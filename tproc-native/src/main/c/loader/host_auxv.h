/* The host's own auxiliary vector: what the kernel told the host about the machine. Threadprocs get it, too. */
#ifndef TPROC_HOST_AUXV_H
#define TPROC_HOST_AUXV_H

#include <stddef.h>

#include "tproc_core.h"

/** More entries than any kernel gives (Linux 6.18: 24). */
#define HOST_AUXV_MAX 64

struct auxv_entry {
  unsigned long type;
  unsigned long value;
};

/** Without the final AT_NULL. */
struct host_auxv {
  size_t count;
  struct auxv_entry entries[HOST_AUXV_MAX];
};

/** Reads it from the kernel (PR_GET_AUXV, since 6.4), from /proc/self/auxv, or failing both asks libc entry by entry.
 */
void host_auxv_read(struct host_auxv *auxv);

#endif
