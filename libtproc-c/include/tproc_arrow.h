/*
 * Batches of Apache Arrow columns, in place: for programs that serve a pool of io.tproc.arrow (docs/arrow.md).
 *
 * A request is an ArrowSchema and an ArrowArray of the Arrow C Data Interface, over Java's memory. What this program
 * releases is released in Java: the release callbacks are code of this program's, and tell the owner. An array that is
 * moved out of the request stays valid after it, until it is released or the program ends.
 *
 * A result is described by an ArrowSchema and an ArrowArray as well. Buffers of it that lie in the request's own
 * columns, or in memory of tproc_arrow_alloc, go to Java as they are; all others are copied once. Then they are Java's:
 * the end of this program does not touch them.
 *
 * All of it is in this header, for C17 and C++17, on top of libtproc. Functions return 0 or an error number.
 */
#ifndef TPROC_ARROW_H
#define TPROC_ARROW_H

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tproc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As https://arrow.apache.org/docs/format/CDataInterface.html has them; whoever is included first defines them. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
  const char *format;
  const char *name;
  const char *metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema **children;
  struct ArrowSchema *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void **buffers;
  struct ArrowArray **children;
  struct ArrowArray *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
};

#endif

/** The environment variable of a worker's that names the channel of releases: version, channel in hexadecimal. */
#define TPROC_ARROW_VARIABLE "TPROC_ARROW"
#define TPROC_ARROW_VERSION 1u

/** How deep columns may be in each other. */
#define TPROC_ARROW_DEPTH_MAX 32

struct tproc_arrow_lease;

/** Some memory, while a description is written. */
struct tproc_arrow_text {
  char *bytes;
  size_t size;
  size_t room;
};

/** A request: columns of Java's, and what is to go back. */
struct tproc_arrow_request {
  struct ArrowSchema schema; /**< of the columns, which are the children of a struct */
  struct ArrowArray array;   /**< released after the handler, unless it was moved: copied, and release set to NULL */
  struct tproc_request *request;
  char refusal[320]; /**< why tproc_arrow_respond has said EINVAL; the response's text, too */
  uint64_t id;       /**< the rest is the header's own */
  struct tproc_arrow_lease *lease;
  char *block;
  size_t room;
  size_t used;
  void **spare;
  size_t spare_count;
  struct tproc_arrow_text result;
  char *moved_from;
};

/* ---- what is lent by Java -------------------------------------------------------------------------------------- */

#define TPROC_ARROW_RELEASED 1u
#define TPROC_ARROW_ANSWERED 2u

struct tproc_arrow_range {
  uintptr_t start;
  uintptr_t end;
};

/** The nodes of a lent array share one, until each is released and the request answered. */
struct tproc_arrow_lease {
  uint64_t id;
  uint32_t nodes; /* not yet released */
  uint32_t state;
  size_t ranges; /* its memory, in the order of the columns */
  size_t last;
  struct tproc_arrow_range *range;
};

static inline int tproc_arrow_channel(uint64_t *channel) {
  unsigned version = 0;
  int end = 0;
  const char *text = getenv(TPROC_ARROW_VARIABLE);
  if (text == NULL) return ENOENT;
  if (sscanf(text, "%u,%" SCNx64 "%n", &version, channel, &end) != 2) return EPROTONOSUPPORT;
  return version == TPROC_ARROW_VERSION && text[end] == '\0' ? 0 : EPROTONOSUPPORT;
}

/* When nobody can be told any more, the owner is not there, or knows it by this program's end. */
static inline void tproc_arrow_tell(uint64_t id) {
  uint64_t number;
  struct tproc_channel channel;
  struct tproc_message message;
  if (tproc_arrow_channel(&number) != 0) return;
  if (tproc_channel_open_id(&channel, number, TPROC_SENDER) != 0) return;
  memset(&message, 0, sizeof message);
  message.length = sizeof id;
  memcpy(message.data, &id, sizeof id);
  tproc_channel_send(&channel, &message, NULL);
  tproc_channel_close(&channel);
}

/* The second of release and answer has the lease to itself. */
static inline unsigned tproc_arrow_pass(struct tproc_arrow_lease *lease, unsigned bit) {
  return __atomic_fetch_or(&lease->state, bit, __ATOMIC_ACQ_REL);
}

