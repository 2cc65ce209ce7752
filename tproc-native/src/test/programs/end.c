/* end exit CODE | end signal NUMBER | end fault: the ways a program ends. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "exit") == 0) exit(atoi(argv[2]));
  if (argc == 3 && strcmp(argv[1], "signal") == 0) {
    raise(atoi(argv[2]));
    return 98;
  }
  if (argc == 2 && strcmp(argv[1], "fault") == 0) *(volatile int *)16 = 1;
  return 99;
}
