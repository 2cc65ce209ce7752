#include "thread_record.h"

static bool take(const struct tproc_view *view, uint32_t number, uint64_t who) {
  struct tproc_thread_record *record = &view->threads[number];
  uint64_t none = 0;
  if (atomic_load_explicit(&record->who, memory_order_relaxed) != 0) return false;
  tproc_raise(&view->share->threads_high, number + 1);
  return atomic_compare_exchange_strong(&record->who, &none, who);
}

uint32_t tproc_record_take(const struct tproc_view *view, pid_t pid, pid_t thread) {
  const uint32_t places = view->thread_count - 1; /* number 0 names no thread */
  const uint32_t from = atomic_load_explicit(&view->share->next_thread, memory_order_relaxed);
  const uint64_t who = (uint64_t)(uint32_t)pid << 32 | (uint32_t)thread;
  for (uint32_t i = 0; i < places; i++) {
    const uint32_t number = 1 + (from + i) % places;
    if (!take(view, number, who)) continue;
    /* Late reuse: it takes long until the generation of a record comes round. */
    atomic_store_explicit(&view->share->next_thread, (from + i + 1) % places, memory_order_relaxed);
    return tproc_record_token(view, number);
  }
  return 0;
}

void tproc_record_give_back(const struct tproc_view *view, uint32_t number) {
  struct tproc_thread_record *record = &view->threads[number];
  atomic_store(&record->waiting_on, 0);
  for (size_t i = 0; i < sizeof record->holds / sizeof *record->holds; i++) atomic_store(&record->holds[i], 0);
  atomic_fetch_add(&record->generation, 1);
  atomic_store(&record->who, 0);
}
