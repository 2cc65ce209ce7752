/* The same for fixed addresses. */
#include "calls.c"
