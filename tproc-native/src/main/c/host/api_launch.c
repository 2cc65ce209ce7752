/*
 * tproc_host_launch: a launch by the host's own process. Its descriptors are in the process's table, and have to be in
 * the host's, where they have other numbers.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/executor.h"
#include "host/carried_file.h"
#include "host/host.h"
#include "host/launch.h"
#include "host/pass_descriptors.h"
#include "spawn/launch_state.h"

/* Three streams, the working directory and a terminal. */
#define FURTHER_MAX 5

#define CANNOT_PASS "hand its descriptors to the host's threads"

/* The descriptors of a launch, in the order of find_places. */
struct passed {
  size_t count;
  int *numbers; /* first in the caller's table, then in the host's */
  int **places; /* where in the launch each stands */
};

struct api_launch {
  struct tproc_host *host;
  struct tproc_launch launch; /* with the host's numbers */
  struct passed passed;
  bool one_output; /* of standard output and error, carried */
  struct tproc_threadproc **threadproc;
  struct tproc_error *error;
  int result;
};

/* The places of the launch's descriptors; their number. */
static size_t find_places(struct tproc_launch *launch, struct tproc_descriptor *descriptors, int **places) {
  size_t count = 0;
  for (int i = 0; i < 3; i++)
    if (launch->stdio[i] != TPROC_FD_CLOSED) places[count++] = &launch->stdio[i];
  if ((launch->flags & TPROC_LAUNCH_DIRECTORY_FD) != 0) places[count++] = &launch->directory_fd;
  if ((launch->flags & TPROC_LAUNCH_TERMINAL_FD) != 0) places[count++] = &launch->terminal_fd;
  for (size_t i = 0; i < launch->descriptor_count; i++) places[count++] = &descriptors[i].source;
  return count;
}

static void close_passed(struct passed *passed) {
  for (size_t i = 0; i < passed->count; i++) close(passed->numbers[i]);
}

/* Standard error may have the file of standard output, which can be taken once. */
static int take_carried(const struct api_launch *call, int stream, int carrier) {
  if (stream != STDERR_FILENO || !call->one_output) return carried_file_take(carrier);
  const int file = fcntl(call->launch.stdio[STDOUT_FILENO], F_DUPFD_CLOEXEC, 0);
  return file < 0 ? -errno : file;
}

/* Puts the files in the place of what has carried them. */
static int unpack(struct api_launch *call) {
  int *number = call->passed.numbers; /* of stdio first, as find_places has them */
  for (int i = 0; i < 3; i++) {
    if (call->launch.stdio[i] == TPROC_FD_CLOSED) continue;
    if ((call->launch.carried & 1u << i) != 0) {
      const int file = take_carried(call, i, *number);
      if (file < 0) return tproc_fail(call->error, -file, "take the file of stream %d", i);
      close(*number);
      call->launch.stdio[i] = *number = file;
    }
    number++;
  }
  return 0;
}

/* From here on the descriptors are the host's. */
static int receive(struct api_launch *call) {
  struct passed *passed = &call->passed;
  const int failed = host_receive_descriptors(call->host, passed->numbers, passed->count);
  if (failed) {
    passed->count = 0;
    return tproc_fail(call->error, -failed, CANNOT_PASS);
  }
  for (size_t i = 0; i < passed->count; i++) *passed->places[i] = passed->numbers[i];
  return unpack(call);
}

static void launch_in_host(void *argument) {
  struct api_launch *call = argument;
  const struct launch_client host_itself = {.pid = 0, .uid = getuid()};
  call->result = receive(call);
  if (call->result)
    tproc_error_prefix(call->error, "cannot host %s: ", call->launch.program);
  else
    call->result = launch_for(call->host, &call->launch, &host_itself, call->threadproc, call->error);
  close_passed(&call->passed);
}

static int pass_and_launch(struct api_launch *call, struct tproc_descriptor *descriptors) {
  struct passed *passed = &call->passed;
  passed->count = find_places(&call->launch, descriptors, passed->places);
  for (size_t i = 0; i < passed->count; i++) passed->numbers[i] = *passed->places[i];
  call->launch.descriptors = descriptors;
  int failed = host_send_descriptors(call->host, passed->numbers, passed->count);
  if (failed) return tproc_fail(call->error, -failed, CANNOT_PASS);
  failed = executor_call_apart(&call->host->executor, launch_in_host, call);
  if (!failed) return 0;
  host_drop_descriptors(call->host);
  return tproc_fail(call->error, -failed, "start a thread for the launch (limit on threads)");
}

/* What can be told here is told here, where the descriptors have the numbers that the caller knows. */
static int check_and_pass(struct api_launch *call) {
  int failed = launch_state_check(&call->launch, call->error);
  if (!failed) failed = launch_state_check_directory(&call->launch, call->error);
  if (failed) return failed;
  const size_t most = FURTHER_MAX + call->launch.descriptor_count;
  struct tproc_descriptor *descriptors = calloc(most, sizeof *descriptors);
  call->passed.places = calloc(most, sizeof *call->passed.places);
  call->passed.numbers = calloc(most, sizeof *call->passed.numbers);
  if (descriptors == NULL || call->passed.places == NULL || call->passed.numbers == NULL) {
    failed = tproc_fail(call->error, ENOMEM, "pass %zu descriptors", call->launch.descriptor_count);
  } else {
    for (size_t i = 0; i < call->launch.descriptor_count; i++) descriptors[i] = call->launch.descriptors[i];
    failed = pass_and_launch(call, descriptors);
  }
  free(call->passed.numbers);
  free(call->passed.places);
  free(descriptors);
  return failed;
}

int tproc_host_launch(struct tproc_host *host, const struct tproc_launch *launch, struct tproc_threadproc **result,
                      struct tproc_error *error) {
  struct api_launch call = {.host = host, .launch = *launch, .threadproc = result, .error = error};
  call.one_output = launch->stdio[STDOUT_FILENO] == launch->stdio[STDERR_FILENO];
  const int failed = check_and_pass(&call);
  if (!failed) return call.result;
  tproc_error_prefix(error, "cannot host %s: ", launch->program);
  return failed;
}
