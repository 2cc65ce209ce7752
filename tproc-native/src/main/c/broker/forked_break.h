/* brk(2) for a forked child. */
#ifndef TPROC_FORKED_BREAK_H
#define TPROC_FORKED_BREAK_H

#include "broker/broker_call.h"

/**
 * What brk returns to a child whose memory is a copy of the threadproc's. Nobody can map into that copy, and the
 * kernel's own break is the host's: so the heap never grows beyond what was mapped at the fork, but it shrinks, as
 * malloc expects when it gives memory back.
 */
int64_t forked_break(struct broker_context *context, const struct fence_listener *listener,
                     const struct broker_call *call);

#endif
