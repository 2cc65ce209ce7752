/* The shared heap, for the host's own code. */
#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "host/host.h"
#include "host/threadproc.h"
#include "shared/heap.h"
#include "shared/owner.h"

static int no_block(const void *block, struct tproc_error *error) {
  return tproc_fail_because(error, EINVAL, "%p: no allocated block of the shared heap begins here", block);
}

int tproc_host_alloc(struct tproc_host *host, size_t size, size_t alignment, void **block, struct tproc_error *error) {
  int failed = host_check_range(host, error);
  if (failed) return failed;
  if (alignment == 0 || (alignment & (alignment - 1)) != 0)
    return tproc_fail_because(error, EINVAL, "allocate: an alignment of %zu is no power of two", alignment);
  failed = host_heap_alloc(&host->heap, size, alignment, block);
  return failed ? tproc_fail(error, -failed, "allocate %zu bytes of the shared heap", size) : 0;
}

int tproc_host_free(struct tproc_host *host, void *block, struct tproc_error *error) {
  int failed = host_check_range(host, error);
  if (failed) return failed;
  failed = host_heap_free(&host->heap, block);
  if (failed == -EINVAL) return no_block(block, error);
  return failed ? tproc_fail(error, -failed, "free a block of the shared heap") : 0;
}

/* A threadproc may be given a block before it has used the heap, which is when it gets its entry otherwise. */
static int enrol(struct tproc_host *host, pid_t pid) {
  struct tproc_threadproc *threadproc = host_pin(host, pid);
  if (threadproc == NULL) return 0;
  pthread_mutex_lock(&threadproc->lock);
  const bool taken = threadproc->reaped || tproc_owner_take(&host->range.view, pid, threadproc->account) != 0;
  pthread_mutex_unlock(&threadproc->lock);
  host_unpin(host, threadproc);
  return taken ? 0 : -EAGAIN;
}

int tproc_host_give(struct tproc_host *host, void *block, pid_t pid, struct tproc_error *error) {
  int failed = host_check_range(host, error);
  if (failed) return failed;
  failed = pid == getpid() ? 0 : enrol(host, pid);
  if (!failed) failed = -tproc_heap_give_process(&host->range.view, block, pid, TPROC_OWNER_HOST);
  if (failed == -EINVAL) return no_block(block, error);
  return failed ? tproc_fail(error, -failed, "give a block of the shared heap to process %d", pid) : 0;
}

size_t tproc_host_usable_size(struct tproc_host *host, const void *block) {
  return host->range.view.share != NULL ? tproc_heap_usable_size(&host->range.view, block) : 0;
}

pid_t tproc_host_block_owner(struct tproc_host *host, const void *block) {
  if (host->range.view.share == NULL) return 0;
  const uint32_t owner = tproc_heap_owner_of(&host->range.view, block);
  return owner == 0 ? 0 : tproc_owner_pid(&host->range.view, owner);
}

int tproc_host_heap(struct tproc_host *host, void **base, size_t *size, struct tproc_error *error) {
  int failed = host_check_range(host, error);
  if (failed) return failed;
  *base = tproc_slice_data(&host->range.view, 1);
  *size = (size_t)(host->range.view.slice_count - 1) * TPROC_SLICE_SIZE;
  return 0;
}
