/* A library whose constructor says what it is given: "argc=2 WORD=x", on a line. */
#include <stdio.h>
#include <stdlib.h>

#ifndef NAME
#define NAME "WORD"
#endif

__attribute__((constructor)) static void say(int argc, char **argv, char **envp) {
  (void)argv;
  const char *word = getenv(NAME);
  dprintf(1, "argc=%d variables=%d %s=%s\n", argc, envp[0] != NULL, NAME, word != NULL ? word : "");
}