static inline void tproc_arrow_release_node(struct ArrowArray *array) {
  struct tproc_arrow_lease *lease = (struct tproc_arrow_lease *)array->private_data;
  for (int64_t i = 0; i < array->n_children; i++) {
    if (array->children[i]->release != NULL) array->children[i]->release(array->children[i]);
  }
  if (array->dictionary != NULL && array->dictionary->release != NULL) array->dictionary->release(array->dictionary);
  free(array->children);
  array->release = NULL;
  if (__atomic_sub_fetch(&lease->nodes, 1, __ATOMIC_ACQ_REL) != 0) return;
  if ((tproc_arrow_pass(lease, TPROC_ARROW_RELEASED) & TPROC_ARROW_ANSWERED) == 0) return;
  tproc_arrow_tell(lease->id);
  free(lease);
}

static inline void tproc_arrow_release_schema(struct ArrowSchema *schema) {
  for (int64_t i = 0; i < schema->n_children; i++) {
    if (schema->children[i]->release != NULL) schema->children[i]->release(schema->children[i]);
  }
  if (schema->dictionary != NULL && schema->dictionary->release != NULL)
    schema->dictionary->release(schema->dictionary);
  free(schema->private_data);
  schema->release = NULL;
}

/* ---- types ----------------------------------------------------------------------------------------------------- */

enum tproc_arrow_buffer {
  TPROC_ARROW_VALIDITY,
  TPROC_ARROW_FIXED,
  TPROC_ARROW_OFFSETS,
  TPROC_ARROW_BYTES /* as many as the offsets say */
};

/** How a type lies in memory. */
struct tproc_arrow_layout {
  int buffers;
  int children; /* -1: any number */
  int64_t bits; /* of a fixed value, or of an offset */
  int64_t list; /* children of each value, in a list of fixed size */
  enum tproc_arrow_buffer buffer[3];
};

static inline int tproc_arrow_number(const char *text, int64_t *number) {
  char *end;
  errno = 0;
  const long long value = strtoll(text, &end, 10);
  if (end == text || *end != '\0' || errno != 0 || value <= 0 || value > INT32_MAX) return ENOTSUP;
  *number = value;
  return 0;
}

static inline int tproc_arrow_fixed(struct tproc_arrow_layout *layout, int64_t bits) {
  layout->buffers = 2;
  layout->bits = bits;
  layout->buffer[1] = TPROC_ARROW_FIXED;
  return 0;
}

static inline int tproc_arrow_variable(struct tproc_arrow_layout *layout, int64_t bits) {
  layout->buffers = 3;
  layout->bits = bits;
  layout->buffer[1] = TPROC_ARROW_OFFSETS;
  layout->buffer[2] = TPROC_ARROW_BYTES;
  return 0;
}

static inline int tproc_arrow_nested(struct tproc_arrow_layout *layout, const char *format) {
  layout->children = 1;
  layout->buffers = 1;
  if (strcmp(format, "+s") == 0) {
    layout->children = -1;
    return 0;
  }
  if (strncmp(format, "+w:", 3) == 0) return tproc_arrow_number(format + 3, &layout->list);
  if (strcmp(format, "+l") != 0 && strcmp(format, "+m") != 0 && strcmp(format, "+L") != 0) return ENOTSUP;
  layout->buffers = 2;
  layout->bits = format[1] == 'L' ? 64 : 32;
  layout->buffer[1] = TPROC_ARROW_OFFSETS;
  return 0;
}

static inline int tproc_arrow_time(struct tproc_arrow_layout *layout, const char *format) {
  static const char narrow[] = " tdD tts ttm tiM ";
  static const char wide[] = " tdm ttu ttn tDs tDm tDu tDn tiD ";
  char word[6] = {' ', 0, 0, 0, ' ', 0};
  const size_t length = strlen(format);
  if (length >= 4 && format[1] == 's' && strchr("smun", format[2]) != NULL && format[3] == ':') {
    return tproc_arrow_fixed(layout, 64);
  }
  if (length != 3) return ENOTSUP;
  memcpy(word + 1, format, 3);
  if (strstr(narrow, word) != NULL) return tproc_arrow_fixed(layout, 32);
  if (strstr(wide, word) != NULL) return tproc_arrow_fixed(layout, 64);
  return strcmp(format, "tin") == 0 ? tproc_arrow_fixed(layout, 128) : ENOTSUP;
}

static inline int tproc_arrow_decimal(struct tproc_arrow_layout *layout, const char *format) {
  int precision, scale, bits = 128, end = 0;
  if (sscanf(format, "d:%d,%d%n", &precision, &scale, &end) != 2) return ENOTSUP;
  if (format[end] == ',') sscanf(format + end, ",%d%n", &bits, &precision);
  return bits == 128 || bits == 256 ? tproc_arrow_fixed(layout, bits) : ENOTSUP;
}

