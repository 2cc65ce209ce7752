#include "host/listing_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "wire/wire.h"

static bool reserve(struct listing_writer *writer, size_t size) {
  if (size <= writer->capacity) return true;
  const size_t doubled = 2 * writer->capacity, capacity = doubled > size ? doubled : size + 256;
  char *grown = realloc(writer->listing.payload, capacity);
  writer->without_memory = grown == NULL;
  if (grown == NULL) return false;
  writer->listing.payload = grown;
  writer->capacity = capacity;
  return true;
}

static struct wire_listed *head_of(const struct listing_writer *writer) {
  return (struct wire_listed *)(writer->listing.payload + writer->head);
}

bool listing_begin(struct listing_writer *writer, const void *prefix, size_t size) {
  if (!reserve(writer, size + sizeof(struct wire_listed))) return false;
  if (size > 0) memcpy(writer->listing.payload, prefix, size);
  memset(writer->listing.payload + size, 0, sizeof(struct wire_listed));
  writer->head = size;
  writer->listing.size = size + sizeof(struct wire_listed);
  return true;
}

char *listing_add(struct listing_writer *writer, size_t size) {
  head_of(writer)->total++;
  const size_t before = writer->listing.size;
  if (size > writer->size_max - before || !reserve(writer, before + size)) return NULL;
  head_of(writer)->count++;
  writer->listing.size += size;
  return writer->listing.payload + before;
}

int listing_finish(struct listing_writer *writer, struct tproc_listing *listing, struct tproc_error *error,
                   const char *what) {
  if (writer->without_memory) {
    free(writer->listing.payload);
    return tproc_fail(error, ENOMEM, "list %s", what);
  }
  *listing = writer->listing;
  return 0;
}
