/* The registry, and waiting at words of the shared range, for the host's own code. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "host/host.h"
#include "shared/board.h"
#include "shared/event.h"

_Static_assert(TPROC_REGISTERED_NAME_SIZE == TPROC_BOARD_NAME_SIZE, "one size");
_Static_assert(TPROC_REGISTERED_TYPE_SIZE == TPROC_BOARD_TYPE_SIZE, "one size");

static void describe(const struct tproc_publication *found, struct tproc_registered *registered) {
  *registered = (struct tproc_registered){.id = found->id,
                                          .address = found->address,
                                          .size = found->size,
                                          .version = found->version,
                                          .pid = found->pid,
                                          .kept = (found->flags & TPROC_BOARD_KEPT) != 0,
                                          .ended = found->ended,
                                          .status = (int)found->status};
  memcpy(registered->name, found->name, sizeof registered->name);
  memcpy(registered->type, found->type, sizeof registered->type);
}

int tproc_host_publish(struct tproc_host *host, struct tproc_registered *what, struct tproc_error *error) {
  int failed = host_check_range(host, error);
  if (failed) return failed;
  struct tproc_publication publication = {
      .address = what->address, .size = what->size, .pid = getpid(), .version = what->version};
  memcpy(publication.name, what->name, sizeof publication.name);
  memcpy(publication.type, what->type, sizeof publication.type);
  failed = tproc_board_publish(&host->range.view, &publication, TPROC_OWNER_HOST);
  if (failed == EEXIST) return tproc_fail_because(error, EEXIST, "publish %s: the name is taken", what->name);
  if (failed == EINVAL)
    return tproc_fail_because(error, EINVAL, "publish: a name has 1 to %d bytes, a type up to %d",
                              TPROC_REGISTERED_NAME_SIZE - 1, TPROC_REGISTERED_TYPE_SIZE - 1);
  if (failed) return tproc_fail(error, failed, "publish %s", what->name);
  describe(&publication, what);
  return 0;
}

int tproc_host_lookup(struct tproc_host *host, const char *name, struct tproc_registered *found,
                      struct tproc_error *error) {
  struct tproc_publication publication;
  const int failed = host_check_range(host, error);
  if (failed) return failed;
  if (!tproc_board_find(&host->range.view, name, &publication))
    return tproc_fail_because(error, ENOENT, "look up %s: it is not published", name);
  describe(&publication, found);
  return 0;
}

static int no_more(struct tproc_error *error) {
  return tproc_fail_because(error, ESTALE, "this publication is no more");
}

int tproc_host_registered(struct tproc_host *host, uint64_t id, struct tproc_registered *found,
                          struct tproc_error *error) {
  struct tproc_publication publication;
  const int failed = host_check_range(host, error);
  if (failed) return failed;
  if (!tproc_board_read(&host->range.view, id, &publication)) return no_more(error);
  describe(&publication, found);
  return 0;
}

int tproc_host_withdraw(struct tproc_host *host, uint64_t id, struct tproc_error *error) {
  const int failed = host_check_range(host, error);
  if (failed) return failed;
  return tproc_board_withdraw(&host->range.view, id, 0) != 0 ? no_more(error) : 0;
}

size_t tproc_host_registry(struct tproc_host *host, struct tproc_registered *entries, size_t capacity) {
  struct tproc_publication each;
  size_t count = 0;
  if (host->range.view.share == NULL) return 0;
  for (uint32_t place = 0; tproc_board_next(&host->range.view, &place, &each); count++)
    if (count < capacity) describe(&each, &entries[count]);
  return count;
}

int tproc_host_registry_event(struct tproc_host *host, uint32_t **event, struct tproc_error *error) {
  const int failed = host_check_range(host, error);
  if (failed) return failed;
  *event = (uint32_t *)&host->range.view.share->board_event;
  return 0;
}

uint32_t tproc_host_event_prepare(uint32_t *event) { return tproc_event_announce((_Atomic uint32_t *)event); }

void tproc_host_event_signal(uint32_t *event) { tproc_event_wake((_Atomic uint32_t *)event); }

uint64_t tproc_host_wait_begin(struct tproc_host *host) { return host_waits_begin(&host->waits); }

void tproc_host_wait(struct tproc_host *host, uint64_t begun, struct tproc_wait *waits, size_t count) {
  host_waits_sleep(&host->waits, begun, waits, count);
}

void tproc_host_wait_ring(struct tproc_host *host) { host_waits_ring(&host->waits); }