/** @return 0; ENOTSUP: a type that batches cannot have */
static inline int tproc_arrow_layout_of(const char *format, struct tproc_arrow_layout *layout) {
  static const char letters[] = "bcCsSeiIflLg";
  static const unsigned char widths[] = {1, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64};
  int64_t bytes;
  memset(layout, 0, sizeof *layout);
  layout->buffer[0] = TPROC_ARROW_VALIDITY;
  if (format[0] == '+') return tproc_arrow_nested(layout, format);
  if (format[0] == 't') return tproc_arrow_time(layout, format);
  if (format[0] == 'd') return tproc_arrow_decimal(layout, format);
  if (strncmp(format, "w:", 2) == 0) {
    return tproc_arrow_number(format + 2, &bytes) ? ENOTSUP : tproc_arrow_fixed(layout, 8 * bytes);
  }
  if (format[0] == '\0' || format[1] != '\0') return ENOTSUP;
  if (format[0] == 'n') return 0;
  if (strchr("zu", format[0]) != NULL) return tproc_arrow_variable(layout, 32);
  if (strchr("ZU", format[0]) != NULL) return tproc_arrow_variable(layout, 64);
  const char *letter = strchr(letters, format[0]);
  return letter == NULL ? ENOTSUP : tproc_arrow_fixed(layout, widths[letter - letters]);
}

static inline int64_t tproc_arrow_offset(const void *offsets, int64_t bits, int64_t index) {
  int32_t narrow;
  int64_t wide;
  if (bits == 32) {
    memcpy(&narrow, (const char *)offsets + 4 * index, sizeof narrow);
    return narrow;
  }
  memcpy(&wide, (const char *)offsets + 8 * index, sizeof wide);
  return wide;
}

/** Bytes of a buffer, of `length` values after `offset` others; -1: cannot be told. `offsets` is buffer 1. */
static inline int64_t tproc_arrow_size(const struct tproc_arrow_layout *layout, int buffer, const void *offsets,
                                       int64_t offset, int64_t length) {
  const int64_t end = offset + length;
  if (length == 0) return 0;
  if (end < 0 || end > INT64_MAX / 512) return -1;
  switch (layout->buffer[buffer]) {
    case TPROC_ARROW_VALIDITY:
      return (end + 7) / 8;
    case TPROC_ARROW_FIXED:
      return layout->bits > INT32_MAX || end > INT64_MAX / layout->bits - 8 ? -1 : (end * layout->bits + 7) / 8;
    case TPROC_ARROW_OFFSETS:
      return (end + 1) * (layout->bits / 8);
    default:
      return offsets == NULL ? 0 : tproc_arrow_offset(offsets, layout->bits, end);
  }
}

/* ---- lending --------------------------------------------------------------------------------------------------- */

static inline size_t tproc_arrow_count(const struct ArrowArray *array, size_t *buffers) {
  size_t nodes = 1;
  *buffers += (size_t)array->n_buffers;
  for (int64_t i = 0; i < array->n_children; i++) nodes += tproc_arrow_count(array->children[i], buffers);
  if (array->dictionary != NULL) nodes += tproc_arrow_count(array->dictionary, buffers);
  return nodes;
}

static inline void tproc_arrow_add_ranges(struct tproc_arrow_lease *lease, const struct ArrowSchema *schema,
                                          const struct ArrowArray *array) {
  struct tproc_arrow_layout layout;
  if (tproc_arrow_layout_of(schema->format, &layout) != 0 || layout.buffers != array->n_buffers) layout.buffers = 0;
  for (int i = 0; i < layout.buffers; i++) {
    const int64_t size =
        array->buffers[i] == NULL ? 0 : tproc_arrow_size(&layout, i, array->buffers[1], array->offset, array->length);
    if (size <= 0) continue;
    struct tproc_arrow_range *range = &lease->range[lease->ranges++];
    range->start = (uintptr_t)array->buffers[i];
    range->end = range->start + (uintptr_t)size;
  }
  for (int64_t i = 0; i < array->n_children; i++) {
    tproc_arrow_add_ranges(lease, schema->children[i], array->children[i]);
  }
  if (array->dictionary != NULL) tproc_arrow_add_ranges(lease, schema->dictionary, array->dictionary);
}

