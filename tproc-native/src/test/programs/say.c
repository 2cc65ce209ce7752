/* say WORD…: prints its arguments, argv[0] included, one on each line. */
#include <stdio.h>

int main(int argc, char **argv) {
  for (int i = 0; i < argc; i++) puts(argv[i]);
  return 0;
}
