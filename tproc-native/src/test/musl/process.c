/*
 * A process of musl, as a JVM of Alpine's is: it loads the core as that would, and has it host programs.
 *
 *   process LIBRARY PROGRAM... [-- PRODUCT]     PRODUCT: a library that is loaded, too, with all its symbols
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static void *load(const char *file) {
  void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fprintf(stderr, "%s\n", dlerror());
  return library;
}

int main(int argc, char *argv[]) {
  int end = 2;
  while (end < argc && strcmp(argv[end], "--") != 0) end++;
  for (int i = end + 1; i < argc; i++) {
    if (load(argv[i]) == NULL) return 2;
    printf("%s: loaded\n", argv[i]);
  }
  argv[end] = NULL;
  void *library = argc > 2 ? load(argv[1]) : NULL;
  if (library == NULL) return 2;
  int (*host)(char **) = (int (*)(char **))dlsym(library, "tproc_musl_host");
  return host == NULL || host(argv + 2) != 0;
}
