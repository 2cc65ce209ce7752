#include "share/reaper.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "shared/account.h"
#include "shared/board.h"
#include "shared/channel.h"
#include "shared/event.h"
#include "shared/futex.h"
#include "shared/heap.h"
#include "shared/large.h"
#include "shared/mutex.h"
#include "shared/slice.h"
#include "shared/thread_record.h"

/* Exits are collected by several threads. Taken after the threadproc's lock; no other lock is taken under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Whoever has attached may have written anything anywhere: what leads to an address is checked before it is used. */

static uint32_t end_owners(const struct tproc_view *view, pid_t pid, int status, uint64_t note) {
  uint32_t count = 0;
  const uint32_t high = tproc_owners_in_use(view);
  for (uint32_t i = TPROC_OWNER_CHANNELS + 1; i < high; i++) {
    struct tproc_owner *owner = &view->owners[i];
    if (atomic_load(&owner->pid) != pid) continue;
    owner->status = status;
    owner->host_note = note;
    atomic_store(&owner->pid, -pid);
    tproc_board_bury_owner(view, i, (uint32_t)status);
    count++;
  }
  return count;
}

static uint32_t end_threads(const struct tproc_view *view, pid_t pid) {
  uint32_t count = 0;
  const uint32_t high = tproc_threads_in_use(view);
  for (uint32_t i = 1; i < high; i++) {
    if (atomic_load(&view->threads[i].who) >> 32 != (uint64_t)pid) continue;
    tproc_record_give_back(view, i);
    count++;
  }
  return count;
}

/* A slice of a thread that is dead. How far it had come with it stands in the class. */
static void end_slice(const struct tproc_view *view, uint32_t slice, struct reaped *reaped) {
  const uint32_t size_class = atomic_load_explicit(&view->slices[slice].size_class, memory_order_acquire);
  if (size_class == TPROC_CLASS_LARGE) {
    tproc_large_release(view, slice);
  } else if (size_class == 0 || size_class >= TPROC_CLASS_COUNT || tproc_slice_is_empty(view, slice, size_class)) {
    tproc_slice_release(view, slice);
  } else {
    tproc_slice_abandon(view, slice, size_class);
    reaped->abandoned++;
    return;
  }
  reaped->free++;
}

static void end_slices(const struct tproc_view *view, struct reaped *reaped) {
  const uint32_t high = tproc_slices_in_use(view);
  for (uint32_t slice = 1; slice < high; slice++) {
    const uint32_t owner = atomic_load_explicit(&view->slices[slice].owner, memory_order_acquire);
    if (tproc_is_token(owner) && tproc_token_is_dead(view, owner)) end_slice(view, slice, reaped);
  }
}

/* A word that a thread says it sleeps on; what lies elsewhere is none of the range's, and is not touched. */
static _Atomic uint32_t *word_of(const struct tproc_view *view, uint64_t published) {
  const uint64_t address = published & ~3ull, base = (uint64_t)view->share;
  return address >= base && address - base < view->size ? (_Atomic uint32_t *)address : NULL;
}

/* After the marking of the dead: a thread that publishes a word from now on sees that they are dead. */
static uint32_t wake_waiters(const struct tproc_view *view) {
  uint32_t count = 0;
  const uint32_t high = tproc_threads_in_use(view);
  atomic_thread_fence(memory_order_seq_cst);
  for (uint32_t i = 1; i < high; i++) {
    const uint64_t published = atomic_load(&view->threads[i].waiting_on);
    _Atomic uint32_t *word = published != 0 ? word_of(view, published) : NULL;
    if (word == NULL) continue;
    if ((published & 3) == TPROC_WAIT_MUTEX) {
      tproc_mutex_bury_owner(view, word);
      tproc_futex_wake(word, INT_MAX);
    } else if ((published & 3) == TPROC_WAIT_EVENT) {
      tproc_event_wake_for_the_dead(word);
    }
    count++;
  }
  return count;
}

/* No token is needed: this thread is the reaper's only one, and does not die without the host. */
static bool release_large(const struct tproc_view *view, uint32_t number, uint32_t word) {
  const uint32_t owner = word & ~TPROC_SLICE_LARGE;
  if (!atomic_compare_exchange_strong(&view->slices[number].owner, &word, TPROC_TOKEN_LIMIT)) return false;
  const uint64_t slices = tproc_slice_run(view, number);
  tproc_large_release(view, number);
  tproc_account_lose(view, owner, slices * TPROC_SLICE_SIZE);
  return true;
}

/* By compare-and-swap: another process may free the block, and its slice's owner allocate it again, at the same time.
 */
static bool release_small(const struct tproc_view *view, const struct tproc_block *block, uint16_t owner) {
  uint16_t now = owner;
  if (!atomic_compare_exchange_strong(block->tag, &now, 0)) return false;
  atomic_store_explicit(&view->slices[block->slice].freed[block->index / TPROC_GROUP_BLOCKS], 1, memory_order_relaxed);
  tproc_account_lose(view, owner, tproc_size_classes[block->size_class].size);
  return true;
}

