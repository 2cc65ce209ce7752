#include "shared/arena.h"

#include <errno.h>
#include <string.h>

#include "refuse.h"
#include "tproc.h"

struct tproc_arena *tproc_arena_create(size_t capacity) {
  if (capacity < sizeof(struct tproc_arena)) capacity = sizeof(struct tproc_arena);
  struct tproc_arena *arena = tproc_alloc(capacity);
  if (arena != NULL) tproc_arena_format(arena, tproc_usable_size(arena));
  return arena;
}

void *tproc_arena_alloc(struct tproc_arena *arena, size_t size, size_t alignment) {
  if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
    errno = EINVAL;
    return NULL;
  }
  void *object = tproc_arena_take(arena, size, alignment);
  if (object == NULL) errno = ENOMEM;
  return object;
}

void tproc_arena_free(struct tproc_arena *arena, void *object, size_t size) {
  if (object != NULL && !tproc_arena_put_back(arena, object, size))
    tproc_refuse("tproc_arena_free", object, "nothing of that size is allocated here in the arena");
}

static bool lies_in(const struct tproc_arena *arena, const void *object) {
  const uint64_t at = (uint64_t)object - (uint64_t)arena;
  return at >= sizeof *arena && at < arena->used;
}

int tproc_arena_set_root(struct tproc_arena *arena, const void *root, const char *type) {
  const size_t length = strnlen(type, sizeof arena->type);
  if (length > TPROC_TYPE_MAX || !lies_in(arena, root)) return EINVAL;
  memset(arena->type, 0, sizeof arena->type);
  memcpy(arena->type, type, length);
  arena->root = (uint64_t)root;
  return 0;
}

int tproc_arena_root(const void *block, const char *type, void **root) {
  const struct tproc_arena *arena = block;
  if (!tproc_arena_is_at(block, tproc_usable_size(block)) || !lies_in(arena, (void *)arena->root)) return EPROTO;
  if (type != NULL && strncmp(type, arena->type, sizeof arena->type) != 0) return EPROTOTYPE;
  *root = (void *)arena->root;
  return 0;
}

size_t tproc_arena_used(const struct tproc_arena *arena) { return arena->used; }
