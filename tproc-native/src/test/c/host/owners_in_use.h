/* What C++ cannot read of a host's shared range. */
#ifndef TPROC_TEST_OWNERS_IN_USE_H
#define TPROC_TEST_OWNERS_IN_USE_H

#include "tproc_core.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How many processes, but for the host, may own something: those that live, and the dead that are not forgotten. */
unsigned owners_in_use(const struct tproc_host *host);

#ifdef __cplusplus
}
#endif

#endif
