/* Ends as badly as its argument asks for: to see that the host and the other programs go on. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Uses up the stack. The volatile buffer, touched after the call, keeps the compiler from making it a loop. */
static int overflow(int depth) {  // NOLINT(misc-no-recursion): that is the point
  volatile char frame[4096];
  frame[0] = (char)depth;
  if (depth < 0) {
    return frame[0];
  }
  return overflow(depth + 1) + frame[0];
}

static int usage(void) {
  fprintf(stderr, "usage: crash segv|abort|kill|overflow|exit CODE\n");
  return 2;
}

int main(int argc, char *argv[]) {
  if (argc < 2) {
    return usage();
  }
  const char *mode = argv[1];
  if (strcmp(mode, "segv") == 0) {
    *(volatile int *)(argc > 9 ? argv : NULL) = 1;
  } else if (strcmp(mode, "abort") == 0) {
    abort();
  } else if (strcmp(mode, "kill") == 0) {
    kill(getpid(), SIGKILL);
    pause();
  } else if (strcmp(mode, "overflow") == 0) {
    return overflow(0);
  } else if (strcmp(mode, "exit") == 0 && argc == 3) {
    return atoi(argv[2]);
  }
  return usage();
}
