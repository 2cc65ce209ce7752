/* What is published, and who has how much of the shared heap, as the payload of an answer: docs/protocol.md. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "host/host.h"
#include "host/listing_writer.h"
#include "share/heap_usage.h"
#include "shared/account.h"
#include "shared/owner.h"
#include "tproc_core.h"
#include "wire/wire.h"

_Static_assert(sizeof(struct wire_registered) - offsetof(struct wire_registered, id) == sizeof(struct tproc_registered),
               "passed on as it is");
_Static_assert(offsetof(struct wire_registered, status) - offsetof(struct wire_registered, id) ==
                   offsetof(struct tproc_registered, status),
               "passed on as it is");
_Static_assert(offsetof(struct wire_registered, type) - offsetof(struct wire_registered, id) ==
                   offsetof(struct tproc_registered, type),
               "passed on as it is");

static void add_registered(struct listing_writer *writer, const struct tproc_registered *registered) {
  struct wire_registered entry = {.size = sizeof entry};
  memcpy(&entry.id, registered, sizeof *registered);
  char *room = listing_add(writer, sizeof entry);
  if (room != NULL) memcpy(room, &entry, sizeof entry);
}

int tproc_host_registry_listing(struct tproc_host *host, size_t size_max, struct tproc_listing *listing,
                                struct tproc_error *error) {
  struct listing_writer writer = {.size_max = size_max};
  const int failed = host_check_range(host, error);
  if (failed) return failed;
  const size_t capacity = TPROC_BOARD_COUNT;
  struct tproc_registered *entries = calloc(capacity, sizeof *entries);
  if (entries == NULL) return tproc_fail(error, ENOMEM, "list the registry");
  const size_t count = tproc_host_registry(host, entries, capacity);
  if (listing_begin(&writer, NULL, 0))
    for (size_t i = 0; i < count && !writer.without_memory; i++) add_registered(&writer, &entries[i]);
  free(entries);
  return listing_finish(&writer, listing, error, "the registry");
}

static void add_use(struct listing_writer *writer, const struct wire_heap_use *use) {
  char *room = listing_add(writer, sizeof *use);
  if (room != NULL) memcpy(room, use, sizeof *use);
}

/* Entries of one process that two of its threads took at a time are one here: the later ones are added to the first. */
static void join_entries(const struct tproc_view *view, struct heap_use *uses, uint32_t owners) {
  for (uint32_t i = TPROC_OWNER_CHANNELS + 1; i < owners; i++) {
    if (uses[i].blocks == 0) continue;
    for (uint32_t first = TPROC_OWNER_CHANNELS + 1; first < i; first++) {
      if (uses[first].blocks == 0 || tproc_owner_pid(view, first) != tproc_owner_pid(view, i)) continue;
      uses[first].blocks += uses[i].blocks;
      uses[first].bytes += uses[i].bytes;
      uses[i] = (struct heap_use){0};
      break;
    }
  }
}

static void add_uses(struct listing_writer *writer, const struct tproc_view *view, const struct heap_use *uses,
                     uint32_t owners) {
  for (uint32_t i = TPROC_OWNER_HOST; i < owners && !writer->without_memory; i++) {
    const int32_t pid = atomic_load_explicit(&view->owners[i].pid, memory_order_acquire);
    if (pid == 0 || (uses[i].blocks == 0 && i != TPROC_OWNER_HOST)) continue;
    add_use(writer, &(struct wire_heap_use){.size = sizeof(struct wire_heap_use),
                                            .pid = pid < 0 ? -pid : pid,
                                            .owner = i == TPROC_OWNER_HOST       ? WIRE_HEAP_HOST
                                                     : i == TPROC_OWNER_CHANNELS ? WIRE_HEAP_CHANNELS
                                                                                 : WIRE_HEAP_PROCESS,
                                            .ended = pid < 0,
                                            .blocks = uses[i].blocks,
                                            .bytes = uses[i].bytes,
                                            .limit = tproc_account_limit(view, i)});
  }
}

int tproc_host_heap_listing(struct tproc_host *host, size_t size_max, struct tproc_listing *listing,
                            struct tproc_error *error) {
  struct listing_writer writer = {.size_max = size_max};
  const int failed = host_check_range(host, error);
  if (failed) return failed;
  const struct tproc_view *view = &host->range.view;
  const uint32_t owners = tproc_owners_in_use(view);
  struct heap_use *uses = calloc(owners, sizeof *uses);
  if (uses == NULL) return tproc_fail(error, ENOMEM, "count the shared heap");
  const struct wire_heap heap = {.size = (uint64_t)(view->slice_count - 1) * TPROC_SLICE_SIZE,
                                 .taken = heap_usage_count(view, uses, owners),
                                 .resident = shared_range_resident(&host->range)};
  join_entries(view, uses, owners);
  if (listing_begin(&writer, &heap, sizeof heap)) add_uses(&writer, view, uses, owners);
  free(uses);
  return listing_finish(&writer, listing, error, "the shared heap");
}
