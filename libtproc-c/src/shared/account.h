/*
 * How much a program and its forked children may own together. Blocks are counted by the owner in their tags: giving
 * one away takes it off the giver's account, and who gets it has it on its own.
 *
 * What is counted comes before the tag changes, what is taken off after it: so a process that is killed between the two
 * leaves a count too high, never one too low. Too high a count is put right by counting the tags, when it matters.
 */
#ifndef TPROC_SRC_SHARE_ACCOUNT_H
#define TPROC_SRC_SHARE_ACCOUNT_H

#include <stddef.h>

#include "view.h"

#pragma GCC visibility push(hidden)

/** The account of an owner; 0: none. */
static inline uint32_t tproc_account_of(const struct tproc_view *view, uint32_t owner) {
  return TPROC_OWNER_MAY_COUNT(owner) && owner < view->owner_count
             ? atomic_load_explicit(&view->owners[owner].account, memory_order_acquire)
             : 0;
}

/** Bytes that an owner and those of its launch may own; 0: there is no limit. */
uint64_t tproc_account_limit(const struct tproc_view *view, uint32_t owner);

/** Counts bytes that are about to be allocated. @return false, and nothing changes, when they would be too many */
bool tproc_account_charge(const struct tproc_view *view, uint32_t account, size_t bytes);

/** The owner is about to get a block that is allocated: it may have more than its limit then. */
void tproc_account_receive(const struct tproc_view *view, uint32_t owner, size_t bytes);

/** The owner has no longer what has this size. */
void tproc_account_lose(const struct tproc_view *view, uint32_t owner, size_t bytes);

/** The same by the number of an account. */
void tproc_account_refund(const struct tproc_view *view, uint32_t account, size_t bytes);

/** Bytes of an account that are counted. */
int64_t tproc_account_used(const struct tproc_view *view, uint32_t account);

/** Puts an owner whose number is even into an account, unless that has been closed. */
void tproc_account_join(const struct tproc_view *view, uint32_t owner, struct tproc_account_of_launch account);

/** Counts the blocks of all who are in an account: bytes that they have room for. */
uint64_t tproc_account_count(const struct tproc_view *view, uint32_t account);

#pragma GCC visibility pop

#endif
