/* The same for fixed addresses. */
#include "say.c"
