/* Functions of the library, and calls of them. */
#ifndef TPROC_CALLEE_FUNCTION_H
#define TPROC_CALLEE_FUNCTION_H

#include "lane.h"

/** OPERATION_PREPARE: the result is what OPERATION_CALL takes as its subject. */
void function_prepare(struct lane *lane);

/** OPERATION_CALL. */
void function_call(struct lane *lane);

#endif