/* Children are pointed to, and lie behind the pointers in one piece of memory. */
static inline int tproc_arrow_lend_array(struct ArrowArray *to, const struct ArrowArray *from,
                                         struct tproc_arrow_lease *lease) {
  const size_t below = (size_t)from->n_children + (from->dictionary != NULL);
  char *memory = (char *)calloc(below + 1, sizeof(void *) + sizeof(struct ArrowArray));
  if (memory == NULL) return ENOMEM;
  struct ArrowArray *nodes = (struct ArrowArray *)(memory + (below + 1) * sizeof(void *));
  *to = *from;
  to->children = (struct ArrowArray **)memory;
  to->dictionary = NULL;
  to->n_children = 0;
  to->release = tproc_arrow_release_node;
  to->private_data = lease;
  lease->nodes++;
  for (int64_t i = 0; i < from->n_children; i++) {
    to->children[to->n_children++] = &nodes[i];
    const int failed = tproc_arrow_lend_array(&nodes[i], from->children[i], lease);
    if (failed) return failed;
  }
  if (from->dictionary == NULL) return 0;
  to->dictionary = &nodes[below - 1];
  return tproc_arrow_lend_array(to->dictionary, from->dictionary, lease);
}

static inline size_t tproc_arrow_metadata_size(const char *metadata) {
  int32_t count, length;
  size_t at = sizeof count;
  if (metadata == NULL) return 0;
  memcpy(&count, metadata, sizeof count);
  for (int64_t i = 0; i < 2 * (int64_t)count; i++) {
    memcpy(&length, metadata + at, sizeof length);
    at += sizeof length + (size_t)length;
  }
  return at;
}

static inline char *tproc_arrow_copy(char **at, const void *from, size_t size) {
  char *copy = *at;
  if (from == NULL) return NULL;
  memcpy(copy, from, size);
  *at += size;
  return copy;
}

/* A copy, so that it stays as long as the program wants. */
static inline int tproc_arrow_lend_schema(struct ArrowSchema *to, const struct ArrowSchema *from) {
  const size_t below = (size_t)from->n_children + (from->dictionary != NULL);
  const size_t format = strlen(from->format) + 1, name = from->name == NULL ? 0 : strlen(from->name) + 1;
  const size_t metadata = tproc_arrow_metadata_size(from->metadata);
  const size_t tables = (below + 1) * (sizeof(void *) + sizeof *to);
  char *memory = (char *)calloc(1, tables + format + name + metadata);
  if (memory == NULL) return ENOMEM;
  struct ArrowSchema *nodes = (struct ArrowSchema *)(memory + (below + 1) * sizeof(void *));
  char *strings = memory + tables;
  memset(to, 0, sizeof *to);
  to->format = tproc_arrow_copy(&strings, from->format, format);
  to->name = tproc_arrow_copy(&strings, from->name, name);
  to->metadata = tproc_arrow_copy(&strings, from->metadata, metadata);
  to->flags = from->flags;
  to->children = (struct ArrowSchema **)memory;
  to->release = tproc_arrow_release_schema;
  to->private_data = memory;
  for (int64_t i = 0; i < from->n_children; i++) {
    to->children[to->n_children++] = &nodes[i];
    const int failed = tproc_arrow_lend_schema(&nodes[i], from->children[i]);
    if (failed) return failed;
  }
  if (from->dictionary == NULL) return 0;
  to->dictionary = &nodes[below - 1];
  return tproc_arrow_lend_schema(to->dictionary, from->dictionary);
}

/** Opens a request of Java's. @return EPROTO: it has no batch */
static inline int tproc_arrow_open(struct tproc_request *request, struct tproc_arrow_request *arrow) {
  uint64_t words[3];
  size_t buffers = 0;
  memset(arrow, 0, sizeof *arrow);
  arrow->request = request;
  if (request->size < sizeof words) return EPROTO;
  memcpy(words, request->data, sizeof words);
  const struct ArrowSchema *schema = (const struct ArrowSchema *)(uintptr_t)words[0];
  const struct ArrowArray *array = (const struct ArrowArray *)(uintptr_t)words[1];
  arrow->id = words[2];
  tproc_arrow_count(array, &buffers);
  struct tproc_arrow_lease *lease =
      (struct tproc_arrow_lease *)calloc(1, sizeof *lease + buffers * sizeof(struct tproc_arrow_range));
  if (lease == NULL) return ENOMEM;
  lease->id = arrow->id;
  lease->range = (struct tproc_arrow_range *)(lease + 1);
  arrow->lease = lease;
  tproc_arrow_add_ranges(lease, schema, array);
  const int failed = tproc_arrow_lend_schema(&arrow->schema, schema);
  return failed ? failed : tproc_arrow_lend_array(&arrow->array, array, lease);
}

/* ---- memory of a result ---------------------------------------------------------------------------------------- */

static inline size_t tproc_arrow_lent_size(const struct tproc_arrow_lease *lease) {
  size_t size = 0;
  for (size_t i = 0; i < lease->ranges; i++) size += lease->range[i].end - lease->range[i].start;
  return size;
}

