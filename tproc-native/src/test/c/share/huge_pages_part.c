#include "share/huge_pages_part.h"

#include <stdlib.h>

#include "share/huge_pages.h"

struct huge_trial {
  struct slot_space slots;
  struct shared_range range;
  struct huge_pages pages;
};

struct huge_trial *huge_trial_open(uint64_t heap_size) {
  struct huge_trial *trial = calloc(1, sizeof *trial);
  struct tproc_error error;
  slot_space_init(&trial->slots);
  if (shared_range_open(&trial->range, &trial->slots, heap_size, &error) != 0) {
    slot_space_destroy(&trial->slots);
    free(trial);
    return NULL;
  }
  huge_pages_open(&trial->pages, &trial->range);
  return trial;
}

void huge_trial_close(struct huge_trial *trial) {
  huge_pages_close(&trial->pages);
  shared_range_close(&trial->range);
  slot_space_destroy(&trial->slots);
  free(trial);
}

uint64_t huge_trial_size(const struct huge_trial *trial) { return trial->pages.size; }

unsigned char *huge_trial_use(struct huge_trial *trial, uint64_t bytes) {
  tproc_raise(&trial->range.view.share->slices_high, (uint32_t)(bytes / TPROC_SLICE_SIZE));
  return trial->range.view.data;
}

bool huge_trial_look(struct huge_trial *trial) {
  while (huge_pages_look(&trial->pages)) {
  }
  return !trial->pages.refused;
}
