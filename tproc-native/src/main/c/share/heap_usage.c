#include "share/heap_usage.h"

#include "shared/slice.h"

static void count_blocks(struct heap_use *uses, uint32_t owners, uint32_t owner, uint64_t bytes) {
  if (owner >= owners) return;
  uses[owner].blocks++;
  uses[owner].bytes += bytes;
}

static void count_small(const struct tproc_view *view, uint32_t slice, uint32_t size_class, struct heap_use *uses,
                        uint32_t owners) {
  const _Atomic uint16_t *tags = tproc_slice_tags(view, slice);
  for (uint32_t i = 0; i < tproc_size_classes[size_class].blocks; i++) {
    const uint16_t owner = atomic_load_explicit(&tags[i], memory_order_relaxed);
    if (owner != 0) count_blocks(uses, owners, owner, tproc_size_classes[size_class].size);
  }
}

static void count_slice(const struct tproc_view *view, uint32_t slice, uint32_t word, struct heap_use *uses,
                        uint32_t owners) {
  const uint32_t size_class = atomic_load_explicit(&view->slices[slice].size_class, memory_order_acquire);
  if (tproc_is_large(word))
    count_blocks(uses, owners, word & ~TPROC_SLICE_LARGE, (uint64_t)tproc_slice_run(view, slice) * TPROC_SLICE_SIZE);
  else if (size_class != 0 && size_class < TPROC_CLASS_COUNT)
    count_small(view, slice, size_class, uses, owners);
}

uint64_t heap_usage_count(const struct tproc_view *view, struct heap_use *uses, uint32_t owners) {
  const uint32_t high = tproc_slices_in_use(view);
  uint64_t taken = 0;
  for (uint32_t slice = 1; slice < high; slice++) {
    const uint32_t word = atomic_load_explicit(&view->slices[slice].owner, memory_order_acquire);
    if (word == TPROC_SLICE_FREE) continue;
    taken++;
    count_slice(view, slice, word, uses, owners);
  }
  return taken * TPROC_SLICE_SIZE;
}
