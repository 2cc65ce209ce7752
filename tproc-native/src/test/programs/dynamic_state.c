/* The same with an interpreter. */
#include "state.c"
