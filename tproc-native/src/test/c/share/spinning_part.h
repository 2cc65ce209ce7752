/* What C++ cannot read of spinning.h. */
#ifndef TPROC_TEST_SPINNING_PART_H
#define TPROC_TEST_SPINNING_PART_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A wait with its outcome. @return how many looks it had */
uint32_t spin_once(uint32_t *hint, uint32_t most, int paid);

#ifdef __cplusplus
}
#endif

#endif