static void free_own(const struct tproc_party *party, void *address) {
  struct tproc_block block;
  if (!tproc_block_at(party->view, address, &block)) return;
  if (block.size_class == TPROC_CLASS_LARGE)
    release_large(party->view, block.slice, TPROC_SLICE_LARGE | party->owner);
  else
    release_small(party->view, &block, (uint16_t)party->owner);
}

/* After the marking of the dead, and before their blocks are freed: by whose a block is, it is told what was sent. */
static void end_channels(const struct tproc_view *view, pid_t pid) {
  const struct tproc_party self = {.view = view, .owner = TPROC_OWNER_HOST, .free_block = free_own};
  const uint32_t high = tproc_owners_in_use(view);
  for (uint32_t i = TPROC_OWNER_CHANNELS + 1; i < high; i++)
    if (atomic_load(&view->owners[i].pid) == -pid) tproc_channel_bury_owner(&self, i);
}

static void tell_of_death(const struct tproc_view *view) {
  atomic_fetch_add(&view->share->deaths, 1);
  tproc_futex_wake(&view->share->deaths, INT_MAX);
}

struct reaped reaper_process_ended(const struct tproc_view *view, pid_t pid, int status, uint64_t note) {
  struct reaped reaped = {0};
  pthread_mutex_lock(&lock);
  reaped.owners = end_owners(view, pid, status, note);
  reaped.threads = end_threads(view, pid);
  if (reaped.owners > 0) end_channels(view, pid);
  if (reaped.threads > 0) {
    reaped.woken = wake_waiters(view);
    end_slices(view, &reaped);
    tell_of_death(view);
  }
  pthread_mutex_unlock(&lock);
  return reaped;
}

/* Bit i: owner i. */
struct owner_set {
  uint64_t bits[65536 / 64];
};

static bool contains(const struct owner_set *set, uint32_t owner) {
  return (set->bits[owner / 64 % 1024] >> (owner % 64) & 1) != 0;
}

static uint32_t find_owners(const struct tproc_view *view, uint64_t note, struct owner_set *set) {
  uint32_t count = 0;
  const uint32_t high = tproc_owners_in_use(view);
  for (uint32_t i = TPROC_OWNER_CHANNELS + 1; i < high; i++) {
    const struct tproc_owner *owner = &view->owners[i];
    if (atomic_load(&owner->pid) >= 0 || owner->host_note != note) continue;
    set->bits[i / 64] |= 1ull << (i % 64);
    count++;
  }
  return count;
}

static uint64_t free_small(const struct tproc_view *view, uint32_t number, uint32_t size_class,
                           const struct owner_set *set) {
  uint64_t count = 0;
  _Atomic uint16_t *tags = tproc_slice_tags(view, number);
  for (uint32_t i = 0; i < tproc_size_classes[size_class].blocks; i++) {
    const uint16_t tag = atomic_load_explicit(&tags[i], memory_order_relaxed);
    const struct tproc_block block = {.slice = number, .size_class = size_class, .index = i, .tag = &tags[i]};
    if (tag != 0 && contains(set, tag)) count += release_small(view, &block, tag);
  }
  return count;
}

static uint64_t free_large(const struct tproc_view *view, uint32_t number, const struct owner_set *set) {
  const uint32_t word = atomic_load(&view->slices[number].owner);
  return tproc_is_large(word) && contains(set, word & ~TPROC_SLICE_LARGE) && release_large(view, number, word);
}

static uint64_t free_blocks(const struct tproc_view *view, const struct owner_set *set) {
  uint64_t count = 0;
  const uint32_t high = tproc_slices_in_use(view);
  for (uint32_t slice = 1; slice < high; slice++) {
    const uint32_t size_class = atomic_load_explicit(&view->slices[slice].size_class, memory_order_acquire);
    if (size_class == TPROC_CLASS_LARGE)
      count += free_large(view, slice, set);
    else if (size_class != 0 && size_class < TPROC_CLASS_COUNT)
      count += free_small(view, slice, size_class, set);
  }
  return count;
}

static void free_owners(const struct tproc_view *view, const struct owner_set *set) {
  const uint32_t high = tproc_owners_in_use(view);
  for (uint32_t i = TPROC_OWNER_CHANNELS + 1; i < high; i++) {
    struct tproc_owner *owner = &view->owners[i];
    if (!contains(set, i)) continue;
    owner->host_note = 0;
    atomic_store(&owner->attached_at, 0);
    atomic_store(&owner->account, 0);
    atomic_fetch_add(&owner->generation, 1);
    atomic_store(&owner->pid, 0);
  }
}

uint64_t reaper_forget(const struct tproc_view *view, uint64_t note) {
  struct owner_set set;
  uint64_t count = 0;
  memset(&set, 0, sizeof set);
  pthread_mutex_lock(&lock);
  if (find_owners(view, note, &set) > 0) {
    count = free_blocks(view, &set);
    free_owners(view, &set);
  }
  pthread_mutex_unlock(&lock);
  return count;
}
