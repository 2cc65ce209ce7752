#include "program.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

typedef int main_function(int count, char **arguments);

/* What ps shows: the program, as its caller names it. */
static void set_name(const char *program) {
  const char *slash = strrchr(program, '/');
  prctl(PR_SET_NAME, slash ? slash + 1 : program);
}

static main_function *find(const char *library, const char *name) {
  /* Global: what the program loads (Python's modules) may name no library for its symbols. */
  void *handle = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
  main_function *found = NULL;
  void *symbol = handle ? dlsym(handle, name) : NULL;
  memcpy(&found, &symbol, sizeof found);
  return found;
}

int program_run(int count, char **arguments) {
  if (count < 3) {
    fputs("tproc-callee: a program in a library needs the library, a function, and a name\n", stderr);
    return 2;
  }
  main_function *function = find(arguments[0], arguments[1]);
  if (!function) {
    fprintf(stderr, "tproc-callee: cannot run %s of %s: %s\n", arguments[1], arguments[0], dlerror());
    return 2;
  }
  set_name(arguments[2]);
  return function(count - 2, arguments + 2);
}
