/* Whose memory is this, and what does a threadproc have: the questions of the host's users. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "host/host.h"
#include "host/threadproc.h"

const struct tproc_threadproc *tproc_host_owner_of(struct tproc_host *host, const void *address) {
  return slot_threadproc_at(&host->slots, (uint64_t)address);
}

int tproc_host_keep_in_forks(struct tproc_host *host, const void *address, size_t length, struct tproc_error *error) {
  if ((uint64_t)address > INT64_MAX || length > INT64_MAX)
    return tproc_fail(error, EINVAL, "keep %zu bytes at %p in forked children", length, address);
  if (length == 0) return 0;
  const struct address_range range = {(uint64_t)address, (uint64_t)address + length};
  const int failed = fork_shield_keep(&host->broker.context.shield, range);
  return failed ? tproc_fail(error, -failed, "keep %zu bytes at %p in forked children", length, address) : 0;
}

struct listing {
  const struct tproc_threadproc *threadproc;
  struct tproc_mapping *entries;
  size_t capacity;
  size_t count;
};

const char *threadproc_purpose_of(const struct tproc_threadproc *threadproc, const struct mapping *mapping) {
  if (mapping->name[0] != '\0') return mapping->name;
  if (range_covers(threadproc->stack, mapping->range)) return "[stack]";
  if (range_covers(threadproc->memory.heap, mapping->range)) return "[heap]";
  return "";
}

static bool list(const struct mapping *mapping, void *context) {
  struct listing *listing = context;
  if (listing->count < listing->capacity) {
    struct tproc_mapping *entry = &listing->entries[listing->count];
    entry->address = mapping->range.low;
    entry->size = range_size(mapping->range);
    entry->readable = mapping->readable;
    entry->writable = mapping->writable;
    entry->executable = mapping->executable;
    entry->shared = mapping->shared;
    snprintf(entry->name, sizeof entry->name, "%.*s", (int)sizeof entry->name - 1,
             threadproc_purpose_of(listing->threadproc, mapping));
  }
  listing->count++;
  return true;
}

size_t tproc_threadproc_memory(struct tproc_threadproc *threadproc, struct tproc_mapping *entries, size_t capacity) {
  struct listing listing = {.threadproc = threadproc, .entries = entries, .capacity = capacity};
  memory_visit(&threadproc->memory, list, &listing);
  return listing.count;
}