/**
 * Sets how much memory the result has for its buffers, before any of it is allocated. Without it there is twice as much
 * as the request's columns have, and 64 KiB. What is not used takes no memory. @return 0; EALREADY; as tproc_alloc
 */
static inline int tproc_arrow_reserve(struct tproc_arrow_request *arrow, size_t size) {
  if (arrow->block != NULL) return EALREADY;
  arrow->block = (char *)tproc_aligned_alloc(64, size);
  if (arrow->block == NULL) return errno;
  arrow->room = size;
  return 0;
}

/**
 * Memory for a buffer of the result, aligned to 64 bytes, until the request is finished. What was reserved goes to Java
 * as it is; beyond that it is memory of this program's, and copied. @return NULL, and errno
 */
static inline void *tproc_arrow_alloc(struct tproc_arrow_request *arrow, size_t size) {
  if (arrow->block == NULL) {
    const size_t usual = 2 * tproc_arrow_lent_size(arrow->lease) + 65536;
    if (tproc_arrow_reserve(arrow, size > usual ? size : usual) != 0) return NULL;
  }
  const size_t at = (arrow->used + 63) & ~(size_t)63;
  if (at <= arrow->room && size <= arrow->room - at) {
    arrow->used = at + size;
    return arrow->block + at;
  }
  void **more = (void **)realloc(arrow->spare, (arrow->spare_count + 1) * sizeof(void *));
  if (more == NULL) return NULL;
  arrow->spare = more;
  void *memory = size > SIZE_MAX - 128 ? NULL : aligned_alloc(64, ((size + 63) & ~(size_t)63) + 64);
  if (memory != NULL) more[arrow->spare_count++] = memory;
  return memory;
}

/* ---- describing a result --------------------------------------------------------------------------------------- */

static inline int tproc_arrow_put(struct tproc_arrow_text *text, const void *bytes, size_t size) {
  const size_t padded = (size + 7) & ~(size_t)7;
  if (text->room - text->size < padded) {
    const size_t room = 2 * text->room + padded + 256;
    char *larger = (char *)realloc(text->bytes, room);
    if (larger == NULL) return ENOMEM;
    text->bytes = larger;
    text->room = room;
  }
  memset(text->bytes + text->size, 0, padded);
  if (size > 0) memcpy(text->bytes + text->size, bytes, size);
  text->size += padded;
  return 0;
}

/* One walk measures what is to be copied, the next one copies and describes. */
struct tproc_arrow_walk {
  struct tproc_arrow_request *arrow;
  int measures;
  size_t copied;
  size_t old_room; /* of moved_from */
  int depth;
  char path[160];
};

/* Where memory of a block that had to grow is now. */
static inline const char *tproc_arrow_now(const struct tproc_arrow_walk *walk, const void *memory) {
  const uintptr_t old = (uintptr_t)walk->arrow->moved_from, at = (uintptr_t)memory;
  if (old == 0 || at < old || at >= old + walk->old_room) return (const char *)memory;
  return walk->arrow->block + (at - old);
}

static inline int tproc_arrow_is_lent(struct tproc_arrow_lease *lease, uintptr_t start, uintptr_t end) {
  for (size_t i = 0; i < lease->ranges; i++) {
    const size_t at = (lease->last + i) % lease->ranges;
    if (start < lease->range[at].start || end > lease->range[at].end) continue;
    lease->last = at;
    return 1;
  }
  return 0;
}

static inline int tproc_arrow_is_shared(const struct tproc_arrow_walk *walk, const char *memory, size_t size) {
  const struct tproc_arrow_request *arrow = walk->arrow;
  const uintptr_t start = (uintptr_t)memory, block = (uintptr_t)arrow->block;
  if (block != 0 && start >= block && start - block <= arrow->room && size <= arrow->room - (start - block)) return 1;
  return tproc_arrow_is_lent(arrow->lease, start, start + size);
}

static inline char *tproc_arrow_copy_room(struct tproc_arrow_walk *walk, size_t size) {
  struct tproc_arrow_request *arrow = walk->arrow;
  const size_t at = (arrow->used + 63) & ~(size_t)63;
  walk->copied += size + 63;
  if (walk->measures) return NULL;
  arrow->used = at + size;
  return arrow->block + at;
}

/* Where Java finds it: as it is, or as a copy. */
static inline uint64_t tproc_arrow_place(struct tproc_arrow_walk *walk, const char *memory, size_t size) {
  if (size == 0) return 0;
  if (tproc_arrow_is_shared(walk, memory, size)) return (uint64_t)(uintptr_t)memory;
  char *copy = tproc_arrow_copy_room(walk, size);
  if (copy != NULL) memcpy(copy, memory, size);
  return (uint64_t)(uintptr_t)copy;
}

