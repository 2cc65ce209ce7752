#include "server/work.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "host/host.h"
#include "host/threadproc.h"
#include "server/request.h"

_Static_assert(WIRE_LIMITS == TPROC_LIMIT_COUNT, "each limit has its place");
_Static_assert(sizeof(struct wire_limit) == sizeof(struct tproc_limit), "limits are passed on as they arrive");

#define SIGNAL_BIT(signal) (1ull << ((signal)-1))
#define CHANGEABLE_SIGNALS (~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP)))

/* Points into the frame, and into the arrays here. */
struct launch_parts {
  struct wire_launch_view view;
  const char **argv, **envp;
  struct tproc_descriptor *descriptors;
  struct tproc_limit limits[TPROC_LIMIT_COUNT];
};

static int read_parts(struct request *request, struct launch_parts *parts) {
  const struct frame *frame = &request->frame;
  char problem[WIRE_PROBLEM_SIZE] = "";
  if (!wire_launch_read(frame->payload, frame->got, frame->descriptor_count, &parts->view, problem))
    return tproc_fail_because(&request->error, EPROTO, "%s", problem);
  const struct wire_launch *fixed = &parts->view.fixed;
  parts->argv = calloc((size_t)fixed->argument_count + 1, sizeof *parts->argv);
  parts->envp = calloc((size_t)fixed->environment_count + 1, sizeof *parts->envp);
  parts->descriptors = calloc((size_t)fixed->descriptor_count + 1, sizeof *parts->descriptors);
  if (parts->argv == NULL || parts->envp == NULL || parts->descriptors == NULL)
    return tproc_fail(&request->error, ENOMEM, "take apart a launch of %zu bytes", frame->got);
  wire_strings(parts->view.arguments, fixed->argument_count, parts->argv);
  wire_strings(parts->view.environment, fixed->environment_count, parts->envp);
  memcpy(parts->limits, fixed->limits, sizeof parts->limits);
  return 0;
}

/* Where the client's shell would look for the program. */
static const char *search_path_of(const char *const *envp) {
  for (; *envp != NULL; envp++)
    if (strncmp(*envp, "PATH=", 5) == 0) return *envp + 5;
  return NULL;
}

/* The first descriptor is the working directory, then comes a terminal that is apart, then one for each number. */
static void place_descriptors(const struct request *request, const struct launch_parts *parts,
                              struct tproc_launch *launch) {
  const int *received = request->frame.descriptors;
  launch->directory_fd = received[0];
  if ((parts->view.fixed.flags & WIRE_LAUNCH_TERMINAL_APART) != 0) {
    launch->flags |= TPROC_LAUNCH_TERMINAL_FD;
    launch->terminal_fd = *++received;
  }
  launch->stdio[0] = launch->stdio[1] = launch->stdio[2] = TPROC_FD_CLOSED;
  for (uint32_t i = 0; i < parts->view.fixed.descriptor_count; i++) {
    const int number = parts->view.numbers[i], source = received[1 + i];
    if (number < 3)
      launch->stdio[number] = source;
    else
      parts->descriptors[launch->descriptor_count++] = (struct tproc_descriptor){.number = number, .source = source};
  }
  launch->descriptors = parts->descriptors;
}

/* What a client's kernel has and this one refuses is checked by the core. Older clients give none of it. */
static void set_scheduling(const struct wire_launch_view *view, struct tproc_launch *launch) {
  const struct wire_launch_state *state = &view->state;
  launch->flags |= ((state->given & WIRE_STATE_SCHEDULING) != 0 ? TPROC_LAUNCH_SCHEDULING : 0u) |
                   ((state->given & WIRE_STATE_IO_PRIORITY) != 0 ? TPROC_LAUNCH_IO_PRIORITY : 0u) |
                   ((state->given & WIRE_STATE_PERSONALITY) != 0 ? TPROC_LAUNCH_PERSONALITY : 0u);
  launch->policy = (int)state->policy;
  launch->priority = state->priority;
  launch->io_priority = (int)state->io_priority;
  launch->personality = state->personality;
  launch->cpus = view->cpus;
  launch->cpu_words = state->cpu_words;
}

