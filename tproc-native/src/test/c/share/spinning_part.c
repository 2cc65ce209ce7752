#include "share/spinning_part.h"

#include "shared/spinning.h"

uint32_t spin_once(uint32_t *hint, uint32_t most, int paid) {
  const uint32_t looks = tproc_spins_begin((tproc_spins *)hint, most);
  tproc_spins_end((tproc_spins *)hint, most, looks, paid != 0);
  return looks;
}
