#include <stddef.h>
#include <unistd.h>

#include "abi.h"
#include "tproc.h"

/* Of the host; NULL: there is none to wait for. Whoever takes it is the only one: what it does is done once. */
static tproc_abi_ready *take_ready(struct tproc_abi *abi) {
  if (abi == NULL || abi->size < offsetof(struct tproc_abi, ready_argument) + sizeof abi->ready_argument) return NULL;
  if (abi->pid != getpid()) return NULL; /* a forked child, whose memory is a copy */
  return (tproc_abi_ready *)__atomic_exchange_n(&abi->ready, 0, __ATOMIC_ACQ_REL);
}

int tproc_ready(int *argc, char ***argv, char ***envp) {
  struct tproc_abi *abi = (struct tproc_abi *)tproc_host_abi();
  tproc_abi_ready *ready = take_ready(abi);
  if (ready == NULL) return 0;
  uint64_t *vector = (uint64_t *)ready((void *)abi->ready_argument);
  const int count = (int)vector[0];
  environ = (char **)(vector + 1 + count + 1);
  if (argc != NULL) *argc = count;
  if (argv != NULL) *argv = (char **)(vector + 1);
  if (envp != NULL) *envp = environ;
  return 1;
}
