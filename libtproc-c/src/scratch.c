#include <errno.h>
#include <stddef.h>
#include <sys/auxv.h>

#include "abi.h"
#include "tproc.h"

/* The only size that the original threadprocs project, which passes no size, ever had. */
#define ORIGINAL_SCRATCH_SIZE 4096

void *tproc_scratch(void) {
  int saved = errno;
  void *scratch = (void *)getauxval(TPROC_AT_SCRATCH);
  errno = saved;
  return scratch;
}

size_t tproc_scratch_size(void) {
  if (tproc_scratch() == NULL) return 0;
  const struct tproc_abi *abi = tproc_host_abi();
  return abi != NULL ? (size_t)abi->scratch_size : ORIGINAL_SCRATCH_SIZE;
}
