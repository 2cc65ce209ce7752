#include "heap.h"

#include "account.h"
#include "owner.h"

/* Slices are aligned to their size at least, so a block is aligned as far as its size is. */
static bool is_aligned(uint32_t size_class, size_t alignment) {
  return (tproc_size_classes[size_class].size & (alignment - 1)) == 0;
}

static void *take_block(const struct tproc_view *view, struct tproc_cache *cache, uint32_t size_class) {
  struct tproc_bin *bin = &cache->bins[size_class];
  if (bin->free == 0 && !tproc_bin_reuse(bin) && !tproc_cache_refill(view, cache, size_class)) return NULL;
  return tproc_bin_take(bin, (uint16_t)cache->owner);
}

/* The bin's group is in it only meanwhile: the fast way finds none. */
static void *take_counted(const struct tproc_view *view, struct tproc_cache *cache, uint32_t size_class) {
  struct tproc_bin *bin = &cache->bins[size_class];
  struct tproc_parked *parked = &cache->parked[size_class];
  const uint32_t size = tproc_size_classes[size_class].size;
  if (!tproc_account_charge(view, cache->account, size)) return NULL;
  bin->free = parked->free, bin->blocks = parked->blocks, bin->tags = parked->tags;
  void *block = take_block(view, cache, size_class);
  *parked = (struct tproc_parked){bin->free, bin->blocks, bin->tags};
  bin->free = 0, bin->blocks = NULL, bin->tags = NULL;
  if (block == NULL) tproc_account_refund(view, cache->account, size);
  return block;
}

static void *alloc_small(const struct tproc_view *view, struct tproc_cache *cache, uint32_t size_class) {
  return cache->account == 0 ? take_block(view, cache, size_class) : take_counted(view, cache, size_class);
}

int tproc_heap_free_slowly(const struct tproc_view *view, struct tproc_cache *cache, void *address) {
  struct tproc_block block;
  if (!tproc_block_at(view, address, &block)) return EINVAL;
  if (block.size_class == TPROC_CLASS_LARGE) return tproc_large_free(view, cache, block.slice);
  const uint16_t owner = atomic_load_explicit(block.tag, memory_order_relaxed);
  if (owner == 0) return EINVAL;
  atomic_store_explicit(block.tag, 0, memory_order_release); /* free */
  tproc_heap_freed(cache, &block);
  tproc_account_lose(view, owner, tproc_size_classes[block.size_class].size);
  return 0;
}

void *tproc_heap_alloc_slowly(const struct tproc_view *view, struct tproc_cache *cache, size_t size, size_t alignment) {
  if (cache->token == 0) return NULL;
  if (size <= TPROC_SMALL_MAX) {
    uint32_t size_class = tproc_size_class_of(size);
    while (size_class < TPROC_CLASS_COUNT && !is_aligned(size_class, alignment)) size_class++;
    if (size_class < TPROC_CLASS_COUNT) return alloc_small(view, cache, size_class);
  }
  return tproc_large_alloc(view, cache, size, alignment);
}

size_t tproc_heap_usable_size(const struct tproc_view *view, const void *address) {
  struct tproc_block block;
  if (tproc_heap_owner_of(view, address) == 0 || !tproc_block_at(view, address, &block)) return 0;
  if (block.size_class != TPROC_CLASS_LARGE) return tproc_size_classes[block.size_class].size;
  return (size_t)tproc_slice_run(view, (uint32_t)block.slice) * TPROC_SLICE_SIZE;
}

uint32_t tproc_heap_owner_of(const struct tproc_view *view, const void *address) {
  struct tproc_block block;
  if (!tproc_block_at(view, address, &block)) return 0;
  if (block.size_class != TPROC_CLASS_LARGE) return atomic_load_explicit(block.tag, memory_order_acquire);
  const uint32_t word = atomic_load_explicit(&view->slices[block.slice].owner, memory_order_acquire);
  return tproc_is_large(word) ? word & ~TPROC_SLICE_LARGE : 0;
}

static int give_small(const struct tproc_view *view, const struct tproc_block *block, uint32_t owner) {
  const uint32_t size = tproc_size_classes[block->size_class].size;
  uint16_t now = atomic_load_explicit(block->tag, memory_order_acquire);
  tproc_account_receive(view, owner, size);
  do {
    if (now == 0) break;
  } while (!atomic_compare_exchange_weak(block->tag, &now, (uint16_t)owner));
  tproc_account_lose(view, now == 0 ? owner : now, size);
  return now == 0 ? EINVAL : 0;
}

int tproc_heap_give(const struct tproc_view *view, void *address, uint32_t owner) {
  struct tproc_block block;
  if (!tproc_block_at(view, address, &block)) return EINVAL;
  return block.size_class == TPROC_CLASS_LARGE ? tproc_large_give(view, block.slice, owner)
                                               : give_small(view, &block, owner);
}

int tproc_heap_hand_over(const struct tproc_view *view, void *address, uint32_t from, uint32_t to) {
  struct tproc_block block;
  if (!tproc_block_at(view, address, &block)) return EINVAL;
  if (block.size_class == TPROC_CLASS_LARGE) return tproc_large_hand_over(view, block.slice, from, to);
  const uint32_t size = tproc_size_classes[block.size_class].size;
  uint16_t now = (uint16_t)from;
  tproc_account_receive(view, to, size);
  const bool done = atomic_compare_exchange_strong(block.tag, &now, (uint16_t)to);
  tproc_account_lose(view, done ? from : to, size);
  return done ? 0 : EINVAL;
}

/* The order is the reaper's turned round: it marks the owner dead, and then looks for its blocks. */
int tproc_heap_give_process(const struct tproc_view *view, void *address, pid_t pid, uint32_t giver) {
  const uint32_t owner = tproc_owner_find(view, pid);
  if (owner == 0) return tproc_heap_owner_of(view, address) == 0 ? EINVAL : ESRCH;
  const uint32_t generation = atomic_load(&view->owners[owner].generation);
  const int failed = tproc_heap_give(view, address, owner);
  if (failed) return failed;
  if (atomic_load(&view->owners[owner].pid) == pid && atomic_load(&view->owners[owner].generation) == generation)
    return 0;
  /* Dead meanwhile. Had its blocks been given back already, this one would be free: then there is nothing to take. */
  tproc_heap_give(view, address, giver);
  return ESRCH;
}