static int launch(struct request *request, const struct launch_parts *parts) {
  const struct wire_launch *fixed = &parts->view.fixed;
  const unsigned chosen = ((fixed->flags & WIRE_LAUNCH_TERMINAL) != 0 ? TPROC_LAUNCH_TERMINAL : 0u) |
                          ((fixed->flags & WIRE_LAUNCH_NEVER_FORKS) != 0 ? TPROC_LAUNCH_NEVER_FORKS : 0u) |
                          ((fixed->flags & WIRE_LAUNCH_SPILL) != 0 ? TPROC_LAUNCH_SPILL : 0u) |
                          ((fixed->flags & WIRE_LAUNCH_HOLD) != 0 ? TPROC_LAUNCH_HOLD : 0u) |
                          ((fixed->flags & WIRE_LAUNCH_CRASH_REPORT) != 0 ? TPROC_LAUNCH_CRASH_REPORT : 0u) |
                          ((fixed->flags & WIRE_LAUNCH_STAY) != 0 ? TPROC_LAUNCH_STAY : 0u);
  struct tproc_launch launch = {.program = parts->view.program,
                                .search_path = search_path_of(parts->envp),
                                .argv = parts->argv,
                                .envp = parts->envp,
                                .umask = (int)fixed->umask,
                                .flags = TPROC_LAUNCH_SESSION | TPROC_LAUNCH_DIRECTORY_FD | TPROC_LAUNCH_NICE |
                                         TPROC_LAUNCH_LIMITS | TPROC_LAUNCH_SHELL | chosen,
                                .ignored_signals = fixed->ignored_signals & CHANGEABLE_SIGNALS,
                                .blocked_signals = fixed->blocked_signals & CHANGEABLE_SIGNALS,
                                .nice = fixed->nice,
                                .limits = parts->limits};
  set_scheduling(&parts->view, &launch);
  place_descriptors(request, parts, &launch);
  request->outlive = (fixed->flags & WIRE_LAUNCH_OUTLIVE) != 0;
  request->tell_crash = (fixed->flags & WIRE_LAUNCH_CRASH_REPORT) != 0;
  return request->requests->options->launch(request->requests->host, &launch, &request->client, &request->threadproc,
                                            &request->error);
}

/* The client's descriptors are closed before it is answered: then its pipes end when the program does. */
void work_launch(struct work *work) {
  struct request *request = (struct request *)work;
  struct launch_parts parts = {0};
  request->failed = read_parts(request, &parts);
  if (!request->failed) request->failed = launch(request, &parts);
  free(parts.descriptors);
  free(parts.envp);
  free(parts.argv);
  frame_release(&request->frame);
}

static void answer_listing(struct request *request, enum wire_type answer, const struct tproc_listing *listing) {
  request->answer = answer;
  request->payload = listing->payload;
  request->payload_size = listing->size;
}

void work_list(struct work *work) {
  struct request *request = (struct request *)work;
  struct tproc_listing listing;
  request->failed = tproc_host_listing(request->requests->host, WIRE_PAYLOAD_MAX, &listing, &request->error);
  if (!request->failed) answer_listing(request, WIRE_LISTED, &listing);
}

/* To be let go of with host_unpin. */
static struct tproc_threadproc *pin(struct request *request, pid_t pid) {
  struct tproc_threadproc *threadproc = host_pin(request->requests->host, pid);
  if (threadproc == NULL) request->failed = tproc_fail(&request->error, ESRCH, "threadproc %d in this host", pid);
  return threadproc;
}

void work_maps(struct work *work) {
  struct request *request = (struct request *)work;
  struct wire_maps asked;
  memcpy(&asked, request->frame.payload, sizeof asked);
  struct tproc_threadproc *threadproc = pin(request, asked.pid);
  if (threadproc == NULL) return;
  struct tproc_listing listing;
  request->failed = tproc_threadproc_listing(threadproc, WIRE_PAYLOAD_MAX, &listing, &request->error);
  host_unpin(request->requests->host, threadproc);
  if (!request->failed) answer_listing(request, WIRE_MAPPED, &listing);
}

void work_signal(struct work *work) {
  struct request *request = (struct request *)work;
  struct wire_signal asked;
  memcpy(&asked, request->frame.payload, sizeof asked);
  struct tproc_threadproc *threadproc = pin(request, asked.pid);
  if (threadproc == NULL) return;
  request->answer = WIRE_DONE;
  request->failed = threadproc_signal(threadproc, asked.signal, &request->error);
  host_unpin(request->requests->host, threadproc);
}

void work_registry(struct work *work) {
  struct request *request = (struct request *)work;
  struct tproc_listing listing;
  request->failed = tproc_host_registry_listing(request->requests->host, WIRE_PAYLOAD_MAX, &listing, &request->error);
  if (!request->failed) answer_listing(request, WIRE_REGISTERED, &listing);
}

void work_heap(struct work *work) {
  struct request *request = (struct request *)work;
  struct tproc_listing listing;
  request->failed = tproc_host_heap_listing(request->requests->host, WIRE_PAYLOAD_MAX, &listing, &request->error);
  if (!request->failed) answer_listing(request, WIRE_HEAP_USED, &listing);
}
