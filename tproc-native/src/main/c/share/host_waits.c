#include "share/host_waits.h"

#include <limits.h>
#include <stdbool.h>

#include "shared/futex.h"

uint64_t host_waits_begin(struct host_waits *waits) {
  const uint64_t deaths = atomic_load(&waits->deaths);
  return deaths << 32 | atomic_load(&waits->bell);
}

/* @return whether any has moved */
static bool look(struct host_waits *waits, struct tproc_wait *words, size_t count) {
  const uint64_t deaths = atomic_load(&waits->deaths);
  bool any = false;
  for (size_t i = 0; i < count; i++) {
    const uint32_t now = atomic_load((_Atomic uint32_t *)words[i].word);
    words[i].moved = words[i].since >> 32 != deaths || now != words[i].value;
    any |= words[i].moved != 0;
  }
  return any;
}

void host_waits_sleep(struct host_waits *waits, uint64_t begun, struct tproc_wait *words, size_t count) {
  struct tproc_futex_word at[TPROC_WAITS_MAX + 1];
  if (count > TPROC_WAITS_MAX) count = TPROC_WAITS_MAX;
  at[0] = tproc_futex_word(&waits->bell, (uint32_t)begun);
  for (size_t i = 0; i < count; i++)
    at[i + 1] = tproc_futex_word((const _Atomic uint32_t *)words[i].word, words[i].value);
  if (look(waits, words, count)) return;
  if (count == 0)
    tproc_futex_wait(&waits->bell, (uint32_t)begun, NULL);
  else
    tproc_futex_wait_any(at, count + 1, NULL);
  look(waits, words, count);
}

void host_waits_ring(struct host_waits *waits) {
  atomic_fetch_add(&waits->bell, 1);
  tproc_futex_wake(&waits->bell, INT_MAX);
}

void host_waits_note_death(struct host_waits *waits) {
  atomic_fetch_add(&waits->deaths, 1);
  host_waits_ring(waits);
}
