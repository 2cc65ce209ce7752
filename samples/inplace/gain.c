/*
 * Multiplies samples that belong to another process, in place. Where they are stands in the scratch page: the address
 * of the first float in its first eight bytes, the number of floats in the next eight.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <tproc.h>

int main(int argc, char *argv[]) {
  if (argc != 2) {
    fprintf(stderr, "usage: gain FACTOR\n");
    return 2;
  }
  if (!tproc_is_threadproc()) {
    fprintf(stderr, "gain: not hosted, so there is no scratch page to look at\n");
    return 1;
  }
  const uint64_t *scratch = tproc_scratch();
  float *samples = (float *)(uintptr_t)scratch[0];
  uint64_t count = scratch[1];
  float factor = strtof(argv[1], NULL);
  for (uint64_t i = 0; i < count; i++) {
    samples[i] *= factor;
  }
  return 0;
}