/* Bits that do not begin with a byte. */
static inline uint64_t tproc_arrow_place_bits(struct tproc_arrow_walk *walk, const char *memory, int64_t from,
                                              int64_t count) {
  const size_t size = (size_t)((count + 7) / 8);
  if (size == 0) return 0;
  if (from % 8 == 0) return tproc_arrow_place(walk, memory + from / 8, size);
  char *copy = tproc_arrow_copy_room(walk, size);
  if (copy == NULL) return 0;
  memset(copy, 0, size);
  for (int64_t i = 0; i < count; i++) {
    const int bit = (memory[(from + i) / 8] >> ((from + i) % 8)) & 1;
    copy[i / 8] = (char)(copy[i / 8] | (bit << (i % 8)));
  }
  return (uint64_t)(uintptr_t)copy;
}

__attribute__((format(printf, 2, 3))) static inline int tproc_arrow_refuse(struct tproc_arrow_walk *walk,
                                                                           const char *format, ...) {
  char *text = walk->arrow->refusal;
  const size_t size = sizeof walk->arrow->refusal;
  va_list arguments;
  const int length =
      walk->path[0] == '\0' ? snprintf(text, size, "the result: ") : snprintf(text, size, "column '%s': ", walk->path);
  va_start(arguments, format);
  vsnprintf(text + length, size - (size_t)length, format, arguments);
  va_end(arguments);
  tproc_respond(walk->arrow->request, text, strlen(text));
  return EINVAL;
}

static inline int tproc_arrow_check(struct tproc_arrow_walk *walk, const struct ArrowSchema *schema,
                                    const struct ArrowArray *array, struct tproc_arrow_layout *layout) {
  if (walk->depth > TPROC_ARROW_DEPTH_MAX) return tproc_arrow_refuse(walk, "too deep");
  if (schema->format == NULL) return tproc_arrow_refuse(walk, "it has no format");
  if (tproc_arrow_layout_of(schema->format, layout) != 0) {
    return tproc_arrow_refuse(walk, "a type that cannot go to Java: '%.40s'", schema->format);
  }
  if (array->n_buffers != layout->buffers) {
    return tproc_arrow_refuse(walk, "n_buffers is %" PRId64 ", and '%.40s' has %d", array->n_buffers, schema->format,
                              layout->buffers);
  }
  if (array->length < 0 || array->offset < 0) return tproc_arrow_refuse(walk, "a negative length or offset");
  if (schema->n_children != array->n_children || schema->n_children < 0 ||
      (layout->children >= 0 && layout->children != schema->n_children)) {
    return tproc_arrow_refuse(walk, "%" PRId64 " children in its schema, %" PRId64 " in its array", schema->n_children,
                              array->n_children);
  }
  if ((schema->dictionary == NULL) != (array->dictionary == NULL)) {
    return tproc_arrow_refuse(walk, "only one of schema and array has a dictionary");
  }
  return 0;
}

static inline int tproc_arrow_describe_buffers(struct tproc_arrow_walk *walk, const struct ArrowArray *array,
                                               const struct tproc_arrow_layout *layout, int64_t offset, int64_t length,
                                               uint64_t *places) {
  const char *offsets = layout->buffers > 1 ? tproc_arrow_now(walk, array->buffers[1]) : NULL;
  for (int i = 0; i < layout->buffers; i++) {
    const char *memory = tproc_arrow_now(walk, array->buffers[i]);
    const enum tproc_arrow_buffer kind = layout->buffer[i];
    const int64_t size = tproc_arrow_size(layout, i, offsets, offset, length);
    if (size < 0) return tproc_arrow_refuse(walk, "buffer %d would have an impossible size", i);
    places[i] = 0;
    if (memory == NULL && kind != TPROC_ARROW_VALIDITY && length > 0 && size > 0) {
      return tproc_arrow_refuse(walk, "buffer %d is NULL", i);
    }
    if (memory == NULL || size == 0) continue;
    if (kind == TPROC_ARROW_VALIDITY || (kind == TPROC_ARROW_FIXED && layout->bits % 8 != 0)) {
      places[i] = tproc_arrow_place_bits(walk, memory, offset, length);
    } else if (kind == TPROC_ARROW_BYTES) {
      places[i] = tproc_arrow_place(walk, memory, (size_t)size);
    } else {
      const size_t before = (size_t)(offset * (layout->bits / 8));
      places[i] = tproc_arrow_place(walk, memory + before, (size_t)size - before);
    }
  }
  return 0;
}

