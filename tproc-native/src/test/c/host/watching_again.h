/* C, since the host's own header knows no C++. */
#ifndef TPROC_TEST_WATCHING_AGAIN_H
#define TPROC_TEST_WATCHING_AGAIN_H

#include "tproc_core.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Starts the threads that watch over forked children once more, and stops them a moment later. @return 0 or -errno */
int watch_again(struct tproc_host *host, unsigned spins);

#ifdef __cplusplus
}
#endif

#endif
