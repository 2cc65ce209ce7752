/* What C++ cannot read of the shared range's headers. */
#ifndef TPROC_TEST_WILD_WRITES_PART_H
#define TPROC_TEST_WILD_WRITES_PART_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A process uses a shared range, somebody writes rubbish into the tables, and the process ends and is forgotten. Ends
 * the calling process when memory beyond the range is touched.
 *
 * @param seed of the rubbish
 * @param words how much of it
 * @return bytes of the range that are in use afterwards
 */
uint64_t bury_after_wild_writes(uint64_t seed, unsigned words);

#ifdef __cplusplus
}
#endif

#endif
