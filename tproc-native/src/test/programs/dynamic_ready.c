/* The same with an interpreter. */
#include "ready.c"
