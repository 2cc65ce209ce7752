/* A library that does not come back from being loaded, while a file is there. */
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void hang(void) {
  const char *file = getenv("HANG_WHILE_THERE_IS");
  while (file != NULL && access(file, F_OK) == 0) pause();
}

int well(void) { return 1; }
