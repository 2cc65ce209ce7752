#include "broker/forked_break.h"

#include <string.h>

#include "base/page.h"

/* At most so much is given back at a time: what is given back has to be overwritten, since it may come again as new. */
#define SHRINKING_MAX (16ull << 20)

#define CHUNK_SIZE (16u << 10)

static bool is_mapped(struct broker_context *context, const struct broker_call *call, uint64_t address) {
  char byte;
  return target_read(&context->check, call->tid, false, address, &byte, 1) == 1;
}

/* The heap is mapped from its start without a hole. */
static uint64_t mapped_end(struct broker_context *context, const struct broker_call *call, struct address_range heap) {
  uint64_t pages_mapped = 0, pages_not = range_size(heap) / page_size() + 1;
  while (pages_not - pages_mapped > 1) {
    const uint64_t middle = pages_mapped + (pages_not - pages_mapped) / 2;
    if (is_mapped(context, call, heap.low + (middle - 1) * page_size()))
      pages_mapped = middle;
    else
      pages_not = middle;
  }
  return heap.low + pages_mapped * page_size();
}

static void clear(struct broker_context *context, const struct broker_call *call, struct address_range range) {
  static const char zeros[CHUNK_SIZE];
  char found[CHUNK_SIZE];
  for (uint64_t at = range.low; at < range.high;) {
    const uint64_t rest = range.high - at;
    const size_t size = rest < CHUNK_SIZE ? (size_t)rest : CHUNK_SIZE;
    /* Pages that nobody has touched stay so. */
    if (target_read(&context->check, call->tid, false, at, found, size) != (int64_t)size ||
        memcmp(found, zeros, size) != 0)
      target_write(&context->check, call->tid, false, at, zeros, size);
    at += size;
  }
}

int64_t forked_break(struct broker_context *context, const struct fence_listener *listener,
                     const struct broker_call *call) {
  const uint64_t wanted = call->arguments[0];
  const uint64_t end = mapped_end(context, call, listener->heap);
  if (wanted < listener->heap.low) {
    const int64_t parents = listener->memory != NULL ? memory_break(listener->memory, 0) : (int64_t)end;
    return parents < (int64_t)end ? parents : (int64_t)end;
  }
  if (wanted > end) return (int64_t)end;
  const uint64_t lowest = range_size((struct address_range){listener->heap.low, end}) > SHRINKING_MAX
                              ? end - SHRINKING_MAX
                              : listener->heap.low;
  const uint64_t moved = wanted > lowest ? wanted : lowest;
  clear(context, call, (struct address_range){page_ceil(moved), end});
  return (int64_t)moved;
}
