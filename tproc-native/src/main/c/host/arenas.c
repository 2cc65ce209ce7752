/* Arenas in the shared heap, for the host's own code. */
#include <errno.h>

#include "base/error.h"
#include "host/host.h"
#include "shared/arena.h"

static int check_arena(struct tproc_host *host, const void *block, struct tproc_error *error) {
  const int failed = host_check_range(host, error);
  if (failed) return failed;
  if (tproc_arena_is_at(block, tproc_host_usable_size(host, block))) return 0;
  return tproc_fail_because(error, EPROTO, "the block at %p is no arena", block);
}

int tproc_host_arena_create(struct tproc_host *host, size_t capacity, void **arena, struct tproc_error *error) {
  if (capacity < sizeof(struct tproc_arena)) capacity = sizeof(struct tproc_arena);
  const int failed = tproc_host_alloc(host, capacity, 1, arena, error);
  if (!failed) tproc_arena_format(*arena, tproc_host_usable_size(host, *arena));
  return failed;
}

int tproc_host_arena_alloc(struct tproc_host *host, void *arena, size_t size, size_t alignment, void **object,
                           struct tproc_error *error) {
  const int failed = check_arena(host, arena, error);
  if (failed) return failed;
  if (alignment == 0 || (alignment & (alignment - 1)) != 0)
    return tproc_fail_because(error, EINVAL, "allocate in an arena: an alignment of %zu is no power of two", alignment);
  *object = tproc_arena_take(arena, size, alignment);
  return *object != NULL ? 0 : tproc_fail(error, ENOMEM, "allocate %zu bytes in the arena at %p", size, arena);
}

int tproc_host_arena_free(struct tproc_host *host, void *arena, void *object, size_t size, struct tproc_error *error) {
  const int failed = check_arena(host, arena, error);
  if (failed || tproc_arena_put_back(arena, object, size)) return failed;
  return tproc_fail_because(error, EINVAL, "the arena at %p has handed out no %zu bytes at %p", arena, size, object);
}

int tproc_host_arena_set_root(struct tproc_host *host, void *arena, void *root, const char *type,
                              struct tproc_error *error) {
  const int failed = check_arena(host, arena, error);
  if (failed || tproc_arena_name_root(arena, root, type) == 0) return failed;
  return tproc_fail_because(error, EINVAL, "%p is no object in the arena at %p, or its type too long: %s", root, arena,
                            type);
}

int tproc_host_arena_root(struct tproc_host *host, void *block, const char *type, void **root,
                          struct tproc_error *error) {
  const int failed = host_check_range(host, error);
  if (failed) return failed;
  const size_t size = tproc_host_usable_size(host, block);
  switch (tproc_arena_find_root(block, size, type, root)) {
    case 0:
      return 0;
    case EPROTOTYPE:
      return tproc_fail_because(error, EPROTOTYPE, "the arena at %p has a root of type %.*s, not %s", block,
                                (int)sizeof(((struct tproc_arena *)0)->type), ((const struct tproc_arena *)block)->type,
                                type);
    default:
      return tproc_fail_because(error, EPROTO, "the block at %p is no arena with a root", block);
  }
}

int tproc_host_arena_used(struct tproc_host *host, void *arena, size_t *used, struct tproc_error *error) {
  const int failed = check_arena(host, arena, error);
  if (!failed) *used = ((const struct tproc_arena *)arena)->used;
  return failed;
}
