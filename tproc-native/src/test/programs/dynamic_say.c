/* The same with an interpreter. */
#include "say.c"
