#include "size_class.h"

/* Four in the doubling that begins after `bytes`. */
#define FOUR(of, bytes) of((bytes) / 4 * 5), of((bytes) / 4 * 6), of((bytes) / 4 * 7), of((bytes)*2)

#define ALL(of)                                                                                                     \
  of(16), of(32), of(48), of(64), of(80), of(96), of(112), of(128), FOUR(of, 128u), FOUR(of, 256u), FOUR(of, 512u), \
      FOUR(of, 1024u), FOUR(of, 2048u), FOUR(of, 4096u), FOUR(of, 8192u), FOUR(of, 16384u)

#define SIZE_AND_BLOCKS(bytes) \
  { (bytes), TPROC_SLICE_SIZE / (bytes) }
#define INVERSE(bytes) ((uint32_t)((0x100000000ull + (bytes)-1) / (bytes)))

const struct tproc_size_class tproc_size_classes[TPROC_CLASS_COUNT] = {{0, 0}, ALL(SIZE_AND_BLOCKS)};

const uint32_t tproc_class_inverses[256] = {0, ALL(INVERSE)};

const uint8_t tproc_small_classes[65] = {1,  1,  2,  3,  4,  5,  6,  7,  8,  9,  9,  10, 10, 11, 11, 12, 12,
                                         13, 13, 13, 13, 14, 14, 14, 14, 15, 15, 15, 15, 16, 16, 16, 16, 17,
                                         17, 17, 17, 17, 17, 17, 17, 18, 18, 18, 18, 18, 18, 18, 18, 19, 19,
                                         19, 19, 19, 19, 19, 19, 20, 20, 20, 20, 20, 20, 20, 20};
