#include <unistd.h>

#include "abi.h"
#include "tproc.h"

int tproc_is_threadproc(void) {
  const struct tproc_abi *abi = tproc_host_abi();
  if (abi == NULL) return tproc_scratch() != NULL;
  /* The block was copied along with everything else if this is a forked child, and then names its parent. */
  return abi->pid == getpid();
}