static inline int tproc_arrow_put_node(struct tproc_arrow_walk *walk, const struct ArrowSchema *schema,
                                       const struct ArrowArray *array, int64_t length, int64_t nulls,
                                       const uint64_t *places) {
  struct tproc_arrow_text *text = &walk->arrow->result;
  const char *name = schema->name == NULL ? "" : schema->name;
  const uint32_t counts[6] = {(uint32_t)strlen(schema->format),
                              (uint32_t)strlen(name),
                              (uint32_t)tproc_arrow_metadata_size(schema->metadata),
                              (uint32_t)array->n_buffers,
                              (uint32_t)array->n_children,
                              array->dictionary != NULL};
  const int64_t numbers[3] = {length, nulls, schema->flags};
  if (walk->measures) return 0;
  int failed = tproc_arrow_put(text, numbers, sizeof numbers);
  if (!failed) failed = tproc_arrow_put(text, counts, sizeof counts);
  if (!failed) failed = tproc_arrow_put(text, places, (size_t)array->n_buffers * sizeof *places);
  if (!failed) failed = tproc_arrow_put(text, schema->format, counts[0]);
  if (!failed) failed = tproc_arrow_put(text, name, counts[1]);
  return failed ? failed : tproc_arrow_put(text, schema->metadata, counts[2]);
}

static inline int tproc_arrow_describe(struct tproc_arrow_walk *walk, const struct ArrowSchema *schema,
                                       const struct ArrowArray *array, int64_t offset, int64_t length);

static inline int tproc_arrow_describe_below(struct tproc_arrow_walk *walk, const struct ArrowSchema *schema,
                                             const struct ArrowArray *array, int64_t offset, int64_t length) {
  const size_t path = strlen(walk->path);
  const char *name = schema == NULL || schema->name == NULL ? "" : schema->name;
  if (schema == NULL || array == NULL) return tproc_arrow_refuse(walk, "one of its children is NULL");
  snprintf(walk->path + path, sizeof walk->path - path, "%s%s", path > 0 ? "." : "", name);
  walk->depth++;
  const int failed = tproc_arrow_describe(walk, schema, array, offset, length);
  walk->depth--;
  walk->path[path] = '\0';
  return failed;
}

/* The offset of a struct, or of a list of fixed size, is one of its children, too. */
static inline int tproc_arrow_describe(struct tproc_arrow_walk *walk, const struct ArrowSchema *schema,
                                       const struct ArrowArray *array, int64_t offset, int64_t length) {
  struct tproc_arrow_layout layout;
  uint64_t places[3];
  int failed = tproc_arrow_check(walk, schema, array, &layout);
  if (failed) return failed;
  const int64_t from = array->offset + offset;
  const int64_t nulls = length == array->length && offset == 0 ? array->null_count : -1;
  failed = tproc_arrow_describe_buffers(walk, array, &layout, from, length, places);
  if (!failed) failed = tproc_arrow_put_node(walk, schema, array, length, nulls, places);
  for (int64_t i = 0; i < array->n_children && !failed; i++) {
    const struct ArrowArray *child = array->children[i];
    const int64_t times = layout.list > 0 ? layout.list : 1;
    const int follows = layout.list > 0 || layout.children < 0;
    if (child == NULL) return tproc_arrow_refuse(walk, "one of its children is NULL");
    if (follows && (from > INT64_MAX / times - length || child->length < (from + length) * times)) {
      return tproc_arrow_refuse(walk, "child %" PRId64 " is too short: %" PRId64, i, child->length);
    }
    failed = tproc_arrow_describe_below(walk, schema->children[i], child, follows ? from * times : 0,
                                        follows ? length * times : child->length);
  }
  if (failed || array->dictionary == NULL) return failed;
  return tproc_arrow_describe_below(walk, schema->dictionary, array->dictionary, 0, array->dictionary->length);
}

static inline int tproc_arrow_grow(struct tproc_arrow_walk *walk) {
  struct tproc_arrow_request *arrow = walk->arrow;
  if (walk->copied == 0 || walk->copied + 63 <= arrow->room - arrow->used) return 0;
  const size_t room = arrow->used + walk->copied + 63;
  char *larger = (char *)tproc_aligned_alloc(64, room);
  if (larger == NULL) return errno;
  if (arrow->used > 0) memcpy(larger, arrow->block, arrow->used);
  arrow->moved_from = arrow->block;
  walk->old_room = arrow->room;
  arrow->block = larger;
  arrow->room = room;
  return 0;
}

/** What a response begins with. */
struct tproc_arrow_head {
  char magic[4];
  uint32_t flags;
  uint64_t pid;
  uint64_t used; /* bytes of the block that the result lies in */
};

#define TPROC_ARROW_KEPT 1u
#define TPROC_ARROW_BATCH 2u

