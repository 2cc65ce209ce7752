#include "account.h"

#include "slice.h"

#define UNIT 16
#define CHANGE_BITS 16
#define CHANGE_MASK ((1ull << CHANGE_BITS) - 1)

/* How often a new count is tried when others change it meanwhile. */
#define COUNTS_MAX 3

static int64_t units_of(uint64_t used) { return (int64_t)used >> CHANGE_BITS; }

static uint64_t used_after(uint64_t now, int64_t units) {
  return (uint64_t)units << CHANGE_BITS | ((now + 1) & CHANGE_MASK);
}

uint64_t tproc_account_limit(const struct tproc_view *view, uint32_t owner) {
  const uint32_t account = tproc_account_of(view, owner);
  return account != 0 && account < view->account_count ? view->accounts[account].limit : 0;
}

int64_t tproc_account_used(const struct tproc_view *view, uint32_t account) {
  return units_of(atomic_load(&view->accounts[account].used)) * UNIT;
}

static void add(const struct tproc_view *view, uint32_t account, int64_t units) {
  if (account == 0 || account >= view->account_count) return;
  _Atomic uint64_t *used = &view->accounts[account].used;
  uint64_t now = atomic_load_explicit(used, memory_order_relaxed);
  while (!atomic_compare_exchange_weak(used, &now, used_after(now, units_of(now) + units))) {
  }
}

void tproc_account_receive(const struct tproc_view *view, uint32_t owner, size_t bytes) {
  add(view, tproc_account_of(view, owner), (int64_t)(bytes / UNIT));
}

void tproc_account_lose(const struct tproc_view *view, uint32_t owner, size_t bytes) {
  add(view, tproc_account_of(view, owner), -(int64_t)(bytes / UNIT));
}

void tproc_account_refund(const struct tproc_view *view, uint32_t account, size_t bytes) {
  add(view, account, -(int64_t)(bytes / UNIT));
}

static uint64_t count_small(const struct tproc_view *view, uint32_t slice, uint32_t size_class, uint32_t account) {
  const _Atomic uint16_t *tags = tproc_slice_tags(view, slice);
  uint64_t blocks = 0;
  for (uint32_t i = 0; i < tproc_size_classes[size_class].blocks; i++) {
    const uint16_t owner = atomic_load_explicit(&tags[i], memory_order_relaxed);
    blocks += owner != 0 && tproc_account_of(view, owner) == account;
  }
  return blocks * tproc_size_classes[size_class].size;
}

uint64_t tproc_account_count(const struct tproc_view *view, uint32_t account) {
  const uint32_t high = tproc_slices_in_use(view);
  uint64_t bytes = 0;
  for (uint32_t slice = 1; slice < high; slice++) {
    const uint32_t word = atomic_load_explicit(&view->slices[slice].owner, memory_order_acquire);
    const uint32_t size_class = atomic_load_explicit(&view->slices[slice].size_class, memory_order_acquire);
    if (tproc_is_large(word)) {
      if (tproc_account_of(view, word & ~TPROC_SLICE_LARGE) == account)
        bytes += (uint64_t)tproc_slice_run(view, slice) * TPROC_SLICE_SIZE;
    } else if (size_class != 0 && size_class < TPROC_CLASS_COUNT) {
      bytes += count_small(view, slice, size_class, account);
    }
  }
  return bytes;
}

/*
 * Only after a death can the count be wrong for long, so only then, and once, it is counted anew. It is taken when
 * nothing was counted meanwhile. A block that another thread is just allocating may be missed: then the limit is
 * exceeded by as much, at most until the next time.
 *
 * @return whether the count may have changed
 */
static bool count_anew(const struct tproc_view *view, uint32_t number) {
  struct tproc_account *account = &view->accounts[number];
  const uint32_t deaths = atomic_load(&view->share->deaths);
  uint32_t counted = atomic_load(&account->counted);
  if (counted == deaths || !atomic_compare_exchange_strong(&account->counted, &counted, deaths)) return false;
  for (int i = 0; i < COUNTS_MAX; i++) {
    uint64_t before = atomic_load(&account->used);
    const int64_t units = (int64_t)(tproc_account_count(view, number) / UNIT);
    if (atomic_compare_exchange_strong(&account->used, &before, used_after(before, units))) return true;
  }
  atomic_store(&account->counted, counted); /* the next one shall try it */
  return false;
}

bool tproc_account_charge(const struct tproc_view *view, uint32_t number, size_t bytes) {
  struct tproc_account *account = &view->accounts[number];
  const int64_t wanted = (int64_t)(bytes / UNIT), limit = (int64_t)(account->limit / UNIT);
  uint64_t now = atomic_load_explicit(&account->used, memory_order_relaxed);
  for (;;) {
    if (wanted > limit - units_of(now)) {
      if (!count_anew(view, number)) return false;
      now = atomic_load_explicit(&account->used, memory_order_relaxed);
    } else if (atomic_compare_exchange_weak(&account->used, &now, used_after(now, units_of(now) + wanted))) {
      return true;
    }
  }
}

/* The order is the opener's turned round: it looks for owners that are in an account after that has been closed. */
void tproc_account_join(const struct tproc_view *view, uint32_t owner, struct tproc_account_of_launch account) {
  if (account.number == 0 || account.number >= view->account_count || !TPROC_OWNER_MAY_COUNT(owner)) return;
  atomic_store(&view->owners[owner].account, account.number);
  if (atomic_load(&view->accounts[account.number].generation) != account.generation)
    atomic_store(&view->owners[owner].account, 0);
}
