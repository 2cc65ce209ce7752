/* Counts its input lines in a global variable and prints the count: no other program may touch that variable. */
#include <stdio.h>

static int counter;

int main(void) {
  char line[256];
  while (fgets(line, sizeof line, stdin) != NULL) {
    printf("%d\n", ++counter);
    fflush(stdout);
  }
  return 0;
}
