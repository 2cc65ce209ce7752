/* Writes every string of the environment, each with its terminating NUL. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void) {
  for (char **entry = environ; *entry != NULL; entry++) {
    fwrite(*entry, 1, strlen(*entry) + 1, stdout);
  }
  return ferror(stdout) ? 1 : 0;
}
