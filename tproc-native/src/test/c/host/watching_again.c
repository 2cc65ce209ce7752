#include "host/watching_again.h"

#include "host/host.h"

int watch_again(struct tproc_host *host, unsigned spins) {
  struct descendants descendants;
  const int failed = descendants_start(&descendants, host, NULL);
  if (failed) return failed;
  for (volatile unsigned i = 0; i < spins; i++) {
  }
  descendants_stop(&descendants);
  return 0;
}
