#include "cache.h"

#include <errno.h>
#include <string.h>

#include "account.h"
#include "owner.h"
#include "slice.h"
#include "thread_record.h"

/* A group with fewer free blocks than this is poor; after some of them in a row, fresh ones are cheaper. */
#define POOR_BLOCKS 16
#define POOR_MAX 4

/* Slices of the ring that are looked at for hints, and those that are looked at without, at a time. */
#define LOOK_SLICES 32
#define AUDIT_SLICES 2

/* Most looks that are left out when looking found nothing. */
#define SKIP_MAX 15

/* A bin keeps this many slices, even when they are empty. */
#define KEPT_SLICES 2

int tproc_cache_attach(const struct tproc_view *view, struct tproc_cache *cache, uint32_t owner, pid_t pid,
                       pid_t thread) {
  if (owner == 0) owner = tproc_owner_take(view, pid, view->own);
  if (owner == 0) return EAGAIN;
  const uint32_t token = tproc_record_take(view, pid, thread);
  if (token == 0) return EAGAIN;
  for (uint32_t i = 1; i < TPROC_CLASS_COUNT; i++) cache->bins[i].size = tproc_size_classes[i].size;
  cache->owner = owner;
  cache->account = tproc_account_of(view, owner);
  cache->token = token;
  return 0;
}

static void leave(const struct tproc_view *view, const struct tproc_bin *bin, uint32_t size_class) {
  uint32_t slice = bin->cursor;
  for (uint32_t left = bin->slices; left > 0; left--) {
    const uint32_t next = view->slices[slice].next; /* not any more once another thread has it */
    if (tproc_slice_is_empty(view, slice, size_class))
      tproc_slice_release(view, slice);
    else
      tproc_slice_abandon(view, slice, size_class);
    slice = next;
  }
}

void tproc_cache_detach(const struct tproc_view *view, struct tproc_cache *cache) {
  if (cache->token == 0) return;
  for (uint32_t i = 1; i < TPROC_CLASS_COUNT; i++) leave(view, &cache->bins[i], i);
  const uint32_t record = tproc_token_record(cache->token);
  memset(cache, 0, sizeof *cache);
  tproc_record_give_back(view, record);
}

/* ---- the ring ------------------------------------------------------------------------------------------------ */

static void link_slice(const struct tproc_view *view, struct tproc_bin *bin, uint32_t slice) {
  struct tproc_slice *slices = view->slices;
  if (bin->slices++ == 0) {
    slices[slice].next = bin->cursor = slice;
  } else {
    slices[slice].next = slices[bin->cursor].next;
    slices[bin->cursor].next = slice;
  }
}

/* The one after `previous`. Nothing of it is the bin's group. */
static void release_next(const struct tproc_view *view, struct tproc_bin *bin, uint32_t previous) {
  struct tproc_slice *slices = view->slices;
  const uint32_t slice = slices[previous].next;
  slices[previous].next = slices[slice].next;
  bin->slices--;
  if (bin->cursor == slice) bin->cursor = previous;
  bin->next_group = 0;
  if (bin->opening == slice) bin->opening = 0;
  tproc_slice_release(view, slice);
}

static void note_class(const struct tproc_view *view, uint32_t slice, uint32_t size_class) {
  struct tproc_slice *notes = &view->slices[slice];
  notes->blocks = tproc_size_classes[size_class].blocks;
  notes->groups = (uint16_t)tproc_groups_of(notes->blocks);
}

static void give_class(const struct tproc_view *view, uint32_t slice, uint32_t size_class) {
  struct tproc_slice *fresh = &view->slices[slice];
  note_class(view, slice, size_class);
  fresh->opened = 0;
  for (uint32_t i = 0; i < sizeof fresh->freed; i++) atomic_store_explicit(&fresh->freed[i], 0, memory_order_relaxed);
  atomic_store_explicit(&fresh->filled, 1, memory_order_relaxed);
  atomic_store_explicit(&fresh->size_class, (uint8_t)size_class, memory_order_release);
}

/* Its last owner knew where its free blocks are; now no thread does. */
static void take_over(const struct tproc_view *view, struct tproc_bin *bin, uint32_t slice, uint32_t size_class) {
  struct tproc_slice *notes = &view->slices[slice];
  note_class(view, slice, size_class);
  notes->opened = notes->groups;
  for (uint32_t i = 0; i < notes->groups; i++) atomic_store_explicit(&notes->freed[i], 1, memory_order_relaxed);
  link_slice(view, bin, slice);
}

/* ---- groups -------------------------------------------------------------------------------------------------- */

/*
 * If it has so many free blocks at least. The hint goes before the tags are read: who frees a block after the look sets
 * it again.
 */
static bool take_group(const struct tproc_view *view, struct tproc_bin *bin, uint32_t slice, uint32_t group,
                       int least) {
  struct tproc_slice *notes = &view->slices[slice];
  atomic_store_explicit(&notes->freed[group], 0, memory_order_relaxed);
  _Atomic uint16_t *tags = tproc_slice_tags(view, slice) + (size_t)group * TPROC_GROUP_BLOCKS;
  const uint64_t found = tproc_group_free(tags) & tproc_group_blocks(notes->blocks, group);
  if (found == 0) return false;
  if (least > 1 && __builtin_popcountll(found) < least) {
    atomic_store_explicit(&notes->freed[group], 1, memory_order_relaxed);
    return false;
  }
  bin->tags = tags;
  bin->blocks = tproc_slice_data(view, slice) + (size_t)group * TPROC_GROUP_BLOCKS * bin->size;
  bin->free = found;
  bin->returned = 0;
  return true;
}

