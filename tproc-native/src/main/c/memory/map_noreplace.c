#include "memory/map_noreplace.h"

#include <errno.h>
#include <linux/mman.h>
#include <sys/mman.h>

static int64_t map_at(uint64_t address, const struct map_request *request, int how) {
  void *got = mmap((void *)address, request->length, request->protection, (request->flags & ~MAP_FIXED) | how,
                   request->file, (off_t)request->offset);
  return got == MAP_FAILED ? -errno : (int64_t)got;
}

int64_t map_noreplace(uint64_t address, const struct map_request *request) {
  if ((request->flags & MAP_TYPE) != MAP_SHARED_VALIDATE) return map_at(address, request, MAP_FIXED_NOREPLACE);
  /* MAP_SHARED_VALIDATE refuses a flag as young as that one: the place is taken first, and then replaced. */
  const struct map_request taken = {
      .length = request->length, .protection = PROT_NONE, .flags = MAP_PRIVATE | MAP_ANONYMOUS, .file = -1};
  int64_t got = map_at(address, &taken, MAP_FIXED_NOREPLACE);
  if (got < 0) return got;
  struct map_request wanted = *request;
  wanted.flags &= ~MAP_FIXED_NOREPLACE;
  got = map_at(address, &wanted, MAP_FIXED);
  if (got < 0) munmap((void *)address, request->length);
  return got;
}
