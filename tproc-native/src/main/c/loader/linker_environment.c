#include "loader/linker_environment.h"

#include <stdlib.h>
#include <string.h>

static bool begins(const char *text, const char *beginning) { return strncmp(text, beginning, strlen(beginning)) == 0; }

/* MALLOC_… are glibc's older names of what GLIBC_TUNABLES has. */
static bool is_read(const char *variable) {
  return begins(variable, "LD_") || begins(variable, "GLIBC_TUNABLES=") || begins(variable, "MALLOC_");
}

char **linker_environment_copy(const char *const *environment) {
  size_t count = 0, bytes = 0;
  for (size_t i = 0; environment[i] != NULL; i++)
    if (is_read(environment[i])) {
      count++;
      bytes += strlen(environment[i]) + 1;
    }
  char **copy = malloc((count + 1) * sizeof *copy + bytes);
  if (copy == NULL) return NULL;
  char *to = (char *)(copy + count + 1);
  size_t at = 0;
  for (size_t i = 0; environment[i] != NULL; i++)
    if (is_read(environment[i])) {
      const size_t size = strlen(environment[i]) + 1;
      copy[at++] = memcpy(to, environment[i], size);
      to += size;
    }
  copy[at] = NULL;
  return copy;
}

bool linker_environment_is(char *const *copy, const char *const *environment) {
  size_t at = 0;
  for (size_t i = 0; environment[i] != NULL; i++) {
    if (!is_read(environment[i])) continue;
    if (copy[at] == NULL || strcmp(copy[at], environment[i]) != 0) return false;
    at++;
  }
  return copy[at] == NULL;
}

/* What is preloaded has to be named by absolute paths. */
static bool names_absolute_paths(const char *list) {
  for (;;) {
    list += strspn(list, " :");
    if (*list == '\0') return true;
    if (*list != '/') return false;
    list += strcspn(list, " :");
  }
}

bool linker_environment_is_harmless(char *const *copy) {
  for (size_t i = 0; copy[i] != NULL; i++) {
    const char *variable = copy[i];
    if (begins(variable, "LD_PRELOAD=")) {
      if (!names_absolute_paths(strchr(variable, '=') + 1)) return false;
    } else if (begins(variable, "LD_") && !begins(variable, "LD_BIND_NOW=")) {
      return false;
    }
  }
  return true;
}