static void drop_group(struct tproc_bin *bin) {
  bin->free = bin->returned = 0;
  bin->tags = NULL;
  bin->blocks = NULL;
}

static bool open_group(const struct tproc_view *view, struct tproc_bin *bin) {
  const uint32_t slice = bin->opening;
  while (slice != 0 && view->slices[slice].opened < view->slices[slice].groups)
    if (take_group(view, bin, slice, view->slices[slice].opened++, 1)) return true;
  return false;
}

/* Which groups are looked at. */
struct wanted {
  bool all;  /* not only those with a hint */
  int least; /* free blocks */
};

static const struct wanted hinted = {false, 1}, any = {true, 1}, rich = {true, POOR_BLOCKS};

/*
 * Beginning with the group after the one that was taken last: so all have their turn, and what was freed in them
 * meanwhile is taken at once.
 */
static bool take_any_group(const struct tproc_view *view, struct tproc_bin *bin, uint32_t slice, struct wanted wanted) {
  const struct tproc_slice *notes = &view->slices[slice];
  for (uint32_t group = slice == bin->cursor ? bin->next_group : 0; group < notes->opened; group++)
    if ((wanted.all || atomic_load_explicit(&notes->freed[group], memory_order_relaxed) != 0) &&
        take_group(view, bin, slice, group, wanted.least)) {
      bin->next_group = group + 1;
      return true;
    }
  bin->next_group = 0;
  return false;
}

static bool may_go(const struct tproc_view *view, const struct tproc_bin *bin, uint32_t slice, uint32_t size_class) {
  return slice != bin->opening && bin->slices > KEPT_SLICES &&
         (bin->free & (bin->free + 1)) == 0 /* the whole group, or its beginning: cheap, and true of an empty one */
         && tproc_slice_is_empty(view, slice, size_class);
}

/* Looks round the ring for a group, beginning where the last one was found, and gives back slices that turn out to be
 * empty. */
static bool look(const struct tproc_view *view, struct tproc_bin *bin, uint32_t size_class, uint32_t most,
                 struct wanted wanted) {
  uint32_t previous = 0, slice = bin->cursor, left = bin->slices < most ? bin->slices : most;
  if (bin->next_group > 0 && left == bin->slices) left++; /* the first one's beginning comes last */
  for (; left > 0; left--) {
    if (take_any_group(view, bin, slice, wanted)) {
      if (previous == 0 || !may_go(view, bin, slice, size_class)) {
        bin->cursor = slice;
        return true;
      }
      drop_group(bin);
      release_next(view, bin, previous);
      slice = previous;
    }
    previous = slice;
    slice = view->slices[slice].next;
  }
  if (bin->slices > 0) bin->cursor = slice;
  return false;
}

static bool look_at_hints(const struct tproc_view *view, struct tproc_bin *bin, uint32_t size_class) {
  if (bin->skipped < bin->skip) {
    bin->skipped++;
    return false;
  }
  bin->skipped = 0;
  if (!look(view, bin, size_class, LOOK_SLICES, hinted)) {
    bin->skip = bin->skip < SKIP_MAX / 2 ? (uint16_t)(bin->skip * 2 + 1) : SKIP_MAX;
    return false;
  }
  bin->skip = 0;
  if (__builtin_popcountll(bin->free) < POOR_BLOCKS)
    bin->poor++;
  else if (bin->poor > 0)
    bin->poor--;
  return true;
}

/* Adopts or claims. */
static bool add_slice(const struct tproc_view *view, struct tproc_cache *cache, uint32_t size_class) {
  struct tproc_bin *bin = &cache->bins[size_class];
  uint32_t slice = tproc_slice_adopt(view, size_class, cache->token);
  if (slice != 0) {
    take_over(view, bin, slice, size_class);
    bin->skip = bin->skipped = 0;
    return true;
  }
  slice = tproc_slice_claim(view, cache->claim_from, cache->token);
  if (slice == 0) return false;
  cache->claim_from = slice + 1;
  give_class(view, slice, size_class);
  link_slice(view, bin, slice);
  bin->opening = slice;
  return true;
}

bool tproc_cache_refill(const struct tproc_view *view, struct tproc_cache *cache, uint32_t size_class) {
  struct tproc_bin *bin = &cache->bins[size_class];
  for (;;) {
    if (bin->poor >= POOR_MAX) {
      bin->poor = 0;
      if (open_group(view, bin)) return true;
      /* Room for about a tenth more saves most looks. Not of large blocks, whose groups are never rich. */
      if (tproc_size_classes[size_class].blocks >= TPROC_GROUP_BLOCKS) {
        if (look(view, bin, size_class, AUDIT_SLICES, rich)) return true;
        if (add_slice(view, cache, size_class) && open_group(view, bin)) return true;
      }
    }
    if (look_at_hints(view, bin, size_class) || open_group(view, bin)) return true;
    /* A hint may have been lost. Since a new slice comes only after such a look, what is lost is bounded. */
    if (look(view, bin, size_class, AUDIT_SLICES, any)) return true;
    if (add_slice(view, cache, size_class)) continue;
    bin->skip = bin->skipped = 0;
    return look(view, bin, size_class, bin->slices, any);
  }
}
