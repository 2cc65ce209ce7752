#include "host/launch_info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"

static uint64_t now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* How much of the command is kept, with a NUL at its end. */
static size_t size_of(const char *const *argv, size_t *count, bool *cut) {
  size_t size = 0;
  for (*count = 0; argv[*count] != NULL; ++*count)
    if (size < TPROC_COMMAND_SIZE)
      size += strnlen(argv[*count], TPROC_COMMAND_SIZE) + 1;
    else
      *cut = true;
  if (size > TPROC_COMMAND_SIZE) *cut = true;
  return size > TPROC_COMMAND_SIZE ? TPROC_COMMAND_SIZE : size;
}

int origin_open(struct origin *origin, const struct asker *asker, const char *const *argv, struct tproc_error *error) {
  memset(origin, 0, sizeof *origin);
  origin->asker = *asker;
  origin->command_size = size_of(argv, &origin->argument_count, &origin->command_cut);
  if (origin->command_size == 0) return 0; /* no arguments: the launch is about to be refused */
  origin->command = malloc(origin->command_size);
  if (origin->command == NULL) return tproc_fail(error, ENOMEM, "copy the command");
  char *to = origin->command, *const end = to + origin->command_size;
  for (size_t i = 0; argv[i] != NULL && to < end; i++) {
    const size_t length = strnlen(argv[i], (size_t)(end - to) - 1);
    memcpy(to, argv[i], length);
    to[length] = '\0';
    to += length + 1;
  }
  return 0;
}

void origin_start(struct origin *origin) {
  origin->started_at = now(CLOCK_REALTIME);
  origin->started = now(CLOCK_MONOTONIC);
}

void origin_end(struct origin *origin) { origin->ended = now(CLOCK_MONOTONIC); }

uint64_t origin_uptime(const struct origin *origin) {
  return (origin->ended != 0 ? origin->ended : now(CLOCK_MONOTONIC)) - origin->started;
}

void origin_release(struct origin *origin) {
  free(origin->command);
  origin->command = NULL;
}
