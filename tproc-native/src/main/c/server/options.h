/* What is fixed in use, and smaller in tests. */
#ifndef TPROC_SERVER_OPTIONS_H
#define TPROC_SERVER_OPTIONS_H

#include "host/launch.h"

struct server_options {
  unsigned request_milliseconds; /**< for a client to send a whole request, or to read what it was sent */
  unsigned queue_milliseconds;   /**< for a launch to begin */
  unsigned hangup_milliseconds;  /**< for a program whose client is lost, from SIGHUP to SIGKILL */
  unsigned launches_max;         /**< at the same time */
  unsigned connections_max;
  size_t bytes_max; /**< that the host keeps for all clients together: requests, and answers they have not read */
  int (*launch)(struct tproc_host *host, const struct tproc_launch *launch, const struct launch_client *client,
                struct tproc_threadproc **threadproc, struct tproc_error *error); /**< launch_for */
};

extern const struct server_options server_default_options;

#endif
