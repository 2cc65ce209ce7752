#include "tproc.h"

int tproc_version(void) { return TPROC_VERSION; }
