/* What lives in a host, or is mapped in a threadproc, as the payload of an answer: docs/protocol.md describes it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "host/listing_writer.h"
#include "tproc_core.h"
#include "wire/wire.h"

_Static_assert((int)WIRE_STATE_RUNNING == (int)TPROC_RUNNING && (int)WIRE_STATE_STOPPED == (int)TPROC_STOPPED &&
                   (int)WIRE_STATE_ENDED == (int)TPROC_ENDED && (int)WIRE_STATE_LEFT == (int)TPROC_LEFT,
               "states are passed on as they are");
_Static_assert((unsigned)WIRE_COMMAND_MAX >= TPROC_COMMAND_SIZE, "a command fits into its entry");
_Static_assert(sizeof(struct wire_listed) == sizeof(struct wire_mapped), "both lists begin alike");

static int add_threadproc(const struct tproc_status *status, void *context) {
  struct listing_writer *writer = context;
  const struct wire_threadproc entry = {.pid = status->pid,
                                        .launcher = status->launcher,
                                        .uid = status->uid,
                                        .state = status->state,
                                        .flags = status->command_cut ? WIRE_COMMAND_CUT : 0,
                                        .argument_count = (uint32_t)status->argument_count,
                                        .command_size = (uint32_t)status->command_size,
                                        .started_at = status->started_at,
                                        .uptime = status->uptime,
                                        .mapped = status->mapped,
                                        .resident = status->resident};
  char *room = listing_add(writer, wire_threadproc_size(status->command_size));
  if (room != NULL) wire_threadproc_write(&entry, status->command, room);
  return !writer->without_memory;
}

int tproc_host_listing(struct tproc_host *host, size_t size_max, struct tproc_listing *listing,
                       struct tproc_error *error) {
  struct listing_writer writer = {.size_max = size_max};
  if (listing_begin(&writer, NULL, 0)) tproc_host_list(host, add_threadproc, &writer);
  return listing_finish(&writer, listing, error, "a host's threadprocs");
}

static void add_mapping(struct listing_writer *writer, const struct tproc_mapping *mapping) {
  const size_t name_size = strlen(mapping->name) + 1;
  const struct wire_mapping entry = {
      .protection = (mapping->readable ? WIRE_READABLE : 0) | (mapping->writable ? WIRE_WRITABLE : 0) |
                    (mapping->executable ? WIRE_EXECUTABLE : 0) | (mapping->shared ? WIRE_SHARED : 0),
      .name_size = (uint32_t)name_size,
      .address = mapping->address,
      .length = mapping->size};
  char *room = listing_add(writer, wire_mapping_size(name_size));
  if (room != NULL) wire_mapping_write(&entry, mapping->name, room);
}

/* Its program goes on mapping meanwhile, so how many there are is known afterwards only. */
static bool find_mappings(struct tproc_threadproc *threadproc, struct tproc_mapping **mappings, size_t *count) {
  size_t capacity = 0;
  while ((*count = tproc_threadproc_memory(threadproc, *mappings, capacity)) > capacity) {
    free(*mappings);
    capacity = *count + *count / 4 + 16;
    *mappings = calloc(capacity, sizeof **mappings);
    if (*mappings == NULL) return false;
  }
  return true;
}

int tproc_threadproc_listing(struct tproc_threadproc *threadproc, size_t size_max, struct tproc_listing *listing,
                             struct tproc_error *error) {
  struct listing_writer writer = {.size_max = size_max};
  struct tproc_mapping *mappings = NULL;
  size_t count = 0;
  if (!find_mappings(threadproc, &mappings, &count))
    writer.without_memory = true;
  else if (listing_begin(&writer, NULL, 0))
    for (size_t i = 0; i < count && !writer.without_memory; i++) add_mapping(&writer, &mappings[i]);
  free(mappings);
  return listing_finish(&writer, listing, error, "a threadproc's mappings");
}
