#include "size_class.h"

#define CLASS(bytes) \
  { (bytes), (uint32_t)((0x100000000ull + (bytes)-1) / (bytes)), TPROC_SLICE_SIZE / (bytes) }

/* Four in the doubling that begins after `bytes`. */
#define FOUR(bytes) CLASS((bytes) / 4 * 5), CLASS((bytes) / 4 * 6), CLASS((bytes) / 4 * 7), CLASS((bytes)*2)

const struct tproc_size_class tproc_size_classes[TPROC_CLASS_COUNT] = {
    {0, 0, 0},  CLASS(16),  CLASS(32),  CLASS(48),   CLASS(64),   CLASS(80),   CLASS(96),   CLASS(112),  CLASS(128),
    FOUR(128u), FOUR(256u), FOUR(512u), FOUR(1024u), FOUR(2048u), FOUR(4096u), FOUR(8192u), FOUR(16384u)};

const uint8_t tproc_small_classes[64] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  9,  10, 10, 11, 11, 12, 12,
                                         13, 13, 13, 13, 14, 14, 14, 14, 15, 15, 15, 15, 16, 16, 16, 16,
                                         17, 17, 17, 17, 17, 17, 17, 17, 18, 18, 18, 18, 18, 18, 18, 18,
                                         19, 19, 19, 19, 19, 19, 19, 19, 20, 20, 20, 20, 20, 20, 20, 20};
