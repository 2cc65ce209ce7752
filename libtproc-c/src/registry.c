#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "shared/board.h"
#include "shared/event.h"
#include "thread.h"
#include "tproc.h"

_Static_assert(TPROC_NAME_MAX + 1 == TPROC_BOARD_NAME_SIZE && TPROC_TYPE_MAX + 1 == TPROC_BOARD_TYPE_SIZE, "one size");
_Static_assert(TPROC_ENTRY_KEPT == TPROC_BOARD_KEPT, "one number");

static void describe(const struct tproc_publication *found, struct tproc_entry *entry) {
  memcpy(entry->name, found->name, sizeof entry->name);
  memcpy(entry->type, found->type, sizeof entry->type);
  entry->address = (void *)(uintptr_t)found->address;
  entry->size = found->size;
  entry->version = found->version;
  entry->flags = found->flags;
  entry->id = found->id;
  entry->pid = found->pid;
  entry->state = found->ended ? TPROC_ENTRY_ENDED : TPROC_ENTRY_LIVE;
  entry->status = (int)found->status;
}

int tproc_publish(struct tproc_entry *entry) {
  const int failed = tproc_take_part();
  if (failed) return failed;
  struct tproc_publication what = {.address = (uint64_t)(uintptr_t)entry->address,
                                   .size = entry->size,
                                   .pid = getpid(),
                                   .version = entry->version,
                                   .flags = entry->flags & TPROC_BOARD_KEPT};
  memcpy(what.name, entry->name, sizeof what.name);
  memcpy(what.type, entry->type, sizeof what.type);
  const int refused = tproc_board_publish(&tproc_view, &what, tproc_cache->owner);
  if (!refused) describe(&what, entry);
  return refused;
}

/* What no process can publish would be awaited for ever. */
static bool can_be_published(const char *name, const char *type) {
  const size_t length = strnlen(name, TPROC_NAME_MAX + 1);
  return length > 0 && length <= TPROC_NAME_MAX &&
         (type == NULL || strnlen(type, TPROC_TYPE_MAX + 1) <= TPROC_TYPE_MAX);
}

static int find(const char *name, const char *type, struct tproc_entry *entry) {
  struct tproc_publication found;
  if (!can_be_published(name, type)) return EINVAL;
  if (!tproc_board_find(&tproc_view, name, &found)) return ENOENT;
  describe(&found, entry);
  if (found.ended) return EOWNERDEAD;
  return type == NULL || strcmp(found.type, type) == 0 ? 0 : EPROTOTYPE;
}

int tproc_lookup(const char *name, const char *type, struct tproc_entry *entry) {
  const int failed = tproc_open();
  return failed ? failed : find(name, type, entry);
}

/* Until the next change of the registry after the call of tproc_event_announce that returned the key. */
static int sleep_until_changed(uint32_t key, const struct timespec *deadline) {
  const struct tproc_waiter waiter = {&tproc_view, tproc_cache->token};
  return tproc_event_sleep(&tproc_view.share->board_event, key, &waiter, deadline);
}

static uint32_t announce(void) { return tproc_event_announce(&tproc_view.share->board_event); }

int tproc_await(const char *name, const char *type, const struct timespec *deadline, struct tproc_entry *entry) {
  int result = tproc_take_part();
  if (!result) result = find(name, type, entry);
  while (result == ENOENT || result == EOWNERDEAD) {
    const uint32_t key = announce();
    result = find(name, type, entry);
    if (result != ENOENT && result != EOWNERDEAD) break;
    if (sleep_until_changed(key, deadline) == ETIMEDOUT) result = ETIMEDOUT;
  }
  return result;
}

static bool is_live(struct tproc_entry *entry) {
  struct tproc_publication found;
  if (!tproc_board_read(&tproc_view, entry->id, &found)) return false;
  describe(&found, entry);
  return !found.ended;
}

int tproc_watch(struct tproc_entry *entry, const struct timespec *deadline) {
  int result = tproc_take_part();
  while (!result && is_live(entry)) {
    const uint32_t key = announce();
    if (is_live(entry)) result = sleep_until_changed(key, deadline);
  }
  return result;
}

int tproc_withdraw(const struct tproc_entry *entry) {
  const int failed = tproc_open();
  return failed ? failed : tproc_board_withdraw(&tproc_view, entry->id, getpid());
}

int tproc_list(uint32_t *place, struct tproc_entry *entry) {
  struct tproc_publication found;
  const int failed = tproc_open();
  if (failed) return failed;
  if (!tproc_board_next(&tproc_view, place, &found)) return ENOENT;
  describe(&found, entry);
  return 0;
}
