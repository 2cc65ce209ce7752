/* A program that has lost track of its memory. */
#ifndef TPROC_SRC_REFUSE_H
#define TPROC_SRC_REFUSE_H

#pragma GCC visibility push(hidden)

/** As free(3) does with a wrong pointer: says to standard error what is wrong, in a line of its own, and aborts. */
_Noreturn void tproc_refuse(const char *function, const void *address, const char *why);

#pragma GCC visibility pop

#endif
