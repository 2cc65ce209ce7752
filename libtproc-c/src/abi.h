/*
 * What the host wrote into this process's auxiliary vector, checked.
 */
#ifndef TPROC_SRC_ABI_H
#define TPROC_SRC_ABI_H

#include "tproc_abi.h"

#pragma GCC visibility push(hidden)

/**
 * The host's ABI block; NULL when there is none, or when it is none that this library understands. A host of a newer
 * version is understood: fields are only ever added at the end.
 */
const struct tproc_abi *tproc_host_abi(void);

#pragma GCC visibility pop

#endif
