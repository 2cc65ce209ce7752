/*
 * Arenas: many objects in one block of the heap, so that a graph of them changes hands by the one word that says whose
 * the block is. Nothing in an arena is looked at by others than its owner.
 */
#ifndef TPROC_SRC_SHARED_ARENA_H
#define TPROC_SRC_SHARED_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "tproc_share_abi.h"

#pragma GCC visibility push(hidden)

/** Makes a block of so many bytes, at least sizeof(struct tproc_arena), an empty arena. */
void tproc_arena_format(struct tproc_arena *arena, size_t capacity);

/** Whether a block that has room for `size` bytes is an arena. */
bool tproc_arena_is_at(const void *block, size_t size);

/** Room for an object. @param alignment a power of two @return NULL when there is not enough */
void *tproc_arena_take(struct tproc_arena *arena, size_t size, size_t alignment);

/**
 * Makes the room free that was taken with this size, for what is taken later.
 *
 * @return false: the arena cannot have handed out such room, or it was the last to be freed; nothing is changed
 */
bool tproc_arena_put_back(struct tproc_arena *arena, void *object, size_t size);

/** Says where a receiver begins. @return 0; EINVAL: it is none in the arena, or the type is too long */
int tproc_arena_name_root(struct tproc_arena *arena, const void *root, const char *type);

/**
 * Where a receiver of a block begins that has room for `size` bytes.
 *
 * @param type NULL: any
 * @return 0; EPROTO: the block is no arena with a root; EPROTOTYPE: the root is of another type
 */
int tproc_arena_find_root(const void *block, size_t size, const char *type, void **root);

#pragma GCC visibility pop

#endif
