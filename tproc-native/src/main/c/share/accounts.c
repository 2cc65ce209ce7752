#include "share/accounts.h"

#include <errno.h>

/* Closed before it was looked for: who joins meanwhile finds that it is closed, and leaves. */
static bool is_anybodys(const struct tproc_view *view, uint32_t number) {
  const uint32_t high = tproc_owners_in_use(view);
  for (uint32_t i = TPROC_OWNER_CHANNELS + 1; i < high; i++)
    if (atomic_load(&view->owners[i].account) == number) return true;
  return false;
}

int accounts_open(const struct tproc_view *view, uint64_t limit, struct tproc_account_of_launch *opened) {
  for (uint32_t number = 1; number < view->account_count; number++) {
    struct tproc_account *account = &view->accounts[number];
    uint32_t generation = atomic_load(&account->generation);
    if (generation % 2 != 0 || is_anybodys(view, number) ||
        !atomic_compare_exchange_strong(&account->generation, &generation, generation + 1))
      continue;
    account->limit = limit;
    atomic_store(&account->used, 0);
    atomic_store(&account->counted, atomic_load(&view->share->deaths));
    *opened = (struct tproc_account_of_launch){number, generation + 1};
    return 0;
  }
  return -EAGAIN;
}

void accounts_close(const struct tproc_view *view, struct tproc_account_of_launch account) {
  if (account.number != 0) atomic_store(&view->accounts[account.number].generation, account.generation + 1);
}
