/* What the addresses of a crash mean: whose memory, and where in which file. */
#ifndef TPROC_CRASH_PLACE_H
#define TPROC_CRASH_PLACE_H

#include "host/threadproc.h"

/** Fills in the part of a crash that is looked up: as it is now, so before the threadproc's memory is given back. */
void crash_place(struct tproc_threadproc *threadproc, struct tproc_crash *crash);

#endif
