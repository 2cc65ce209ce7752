#include "shared/heap.h"

#include <errno.h>
#include <string.h>

#include "refuse.h"
#include "shared/owner.h"
#include "thread.h"
#include "tproc.h"

#define NOT_ALLOCATED "no allocated block begins here (has it been freed before?)"

/* Out of the way of the quick one, which has nothing to save then. */
static __attribute__((noinline)) void *slowly(size_t alignment, size_t size) {
  const int failed = tproc_take_part();
  void *block = failed ? NULL : tproc_heap_alloc_slowly(&tproc_view, tproc_cache, size, alignment);
  if (block == NULL) errno = failed ? failed : ENOMEM;
  return block;
}

/* A cache that is not attached has no block at hand. */
void *tproc_alloc(size_t size) {
  void *block = tproc_heap_alloc_quickly(tproc_cache, size);
  return __builtin_expect(block != NULL, 1) ? block : slowly(16, size);
}

void *tproc_aligned_alloc(size_t alignment, size_t size) {
  if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
    errno = EINVAL;
    return NULL;
  }
  return alignment <= 16 ? tproc_alloc(size) : slowly(alignment, size);
}

static __attribute__((noinline)) void free_slowly(void *block) {
  if (block == NULL) return;
  if (tproc_cache->token == 0) {
    const int saved = errno;
    tproc_take_part();
    errno = saved;
    if (tproc_view.share == NULL) tproc_refuse("tproc_free", block, NOT_ALLOCATED);
  }
  if (tproc_heap_free_slowly(&tproc_view, tproc_cache, block) == EINVAL)
    tproc_refuse("tproc_free", block, NOT_ALLOCATED);
}

/* A cache that is not attached has no group that the block could be noted in. Nothing is open: there is no slice. */
void tproc_free(void *block) {
  struct tproc_block found;
  if (__builtin_expect(tproc_heap_untag(&tproc_view, block, &found), 1))
    tproc_heap_freed(tproc_cache, &found);
  else
    free_slowly(block);
}

void *tproc_realloc(void *block, size_t size) {
  if (block == NULL) return tproc_alloc(size);
  const size_t room = tproc_usable_size(block);
  if (room == 0) tproc_refuse("tproc_realloc", block, NOT_ALLOCATED);
  if (size <= room && size >= room / 2) return block;
  void *moved = tproc_alloc(size);
  if (moved == NULL) return NULL;
  memcpy(moved, block, size < room ? size : room);
  tproc_free(block);
  return moved;
}

size_t tproc_usable_size(const void *block) {
  return tproc_open() == 0 ? tproc_heap_usable_size(&tproc_view, block) : 0;
}

int tproc_owner_of(const void *block) {
  const uint32_t owner = tproc_open() == 0 ? tproc_heap_owner_of(&tproc_view, block) : 0;
  return owner == 0 ? 0 : tproc_owner_pid(&tproc_view, owner);
}

int tproc_give(void *block, int pid) {
  const int failed = tproc_take_part();
  if (failed) return failed;
  if (pid == TPROC_HOST) return tproc_heap_give(&tproc_view, block, TPROC_OWNER_HOST);
  return tproc_heap_give_process(&tproc_view, block, pid, tproc_cache->owner);
}
