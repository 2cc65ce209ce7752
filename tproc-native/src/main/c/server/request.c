#include "server/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "server/discard.h"
#include "server/work.h"

static void (*work_for(uint16_t type))(struct work *) {
  switch (type) {
    case WIRE_LAUNCH:
      return work_launch;
    case WIRE_LIST:
      return work_list;
    case WIRE_MAPS:
      return work_maps;
    case WIRE_SIGNAL:
      return work_signal;
    case WIRE_REGISTRY:
      return work_registry;
    case WIRE_HEAP:
      return work_heap;
    default:
      return NULL;
  }
}

bool request_is_type(uint16_t type) { return work_for(type) != NULL; }

static bool is_launch(const struct request *request) { return request->work.run == work_launch; }

static int submit(struct request *request, struct tproc_error *error) {
  struct requests *requests = request->requests;
  if (!is_launch(request)) return workers_submit(&requests->helpers, &request->work, error);
  request->begin_deadline = clock_milliseconds() + requests->options->queue_milliseconds;
  return workers_submit(&requests->launchers, &request->work, error);
}

/* The frame changes hands before the worker can look at it. */
struct request *request_open(struct requests *requests, struct frame *frame, const struct launch_client *client,
                             struct tproc_error *error) {
  struct request *request = calloc(1, sizeof *request);
  if (request == NULL) {
    tproc_fail_because(error, ENOMEM, "the host has no memory left (ENOMEM)");
    return NULL;
  }
  request->work = (struct work){.run = work_for(frame->header.type), .tell = true};
  request->requests = requests;
  request->client = *client;
  request->frame = *frame;
  *frame = (struct frame){.budget = frame->budget};
  if (submit(request, error) != 0) {
    *frame = request->frame;
    free(request);
    return NULL;
  }
  LIST_PREPEND(requests->first, request);
  return request;
}

bool request_withdraw(struct request *request) {
  return is_launch(request) && workers_withdraw(&request->requests->launchers, &request->work);
}

bool request_tick(struct request *request, uint64_t now) {
  if (request->begin_deadline == 0 || now < request->begin_deadline) return false;
  request->begin_deadline = 0; /* it has begun, or ends here */
  if (!request_withdraw(request)) return false;
  const struct server_options *options = request->requests->options;
  tproc_fail_because(&request->error, EAGAIN, "not begun within %u ms: %u launches hang", options->queue_milliseconds,
                     options->launches_max);
  return true;
}

/* For a launch, the code that a shell would give. */
int request_exit_code(const struct request *request) {
  if (!is_launch(request)) return WIRE_EXIT_NO_HOST;
  switch (request->error.code) {
    case ENOENT:
      return WIRE_EXIT_NOT_FOUND;
    case EPROTO:
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return WIRE_EXIT_NO_HOST;
    default:
      return WIRE_EXIT_NOT_HOSTABLE;
  }
}

void request_free(struct request *request) {
  LIST_UNLINK(request->requests->first, request);
  discard(request->requests->closers, &request->frame, -1);
  free(request->payload);
  free(request);
}
