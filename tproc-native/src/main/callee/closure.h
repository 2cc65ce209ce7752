/* Function pointers that lead to Java. */
#ifndef TPROC_CALLEE_CLOSURE_H
#define TPROC_CALLEE_CLOSURE_H

#include "lane.h"

/** OPERATION_CLOSURE: the result is the function pointer, and `target` what OPERATION_CLOSURE_END takes. */
void closure_make(struct lane *lane);

/** OPERATION_CLOSURE_END: frees it once the calls of it that are under way have returned. */
void closure_end(struct lane *lane);

#endif
