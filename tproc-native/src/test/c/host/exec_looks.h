/* What the broker does several times a second, all the time. */
#ifndef TPROC_TEST_EXEC_LOOKS_H
#define TPROC_TEST_EXEC_LOOKS_H

#include <stdbool.h>

#include "tproc_core.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Looks whether a threadproc has executed another program, again and again until *done. 0 or a negative errno */
int look_for_exec(struct tproc_threadproc *threadproc, const bool *done);

#ifdef __cplusplus
}
#endif

#endif
