/* The same, of another variable. */
#define NAME "OTHER"
#include "preload_witness.c"
