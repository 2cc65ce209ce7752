#include "shared/arena.h"

#include <errno.h>

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
    tproc_refuse("tproc_arena_free", object, "no room of this size in the arena");
}

int tproc_arena_set_root(struct tproc_arena *arena, const void *root, const char *type) {
  return tproc_arena_name_root(arena, root, type);
}

int tproc_arena_root(const void *block, const char *type, void **root) {
  return tproc_arena_find_root(block, tproc_usable_size(block), type, root);
}

size_t tproc_arena_used(const struct tproc_arena *arena) { return arena->used; }
