/* This process's, and this thread's, part in the shared range. */
#ifndef TPROC_SRC_THREAD_H
#define TPROC_SRC_THREAD_H

#include "shared/cache.h"

#pragma GCC visibility push(hidden)

/** The range; its share is NULL before it is first asked for, and when there is none. */
extern struct tproc_view tproc_view;

/** The calling thread's; never NULL, and not attached before its first call of tproc_take_part. */
extern __thread struct tproc_cache *tproc_cache __attribute__((tls_model("initial-exec")));

/** Opens the range. @return 0; ENOTSUP when there is no host, when it has none, or one this library does not know */
int tproc_open(void);

/** Opens a range that is mapped. @return 0; EALREADY when one is open; EPROTO, EAGAIN */
int tproc_open_at(void *base, uint64_t size);

/** Makes sure that tproc_cache is attached. @return 0; ENOTSUP, EAGAIN, ENOMEM */
int tproc_take_part(void);

#pragma GCC visibility pop

#endif
