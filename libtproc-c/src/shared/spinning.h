/*
 * How often a thread looks before it sleeps: more often where that has paid, less where it has not. On a machine whose
 * CPUs have other work the looks take the time that the other side needs; so a wait in vain halves them, down to a few,
 * and now and then they are all tried, to see whether times have changed.
 */
#ifndef TPROC_SRC_SHARED_SPINNING_H
#define TPROC_SRC_SHARED_SPINNING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define TPROC_SPINS_FEW 16u

/** Every so many waits all looks are tried. */
#define TPROC_SPINS_TRIAL 64u

/**
 * What is remembered of one end: a hint, which threads may write at a time. Bits 0-23: looks and 1; 0: none was
 * waited for yet. 24-31: waits since all were tried.
 */
typedef _Atomic uint32_t tproc_spins;

/** How often to look now. @param most if it pays, below 1 << 24 */
static inline uint32_t tproc_spins_begin(tproc_spins *hint, uint32_t most) {
  const uint32_t now = atomic_load_explicit(hint, memory_order_relaxed), looks = now & 0xffffffu;
  if (looks == 0 || looks - 1 >= most || now >> 24 >= TPROC_SPINS_TRIAL) return most;
  return looks - 1;
}

/** @param looked what tproc_spins_begin said @param paid whether the thread did not have to sleep */
static inline void tproc_spins_end(tproc_spins *hint, uint32_t most, uint32_t looked, bool paid) {
  const uint32_t now = atomic_load_explicit(hint, memory_order_relaxed);
  const bool trial = now >> 24 >= TPROC_SPINS_TRIAL;
  const uint32_t before = trial && !paid && (now & 0xffffffu) != 0 ? (now & 0xffffffu) - 1 : looked;
  uint32_t looks = paid ? 2 * before : before / 2;
  if (looks < TPROC_SPINS_FEW) looks = TPROC_SPINS_FEW;
  if (looks > most) looks = most; /* which may be 0 */
  const uint32_t waits = trial ? 0 : (now >> 24) + 1;
  atomic_store_explicit(hint, waits << 24 | (looks + 1), memory_order_relaxed);
}

#endif
