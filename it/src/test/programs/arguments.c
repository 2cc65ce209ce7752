/* Writes argv[0] and every argument, each with its terminating NUL. */
#include <stdio.h>
#include <string.h>

int main(int argc, char *argv[]) {
  if (argv[argc] != NULL) {
    return 1;
  }
  for (int i = 0; i < argc; i++) {
    fwrite(argv[i], 1, strlen(argv[i]) + 1, stdout);
  }
  return ferror(stdout) ? 1 : 0;
}
