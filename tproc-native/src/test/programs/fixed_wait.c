/* The same for fixed addresses. */
#include "wait.c"
