#include "host/launch_copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* What bears on the program itself. All else is given at the start. */
#define FLAGS (TPROC_LAUNCH_LIMITS | TPROC_LAUNCH_SHELL | TPROC_LAUNCH_STAY | TPROC_LAUNCH_NEVER_FORKS)

static size_t size_of(const char *text) { return text != NULL ? strlen(text) + 1 : 0; }

static const char *keep(char **room, const char *text) {
  if (text == NULL) return NULL;
  char *kept = memcpy(*room, text, strlen(text) + 1);
  *room += strlen(text) + 1;
  return kept;
}

static size_t count_strings(const char *const *strings, size_t *bytes) {
  size_t count = 0;
  for (; strings[count] != NULL; count++) *bytes += size_of(strings[count]);
  return count;
}

int launch_copy_make(struct launch_copy *copy, const struct tproc_launch *launch, bool arguments,
                     struct tproc_error *error) {
  const char *const program_alone[] = {launch->program, NULL};
  const char *const *argv = arguments ? launch->argv : program_alone;
  size_t bytes = size_of(launch->program) + size_of(launch->search_path) + size_of(launch->directory);
  const size_t count = count_strings(launch->envp, &bytes), argc = count_strings(argv, &bytes);
  memset(copy, 0, sizeof *copy);
  copy->strings = malloc(bytes);
  copy->environment = calloc(count + 1, sizeof *copy->environment);
  copy->argv = calloc(argc + 1, sizeof *copy->argv);
  if (copy->strings == NULL || copy->environment == NULL || copy->argv == NULL) {
    launch_copy_release(copy);
    return tproc_fail(error, ENOMEM, "remember what to prepare");
  }
  char *room = copy->strings;
  copy->launch = (struct tproc_launch){.program = keep(&room, launch->program),
                                       .search_path = keep(&room, launch->search_path),
                                       .directory = keep(&room, launch->directory),
                                       .envp = copy->environment,
                                       .argv = copy->argv,
                                       .stdio = {TPROC_FD_CLOSED, TPROC_FD_CLOSED, TPROC_FD_CLOSED},
                                       .umask = TPROC_UMASK_INHERIT,
                                       .flags = launch->flags & FLAGS};
  for (size_t i = 0; argv[i] != NULL; i++) copy->argv[i] = keep(&room, argv[i]);
  for (size_t i = 0; i < count; i++) copy->environment[i] = keep(&room, launch->envp[i]);
  if ((copy->launch.flags & TPROC_LAUNCH_LIMITS) != 0) {
    memcpy(copy->limits, launch->limits, sizeof copy->limits);
    copy->launch.limits = copy->limits;
  }
  return 0;
}

static bool same_text(const char *one, const char *other) {
  return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static bool same_texts(const char *const *one, const char *const *other) {
  size_t i = 0;
  while (one[i] != NULL && same_text(one[i], other[i])) i++;
  return one[i] == NULL && other[i] == NULL;
}

bool launch_copy_equals(const struct launch_copy *one, const struct launch_copy *other) {
  return same_texts(one->environment, other->environment) && same_texts(one->argv, other->argv) &&
         one->launch.flags == other->launch.flags && same_text(one->launch.program, other->launch.program) &&
         same_text(one->launch.search_path, other->launch.search_path) &&
         same_text(one->launch.directory, other->launch.directory) &&
         memcmp(one->limits, other->limits, sizeof one->limits) == 0;
}

void launch_copy_release(struct launch_copy *copy) {
  free(copy->strings);
  free(copy->environment);
  free(copy->argv);
  memset(copy, 0, sizeof *copy);
}