/**
 * Answers with columns, which are the children of a struct. Both structures stay the caller's, and may be released when
 * this returns. Once for a request.
 *
 * @return 0; EINVAL: a type that cannot go to Java, or structures that are not right, and the response's text says
 * which column it is; EALREADY; ENOMEM
 */
static inline int tproc_arrow_respond(struct tproc_arrow_request *arrow, const struct ArrowSchema *schema,
                                      const struct ArrowArray *array) {
  struct tproc_arrow_walk walk;
  struct tproc_arrow_head head;
  memset(&walk, 0, sizeof walk);
  memset(&head, 0, sizeof head);
  walk.arrow = arrow;
  walk.measures = 1;
  if (arrow->result.size > 0) return EALREADY;
  if (schema->format == NULL || strcmp(schema->format, "+s") != 0) {
    return tproc_arrow_refuse(&walk, "its type is not that of a struct, whose children are columns");
  }
  int failed = tproc_arrow_describe(&walk, schema, array, 0, array->length);
  if (!failed) failed = tproc_arrow_grow(&walk);
  walk.measures = 0;
  head.flags = TPROC_ARROW_BATCH;
  if (!failed) failed = tproc_arrow_put(&arrow->result, &head, sizeof head);
  if (!failed) failed = tproc_arrow_describe(&walk, schema, array, 0, array->length);
  tproc_free(arrow->moved_from);
  arrow->moved_from = NULL;
  return failed;
}

/* ---- serving --------------------------------------------------------------------------------------------------- */

static inline int tproc_arrow_send(struct tproc_arrow_request *arrow, int is_kept) {
  struct tproc_arrow_head head = {
      {'T', 'P', 'A', '1'}, is_kept ? TPROC_ARROW_KEPT : 0, (uint64_t)getpid(), arrow->used};
  int failed = 0;
  if (arrow->result.size == 0) {
    failed = tproc_arrow_put(&arrow->result, &head, sizeof head);
  } else {
    head.flags |= TPROC_ARROW_BATCH;
    memcpy(arrow->result.bytes, &head, sizeof head);
  }
  if (!failed) failed = tproc_respond(arrow->request, arrow->result.bytes, arrow->result.size);
  if (failed || (head.flags & TPROC_ARROW_BATCH) == 0 || arrow->block == NULL) return failed;
  failed = tproc_respond_block(arrow->request, arrow->block);
  if (!failed) arrow->block = NULL;
  return failed;
}

/** Releases what the handler has not moved, and gives the request its response. @return the code for the pool */
static inline int tproc_arrow_finish(struct tproc_arrow_request *arrow, int code) {
  if (arrow->schema.release != NULL) arrow->schema.release(&arrow->schema);
  if (arrow->array.release != NULL) arrow->array.release(&arrow->array);
  struct tproc_arrow_lease *lease = arrow->lease;
  if (lease != NULL && arrow->array.private_data == NULL) tproc_arrow_pass(lease, TPROC_ARROW_RELEASED); /* not lent */
  const int is_kept = lease != NULL && (tproc_arrow_pass(lease, TPROC_ARROW_ANSWERED) & TPROC_ARROW_RELEASED) == 0;
  if (!is_kept) free(lease);
  if (code == 0) code = tproc_arrow_send(arrow, is_kept);
  if (code != 0 && !is_kept) tproc_arrow_tell(arrow->id); /* a failure does not say so */
  tproc_free(arrow->block);
  for (size_t i = 0; i < arrow->spare_count; i++) free(arrow->spare[i]);
  free(arrow->spare);
  free(arrow->result.bytes);
  return code;
}

struct tproc_arrow_service {
  int (*handler)(struct tproc_arrow_request *request, void *context);
  void *context;
};

static inline int tproc_arrow_handle(struct tproc_request *request, void *context) {
  const struct tproc_arrow_service *service = (const struct tproc_arrow_service *)context;
  struct tproc_arrow_request arrow;
  const int failed = tproc_arrow_open(request, &arrow);
  return tproc_arrow_finish(&arrow, failed ? failed : service->handler(&arrow, service->context));
}

/**
 * Serves the requests of the pool that has started this program, until the pool closes: as tproc_serve.
 *
 * @param handler answers with tproc_arrow_respond and returns 0, or a code; text of tproc_respond goes with a code. It
 * may be in several threads at a time, as many as call this function
 */
static inline int tproc_arrow_serve(int (*handler)(struct tproc_arrow_request *request, void *context), void *context) {
  struct tproc_arrow_service service = {handler, context};
  return tproc_serve(tproc_arrow_handle, &service);
}

#ifdef __cplusplus
}
#endif

#endif
