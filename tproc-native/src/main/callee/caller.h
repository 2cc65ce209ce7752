/* Who has called abort(). */
#ifndef TPROC_CALLEE_CALLER_H
#define TPROC_CALLEE_CALLER_H

#include <stdint.h>

/**
 * For the handler of a signal that the C library has raised: the call in the first frame that is no longer the C
 * library's or the C++ runtime's. A stack that cannot be unwound ends the search, not the program.
 *
 * @param interrupted the instruction that the signal met
 * @return its address; 0 when the signal met other code, or the frame is not found
 */
uint64_t caller_of_runtime(uint64_t interrupted);

#endif
