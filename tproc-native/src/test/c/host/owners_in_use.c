#include "host/owners_in_use.h"

#include "host/host.h"

unsigned owners_in_use(const struct tproc_host *host) {
  const struct tproc_view *view = &host->range.view;
  unsigned count = 0;
  for (uint32_t i = TPROC_OWNER_CHANNELS + 1; i < view->owner_count; i++)
    count += atomic_load(&view->owners[i].pid) != 0;
  return count;
}
