#include "slice.h"

#if defined(__SSE2__)
#include <emmintrin.h>

/*
 * Plain vector loads of what others store to at the same time: each tag is read whole, as aligned loads of this machine
 * are. A tag that is freed meanwhile is missed, which is harmless, and only the slice's owner takes one.
 */
static uint64_t zeros(const _Atomic uint16_t *tags) {
  const __m128i *vectors = (const __m128i *)tags;
  const __m128i zero = _mm_setzero_si128();
  uint64_t result = 0;
  for (int i = 0; i < 4; i++) {
    const __m128i low = _mm_cmpeq_epi16(_mm_load_si128(vectors + 2 * i), zero);
    const __m128i high = _mm_cmpeq_epi16(_mm_load_si128(vectors + 2 * i + 1), zero);
    result |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_packs_epi16(low, high)) << (16 * i);
  }
  return result;
}
#elif defined(__aarch64__)
#include <arm_neon.h>

static uint64_t zeros(const _Atomic uint16_t *tags) {
  static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint16_t *words = (const uint16_t *)tags;
  const uint8x16_t bits = vld1q_u8(weights);
  uint64_t result = 0;
  for (int i = 0; i < 4; i++) {
    const uint8x8_t low = vmovn_u16(vceqzq_u16(vld1q_u16(words + 16 * i)));
    const uint8x8_t high = vmovn_u16(vceqzq_u16(vld1q_u16(words + 16 * i + 8)));
    const uint8x16_t both = vandq_u8(vcombine_u8(low, high), bits);
    const uint64_t pair = vaddv_u8(vget_low_u8(both)) | (uint64_t)vaddv_u8(vget_high_u8(both)) << 8;
    result |= pair << (16 * i);
  }
  return result;
}
#else
static uint64_t zeros(const _Atomic uint16_t *tags) {
  uint64_t result = 0;
  for (unsigned i = 0; i < TPROC_GROUP_BLOCKS; i++)
    result |= (uint64_t)(atomic_load_explicit(&tags[i], memory_order_relaxed) == 0) << i;
  return result;
}
#endif

uint64_t tproc_group_free(const _Atomic uint16_t *tags) {
  const uint64_t result = zeros(tags);
  atomic_thread_fence(memory_order_acquire); /* what the one who freed it did with it is done */
  return result;
}

bool tproc_slice_is_empty(const struct tproc_view *view, uint32_t slice, uint32_t size_class) {
  const uint32_t blocks = tproc_size_classes[size_class].blocks;
  const _Atomic uint16_t *tags = tproc_slice_tags(view, slice);
  for (uint32_t group = 0; group < tproc_groups_of(blocks); group++) {
    const uint64_t all = tproc_group_blocks(blocks, group);
    if ((tproc_group_free(tags + (size_t)group * TPROC_GROUP_BLOCKS) & all) != all) return false;
  }
  return true;
}

bool tproc_slice_take(const struct tproc_view *view, uint32_t slice, uint32_t from, uint32_t token) {
  return tproc_slice_owner(view, slice) == from &&
         atomic_compare_exchange_strong_explicit(&view->slices[slice].owner, &from, token, memory_order_acquire,
                                                 memory_order_relaxed);
}

static uint32_t claim_between(const struct tproc_view *view, uint32_t from, uint32_t to, uint32_t token) {
  for (uint32_t slice = from; slice < to; slice++)
    if (tproc_slice_take(view, slice, TPROC_SLICE_FREE, token)) return slice;
  return 0;
}

/* Memory that has been in use comes before memory that has not. */
uint32_t tproc_slice_claim(const struct tproc_view *view, uint32_t from, uint32_t token) {
  _Atomic uint32_t *high = &view->share->slices_high;
  const uint32_t used = tproc_slices_in_use(view);
  if (from == 0 || from > used) from = 1;
  uint32_t slice = claim_between(view, from, used, token);
  for (uint32_t fresh = used; slice == 0 && fresh < view->slice_count; fresh++) {
    tproc_raise(high, fresh + 1);
    slice = claim_between(view, fresh, fresh + 1, token);
  }
  return slice != 0 ? slice : claim_between(view, 1, from, token);
}

uint32_t tproc_slice_adopt(const struct tproc_view *view, uint32_t size_class, uint32_t token) {
  _Atomic uint32_t *hint = &view->share->abandoned[size_class];
  uint32_t expected = atomic_load_explicit(hint, memory_order_relaxed);
  if (expected == 0) return 0;
  const uint32_t high = tproc_slices_in_use(view);
  for (uint32_t number = 1; number < high; number++) {
    struct tproc_slice *slice = &view->slices[number];
    if (atomic_load_explicit(&slice->size_class, memory_order_relaxed) != size_class ||
        !tproc_slice_take(view, number, TPROC_SLICE_ABANDONED, token))
      continue;
    if (atomic_load_explicit(&slice->size_class, memory_order_relaxed) != size_class) { /* its history was faster */
      atomic_store_explicit(&slice->owner, TPROC_SLICE_ABANDONED, memory_order_release);
      continue;
    }
    atomic_compare_exchange_strong(hint, &expected, expected - 1);
    return number;
  }
  atomic_compare_exchange_strong(hint, &expected, 0);
  return 0;
}

/* No class, and only then free: the reaper can tell how far a dead thread was. */
void tproc_slice_release(const struct tproc_view *view, uint32_t slice) {
  atomic_store_explicit(&view->slices[slice].size_class, 0, memory_order_release);
  atomic_store_explicit(&view->slices[slice].owner, TPROC_SLICE_FREE, memory_order_release);
}

void tproc_slice_abandon(const struct tproc_view *view, uint32_t slice, uint32_t size_class) {
  atomic_fetch_add(&view->share->abandoned[size_class], 1);
  atomic_store_explicit(&view->slices[slice].owner, TPROC_SLICE_ABANDONED, memory_order_release);
}
