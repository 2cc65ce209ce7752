/* For a debugger: waits in a function for the end of its input; with the argument "loop" it calls step() for ever,
   with "burn" burn(). */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct node {
  int value;
  struct node *next;
};

__attribute__((noinline)) static int inner(struct node *node) {
  char byte;
  while (read(0, &byte, 1) > 0) continue;
  return node->value;
}

__attribute__((noinline)) static int outer(int depth) {
  struct node node = {1234, NULL};
  return inner(&node) + depth;
}

__attribute__((noinline)) static void step(int round) {
  const struct timespec moment = {0, 1000000 + round % 2};
  nanosleep(&moment, NULL);
}

__attribute__((noinline)) static void burn(volatile int *rounds) {
  while (*rounds % 1000000 != 0) ++*rounds;
}

int main(int argc, char *argv[]) {
  puts("ready");
  fflush(stdout);
  for (int rounds = 1; argc > 1 && strcmp(argv[1], "burn") == 0; rounds = 1) burn(&rounds);
  for (int round = 1; argc > 1; round++) step(round);
  return outer(42) == 1276 ? 0 : 1;
}
