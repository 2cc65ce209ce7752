#include "arena.h"

#include <errno.h>
#include <string.h>

#include "size_class.h"

#define MIN_ALIGNMENT 16u
#define FIRST_OF_DOUBLING 9u
#define EXPONENT_OF_FIRST 7u
#define LARGEST (1ull << 36)

/* As tproc_size_class_of, which ends at TPROC_SMALL_MAX. */
static uint32_t class_of(size_t size) {
  if (size <= TPROC_SMALL_MAX) return tproc_size_class_of(size == 0 ? 1 : size);
  const uint64_t last = size - 1;
  const uint32_t exponent = 63 - (uint32_t)__builtin_clzll(last);
  return FIRST_OF_DOUBLING + (exponent - EXPONENT_OF_FIRST) * 4 + (uint32_t)(last >> (exponent - 2) & 3);
}

static size_t size_of(uint32_t size_class) {
  if (size_class < TPROC_CLASS_COUNT) return tproc_size_classes[size_class].size;
  const uint32_t step = size_class - FIRST_OF_DOUBLING;
  return (size_t)(5 + step % 4) << (EXPONENT_OF_FIRST + step / 4 - 2);
}

void tproc_arena_format(struct tproc_arena *arena, size_t capacity) {
  memset(arena, 0, sizeof *arena);
  arena->capacity = capacity;
  arena->used = sizeof *arena;
  arena->magic = TPROC_ARENA_MAGIC;
}

bool tproc_arena_is_at(const void *block, size_t size) {
  const struct tproc_arena *arena = block;
  return size >= sizeof *arena && arena->magic == TPROC_ARENA_MAGIC && arena->capacity <= size &&
         arena->used >= sizeof *arena && arena->used <= arena->capacity;
}

static bool has(const struct tproc_arena *arena, uint64_t object, size_t size) {
  const uint64_t at = object - (uint64_t)arena;
  return at >= sizeof *arena && at <= arena->used && size <= arena->used - at;
}

/*
 * What was freed is aligned to 16 bytes, and perhaps further. It may have been written to since, and then leads
 * anywhere: never out of the arena.
 */
static void *take_freed(struct tproc_arena *arena, uint32_t size_class, size_t alignment) {
  const uint64_t piece = arena->freed[size_class];
  if (piece == 0 || (piece & (alignment - 1)) != 0 || !has(arena, piece, size_of(size_class))) return NULL;
  memcpy(&arena->freed[size_class], (void *)piece, sizeof piece);
  return (void *)piece;
}

void *tproc_arena_take(struct tproc_arena *arena, size_t size, size_t alignment) {
  if (size > LARGEST || alignment > LARGEST) return NULL;
  if (alignment < MIN_ALIGNMENT) alignment = MIN_ALIGNMENT;
  const uint32_t size_class = class_of(size);
  void *freed = take_freed(arena, size_class, alignment);
  if (freed != NULL) return freed;
  const uint64_t end = (uint64_t)arena + arena->capacity;
  const uint64_t at = ((uint64_t)arena + arena->used + alignment - 1) & -(uint64_t)alignment;
  if (at > end || size_of(size_class) > end - at) return NULL;
  arena->used = at + size_of(size_class) - (uint64_t)arena;
  return (void *)at;
}

/* The last one, as of a buffer that grows, makes all of its room free again. */
bool tproc_arena_put_back(struct tproc_arena *arena, void *object, size_t size) {
  if (size > LARGEST || (uint64_t)object % MIN_ALIGNMENT != 0) return false;
  const uint32_t size_class = class_of(size);
  if (!has(arena, (uint64_t)object, size_of(size_class))) return false;
  if (arena->freed[size_class] == (uint64_t)object) return false;
  const uint64_t at = (uint64_t)object - (uint64_t)arena;
  if (at + size_of(size_class) == arena->used) {
    arena->used = at;
    return true;
  }
  memcpy(object, &arena->freed[size_class], sizeof(uint64_t));
  arena->freed[size_class] = (uint64_t)object;
  return true;
}

static bool lies_in(const struct tproc_arena *arena, uint64_t object) {
  const uint64_t at = object - (uint64_t)arena;
  return at >= sizeof *arena && at < arena->used;
}

int tproc_arena_name_root(struct tproc_arena *arena, const void *root, const char *type) {
  const size_t length = strnlen(type, sizeof arena->type);
  if (length == sizeof arena->type || !lies_in(arena, (uint64_t)root)) return EINVAL;
  memset(arena->type, 0, sizeof arena->type);
  memcpy(arena->type, type, length);
  arena->root = (uint64_t)root;
  return 0;
}

int tproc_arena_find_root(const void *block, size_t size, const char *type, void **root) {
  const struct tproc_arena *arena = block;
  if (!tproc_arena_is_at(block, size) || !lies_in(arena, arena->root)) return EPROTO;
  if (type != NULL && strncmp(type, arena->type, sizeof arena->type) != 0) return EPROTOTYPE;
  *root = (void *)arena->root;
  return 0;
}
