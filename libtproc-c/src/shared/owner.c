#include "owner.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "account.h"

uint32_t tproc_owner_find(const struct tproc_view *view, pid_t pid) {
  const uint32_t high = tproc_owners_in_use(view);
  for (uint32_t i = TPROC_OWNER_HOST; i < high; i++)
    if (atomic_load_explicit(&view->owners[i].pid, memory_order_acquire) == pid) return i;
  return 0;
}

static uint64_t since_boot(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t tproc_pid_namespace(void) {
  const int saved = errno;
  struct stat status;
  const bool told = stat("/proc/self/ns/pid", &status) == 0;
  errno = saved;
  return told ? (uint64_t)status.st_ino : 0;
}

static bool take(const struct tproc_view *view, uint32_t number, pid_t pid) {
  struct tproc_owner *owner = &view->owners[number];
  int32_t none = 0;
  if (atomic_load_explicit(&owner->pid, memory_order_relaxed) != 0) return false;
  tproc_raise(&view->share->owners_high, number + 1);
  if (!atomic_compare_exchange_strong(&owner->pid, &none, pid)) return false;
  owner->pid_namespace = tproc_pid_namespace();
  atomic_store_explicit(&owner->attached_at, since_boot(), memory_order_release);
  return true;
}

static uint32_t take_any(const struct tproc_view *view, pid_t pid, bool counted) {
  const uint32_t places = view->owner_count - TPROC_OWNER_CHANNELS - 1;
  const uint32_t from = atomic_load_explicit(&view->share->next_owner, memory_order_relaxed);
  for (uint32_t i = 0; i < places; i++) {
    const uint32_t number = TPROC_OWNER_CHANNELS + 1 + (from + i) % places;
    if (TPROC_OWNER_MAY_COUNT(number) != counted || !take(view, number, pid)) continue;
    atomic_store_explicit(&view->share->next_owner, (from + i + 1) % places, memory_order_relaxed);
    return number;
  }
  return 0;
}

/* Also one that is there already joins: another thread may have taken it, and not have come to that yet. */
uint32_t tproc_owner_take(const struct tproc_view *view, pid_t pid, struct tproc_account_of_launch account) {
  uint32_t owner = tproc_owner_find(view, pid);
  if (owner == 0) owner = take_any(view, pid, account.number != 0);
  if (owner != 0) tproc_account_join(view, owner, account);
  return owner;
}
