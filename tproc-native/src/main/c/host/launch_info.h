/* Where a threadproc comes from: who asked for it, when, and with which words. What a listing shows of it. */
#ifndef TPROC_LAUNCH_INFO_H
#define TPROC_LAUNCH_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tproc_core.h"

/** Who asks for a launch. */
struct launch_client {
  pid_t pid; /**< of the client of a listening host; 0: the host itself; -1: it has none here (a pid namespace) */
  uid_t uid;
};

struct launch_info {
  struct launch_client client;
  uint64_t started_at; /**< CLOCK_REALTIME, nanoseconds */
  uint64_t started;    /**< CLOCK_MONOTONIC, nanoseconds */
  uint64_t ended;      /**< CLOCK_MONOTONIC; 0: not collected yet. Written once, under the threadproc's lock. */
  char *command;       /**< the arguments as they were given, each with its NUL, cut to TPROC_COMMAND_SIZE */
  size_t command_size;
  size_t argument_count; /**< of the whole command */
  bool command_cut;
  char *executed; /**< the executable's path, and the first arguments that it got, as tproc_threadproc_executed has them
                   */
  size_t executed_size;
};

/** Copies the command. @return 0 or -ENOMEM */
int launch_info_open(struct launch_info *info, const struct launch_client *client, const char *const *argv,
                     struct tproc_error *error);

/** Copies what is executed for them: `count` of its arguments. @return 0 or -ENOMEM */
int launch_info_execute(struct launch_info *info, const char *path, const char *const *argv, size_t count,
                        struct tproc_error *error);

/** Notes the time of the start, or of the end. */
void launch_info_start(struct launch_info *info);
void launch_info_end(struct launch_info *info);

/** Nanoseconds between the start and the end, or now. */
uint64_t launch_info_uptime(const struct launch_info *info);

void launch_info_release(struct launch_info *info);

#endif
