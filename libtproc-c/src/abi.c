/*
 * The auxiliary vector is the way from the host to the program because it needs nothing in between: no environment
 * variable that a shell in between would hand on to programs that are not hosted, no descriptor, no file. The kernel
 * writes a fresh one at every exec, so its entries vanish exactly when they stop being true. getauxval reads it in
 * static and dynamic programs, on glibc and musl.
 */
#include "abi.h"

#include <errno.h>
#include <stddef.h>
#include <sys/auxv.h>

const struct tproc_abi *tproc_host_abi(void) {
  int saved = errno; /* getauxval sets ENOENT when there is no such entry */
  const struct tproc_abi *abi = (const struct tproc_abi *)getauxval(TPROC_AT_ABI);
  errno = saved;
  if (abi == NULL || abi->magic != TPROC_ABI_MAGIC || abi->version < 1) return NULL;
  /* A field that the host does not know is beyond its size; all that are read here were there in version 1. */
  if (abi->size < offsetof(struct tproc_abi, pid) + sizeof abi->pid) return NULL;
  return abi;
}
