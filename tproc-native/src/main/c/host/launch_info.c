#include "host/launch_info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

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

int launch_info_open(struct launch_info *info, const struct launch_client *client, const char *const *argv,
                     struct tproc_error *error) {
  memset(info, 0, sizeof *info);
  info->client = *client;
  info->command_size = size_of(argv, &info->argument_count, &info->command_cut);
  if (info->command_size == 0) return 0; /* no arguments: the launch is about to be refused */
  info->command = malloc(info->command_size);
  if (info->command == NULL) return tproc_fail(error, ENOMEM, "copy the command");
  char *to = info->command, *const end = to + info->command_size;
  for (size_t i = 0; argv[i] != NULL && to < end; i++) {
    const size_t length = strnlen(argv[i], (size_t)(end - to) - 1);
    memcpy(to, argv[i], length);
    to[length] = '\0';
    to += length + 1;
  }
  return 0;
}

int launch_info_execute(struct launch_info *info, const char *path, const char *const *argv, size_t count,
                        struct tproc_error *error) {
  size_t size = strlen(path) + 1;
  for (size_t i = 0; i < count; i++) size += strlen(argv[i]) + 1;
  char *to = malloc(size);
  if (to == NULL) return tproc_fail(error, ENOMEM, "copy what is executed");
  info->executed = to;
  info->executed_size = size;
  to = stpcpy(to, path) + 1;
  for (size_t i = 0; i < count; i++) to = stpcpy(to, argv[i]) + 1;
  return 0;
}

void launch_info_start(struct launch_info *info) {
  info->started_at = clock_nanoseconds(CLOCK_REALTIME);
  info->started = clock_nanoseconds(CLOCK_MONOTONIC);
}

void launch_info_end(struct launch_info *info) { info->ended = clock_nanoseconds(CLOCK_MONOTONIC); }

uint64_t launch_info_uptime(const struct launch_info *info) {
  return (info->ended != 0 ? info->ended : clock_nanoseconds(CLOCK_MONOTONIC)) - info->started;
}

void launch_info_release(struct launch_info *info) {
  free(info->command);
  free(info->executed);
  info->command = info->executed = NULL;
}
