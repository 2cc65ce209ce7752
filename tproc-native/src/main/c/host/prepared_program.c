#include "host/prepared_program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/descriptor_passing.h"
#include "base/error.h"
#include "base/process_state.h"
#include "host/inherited.h"
#include "host/launch.h"
#include "host/prepared_details.h"
#include "host/ready_program.h"
#include "loader/exe_texts.h"
#include "loader/linked_objects.h"
#include "loader/linker_entry.h"
#include "loader/linker_environment.h"

/* Room for the arguments and the environment: what takes more is started afresh. */
#define ROOM_WORDS 2048
#define ROOM_BYTES (128u << 10)

/* So long a dynamic linker may take; what takes longer is started when it is asked for. */
#define LINKING_MILLISECONDS 10000

#define COMPARED_FLAGS (TPROC_LAUNCH_STAY | TPROC_LAUNCH_NEVER_FORKS)

/* What the making of one holds. */
struct making {
  struct tproc_host *host;
  struct tproc_launch launch; /* as far as it bears on the program */
  struct preparation *preparation;
  struct prepared_program *program;
  struct tproc_error *error;
  bool link;                              /* the dynamic linker is to run */
  const struct prepared_running *running; /* NULL: it waits before its own code */
};

static uint64_t stack_soft(const struct tproc_launch *launch, const struct inherited *inherited) {
  return (launch->flags & TPROC_LAUNCH_LIMITS) != 0 ? launch->limits[RLIMIT_STACK].soft
                                                    : inherited->limits[RLIMIT_STACK].rlim_cur;
}

static struct prepared_program *new_program(struct tproc_host *host) {
  struct prepared_program *program = calloc(1, sizeof *program);
  struct prepared_details *details = calloc(1, sizeof *details);
  struct tproc_threadproc *threadproc = launch_threadproc_new(host);
  if (program == NULL || details == NULL || threadproc == NULL) {
    if (threadproc != NULL) threadproc_free(threadproc);
    free(details);
    free(program);
    return NULL;
  }
  details->link = -1;
  program->threadproc = threadproc;
  program->details = details;
  return program;
}

static void free_details(struct prepared_program *program) {
  struct prepared_details *details = program->details;
  if (details->link >= 0) close(details->link);
  file_list_release(&details->files);
  leading_arguments_release(&details->leading);
  free(details->linker_environment);
  free(details);
  free(program);
}

void prepared_program_discard(struct prepared_program *program) {
  struct tproc_threadproc *threadproc = program->threadproc;
  struct tproc_exit exit;
  if (threadproc->pidfd >= 0) {
    threadproc_signal(threadproc, SIGKILL, NULL);
    threadproc_collect(threadproc, true, &exit, NULL);
  }
  threadproc_free(threadproc);
  free_details(program);
}

/* The launch with the linker's variables alone, and no descriptors. */
static int take_launch(struct making *making, const struct tproc_launch *launch) {
  struct prepared_details *details = making->program->details;
  details->linker_environment = linker_environment_copy(launch->envp);
  if (details->linker_environment == NULL) return tproc_fail(making->error, ENOMEM, "copy the environment");
  making->launch = (struct tproc_launch){.program = launch->program,
                                         .argv = launch->argv,
                                         .envp = (const char *const *)details->linker_environment,
                                         .stdio = {TPROC_FD_CLOSED, TPROC_FD_CLOSED, TPROC_FD_CLOSED},
                                         .umask = TPROC_UMASK_INHERIT,
                                         .flags = launch->flags & COMPARED_FLAGS};
  details->flags = making->launch.flags;
  making->program->file = making->preparation->program.identity;
  return 0;
}

/* One that runs has its arguments, its environment and its directory, and somewhere to write to. */
static int take_launch_to_run(struct making *making, const struct tproc_launch *launch) {
  struct tproc_launch *own = &making->launch;
  const int failed = take_launch(making, launch);
  if (failed) return failed;
  own->envp = launch->envp;
  own->directory = launch->directory;
  for (int i = 0; i < 3; i++) own->stdio[i] = launch->stdio[i];
  return 0;
}

/* What it has inherited is read before the clone: what changes meanwhile is then noticed. */
static int inherit(struct making *making, const struct tproc_launch *launch) {
  struct prepared_details *details = making->program->details;
  if (!inherited_read(making->host->spawner.tid, &details->inherited, &details->umask))
    return tproc_fail_because(making->error, ENOTSUP, "/proc does not tell what a process inherits");
  details->stack_soft = details->inherited.limits[RLIMIT_STACK].rlim_cur;
  if (stack_soft(launch, &details->inherited) != details->stack_soft) making->link = false;
  return 0;
}

static int plan_running(struct making *making) {
  struct preparation *preparation = making->preparation;
  struct prepared_program *program = making->program;
  const int failed = ready_program_note(program, preparation, making->error);
  return failed ? failed
                : launch_state_plan(&making->launch, preparation->directory, &program->threadproc->plan,
                                    &preparation->descriptors, making->error);
}

/* Whether and where the linker can be stopped. */
static void plan_linking(struct making *making) {
  const struct preparation *preparation = making->preparation;
  struct child_plan *plan = &making->program->threadproc->plan;
  const struct interpreter *interpreter = &preparation->interpreter;
  struct linker_entry entry;
  making->link = making->link && interpreter->file >= 0 &&
                 linker_environment_is_harmless(making->program->details->linker_environment) &&
                 linker_entry_read(interpreter->file, preparation->elf.interpreter, &interpreter->elf, &entry);
  if (!making->link) return;
  plan->linker_load = entry.load + preparation->interpreter_image.load_bias;
  plan->linker_returned = entry.returned + preparation->interpreter_image.load_bias;
}

static int map_program(struct making *making) {
  struct preparation *preparation = making->preparation;
  struct prepared_details *details = making->program->details;
  struct tproc_threadproc *threadproc = making->program->threadproc;
  const struct entry_stack_room room = {
      making->running != NULL ? 1 : ROOM_WORDS,
      making->running != NULL ? ROOM_BYTES + ROOM_WORDS * sizeof(uint64_t) : ROOM_BYTES};
  if (making->running == NULL) preparation->program.argv[1] = NULL; /* a script's come later */
  threadproc->plan.prepared = true;
  threadproc->plan.link = making->running != NULL ? ready_program_link() : 0;
  if (making->running != NULL && threadproc->plan.link == 0)
    return tproc_fail_because(making->error, EMFILE, "the limit on open files leaves no descriptor for its host");
  const int failed =
      preparation_map(making->host, &making->launch, room, preparation, threadproc, &details->stack, making->error);
  if (failed) return failed;
  if (preparation->elf.has_interpreter && preparation->elf.interpreter[0] != '/')
    return tproc_fail_because(making->error, ENOTSUP, "PT_INTERP: a relative path");
  details->program_image = preparation->program_image;
  details->interpreter_image = preparation->interpreter_image;
  details->program_header_count = preparation->elf.program_header_count;
  details->has_interpreter = preparation->interpreter.file >= 0;
  details->asks_for_arguments = preparation_has_exe_texts(&making->launch, preparation);
  details->stack_limit = preparation->stack_limit;
  details->stack_begun = preparation->layout.stack.high - preparation->layout.stack_begun.low;
  making->program->position_independent = preparation->elf.position_independent;
  preparation_plan(preparation, &details->stack, threadproc);
  if (making->running != NULL) return plan_running(making);
  plan_linking(making);
  return 0;
}

/* Anything but the one word is the linker's, or its end. */
static int await_ready(struct making *making) {
  struct pollfd link = {.fd = making->program->details->link, .events = POLLIN};
  char said[16];
  if (poll(&link, 1, LINKING_MILLISECONDS) != 1)
    return tproc_fail_because(making->error, ETIMEDOUT, "its dynamic linker takes too long");
  const ssize_t size = recv(link.fd, said, sizeof said, MSG_DONTWAIT);
  if (size == 1 && said[0] == CHILD_READY) return 0;
  return tproc_fail_because(making->error, ENOTSUP, "its dynamic linker %s", size > 0 ? "says something" : "ends");
}

/* The files are compared from now on; those that have changed since it was begun may be mapped as they were. */
static int note_files(struct making *making) {
  const struct preparation *preparation = making->preparation;
  struct file_list *files = &making->program->details->files;
  int failed = preparation->elf.has_interpreter ? file_list_add(files, preparation->elf.interpreter) : 0;
  if (failed) return tproc_fail(making->error, -failed, "identify its interpreter");
  if (making->link && !linked_objects_add(&preparation->program_image, preparation->elf.program_header_count, files))
    return tproc_fail_because(making->error, ENOTSUP, "where its libraries are found cannot be told");
  const int64_t started_at = making->program->details->started_at;
  if (!file_identity_is_older(&making->program->file, started_at) || !file_list_is_older(files, started_at))
    return tproc_fail_because(making->error, EAGAIN, "its files have changed just now");
  return 0;
}

static int start_process(struct making *making) {
  struct preparation *preparation = making->preparation;
  char path[PATH_MAX];
  preparation_executable_path(preparation, path, sizeof path);
  const struct broker_executable executable = {path, preparation->program.file,
                                               (making->launch.flags & TPROC_LAUNCH_STAY) != 0,
                                               making->program->details->stack.texts};
  int failed = launch_start_process(making->host, making->program->threadproc, &preparation->descriptors, &executable,
                                    &making->program->details->link, making->error);
  if (making->running != NULL) return failed;
  if (!failed) failed = await_ready(making);
  if (!failed) failed = note_files(making);
  return failed;
}

static int make(struct making *making, const struct tproc_launch *launch) {
  int failed = preparation_find(making->host, launch, making->preparation, making->error);
  if (!failed) failed = making->running != NULL ? take_launch_to_run(making, launch) : take_launch(making, launch);
  if (!failed) failed = inherit(making, launch);
  if (!failed) failed = map_program(making);
  if (!failed) failed = start_process(making);
  struct prepared_program *program = making->program;
  program->made = clock_nanoseconds(CLOCK_MONOTONIC);
  if (making->running != NULL)
    program->deadline = program->made + making->running->patience;
  else
    program->depth = making->link ? TPROC_PREPARED_LINKED : TPROC_PREPARED_MAPPED;
  return failed;
}

static int make_either(struct tproc_host *host, const struct tproc_launch *launch,
                       const struct prepared_running *running, bool *link, struct prepared_program **result,
                       struct tproc_error *error) {
  struct making making = {.host = host,
                          .preparation = malloc(sizeof *making.preparation),
                          .program = new_program(host),
                          .error = error,
                          .link = *link,
                          .running = running};
  int failed = -ENOMEM;
  if (making.preparation != NULL && making.program != NULL) {
    making.program->details->started_at = (int64_t)clock_nanoseconds(CLOCK_REALTIME);
    preparation_init(making.preparation);
    failed = make(&making, launch);
    preparation_release(making.preparation);
  } else {
    tproc_fail(error, ENOMEM, "prepare a program");
  }
  free(making.preparation);
  if (!failed)
    *result = making.program;
  else if (making.program != NULL)
    prepared_program_discard(making.program);
  *link = making.link;
  return failed;
}

int prepared_program_make(struct tproc_host *host, const struct tproc_launch *launch, struct prepared_program **program,
                          struct tproc_error *error) {
  bool link = true;
  int failed = make_either(host, launch, NULL, &link, program, error);
  if (failed && failed != -EAGAIN && link) {
    link = false;
    failed = make_either(host, launch, NULL, &link, program, error);
  }
  if (failed) tproc_error_prefix(error, "prepare %s: ", launch->program);
  return failed;
}

/* Standard output is another process's: what a program writes before its start is for the log. */
int prepared_program_begin(struct tproc_host *host, const struct tproc_launch *launch,
                           const struct prepared_running *running, struct prepared_program **program,
                           struct tproc_error *error) {
  struct tproc_launch own = *launch;
  bool link = false;
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  const int log = running->log >= 0 ? running->log : nothing;
  int failed = nothing < 0 ? tproc_fail(error, errno, "open /dev/null") : 0;
  own.stdio[0] = nothing;
  own.stdio[1] = own.stdio[2] = log;
  own.flags &= ~(unsigned)TPROC_LAUNCH_LIMITS; /* the start's come later */
  if (!failed) failed = make_either(host, &own, running, &link, program, error);
  if (nothing >= 0) close(nothing);
  if (failed) tproc_error_prefix(error, "prepare %s: ", launch->program);
  return failed;
}

bool prepared_program_has_ended(const struct prepared_program *program) {
  return threadproc_has_ended(program->threadproc);
}

bool prepared_program_is_current(const struct prepared_program *program, const struct tproc_launch *launch) {
  struct inherited now;
  if (program->depth == TPROC_PREPARED_READY && ready_program_is_out_of_reach(program, launch)) return false;
  return file_list_is_unchanged(&program->details->files) &&
         inherited_read(program->threadproc->host->spawner.tid, &now, &program->details->umask) &&
         inherited_equals(&program->details->inherited, &now);
}

/* Its debugger is to see the linker's work, too. */
static bool is_held(const struct tproc_launch *launch) { return (launch->flags & TPROC_LAUNCH_HOLD) != 0; }

/* Limits that the host keeps are counted from the first mapping on. */
static bool limits_memory(const struct tproc_launch *launch) {
  const struct tproc_limit *limits = launch_state_limits(launch);
  return limits != NULL &&
         (limits[RLIMIT_AS].soft != TPROC_LIMIT_INFINITY || limits[RLIMIT_DATA].soft != TPROC_LIMIT_INFINITY ||
          limits[RLIMIT_AS].hard != TPROC_LIMIT_INFINITY || limits[RLIMIT_DATA].hard != TPROC_LIMIT_INFINITY);
}

bool prepared_program_fits(const struct prepared_program *program, const struct tproc_launch *launch,
                           const struct preparation *preparation) {
  const struct prepared_details *details = program->details;
  if (!file_identity_equals(&preparation->program.identity, &program->file)) return false;
  if ((launch->flags & COMPARED_FLAGS) != details->flags || preparation->stack_limit != details->stack_limit)
    return false;
  if (is_held(launch) || limits_memory(launch)) return false;
  if (program->depth == TPROC_PREPARED_READY && !ready_program_fits(program, launch, preparation)) return false;
  if (program->depth != TPROC_PREPARED_MAPPED && (!linker_environment_is(details->linker_environment, launch->envp) ||
                                                  stack_soft(launch, &details->inherited) != details->stack_soft))
    return false;
  return details->asks_for_arguments || !preparation_has_exe_texts(launch, preparation);
}

/* The program is the prepared one's: images and headers, which the launch has not read. */
static int write_stack(struct prepared_program *program, const struct tproc_launch *launch,
                       struct preparation *preparation, struct tproc_error *error) {
  struct prepared_details *details = program->details;
  struct tproc_threadproc *threadproc = program->threadproc;
  int failed = preparation_open_account(threadproc->host, launch, &threadproc->account, error);
  if (failed) return failed;
  struct entry_stack_content content = preparation_content(threadproc->host, launch, preparation, threadproc);
  content.program = &details->program_image;
  content.program_header_count = details->program_header_count;
  content.interpreter = details->has_interpreter ? &details->interpreter_image : NULL;
  content.abi.pid = threadproc->pid;
  failed = program->depth == TPROC_PREPARED_READY
               ? entry_stack_add(&details->stack, &content, &threadproc->plan.vector, error)
               : entry_stack_rewrite(&details->stack, &content, error);
  if (!failed) broker_set_texts(threadproc->listener, &details->stack.texts);
  return failed;
}

static int write_plan(struct prepared_program *program, const struct tproc_launch *launch,
                      struct preparation *preparation, struct tproc_error *error) {
  struct child_plan *plan = &program->threadproc->plan;
  const int failed = launch_state_plan(launch, preparation->directory, plan, &preparation->descriptors, error);
  if (failed) return failed;
  preparation_name(preparation, plan->name);
  plan->group = getpgid(0);
  if (launch->umask == TPROC_UMASK_INHERIT) plan->umask = program->details->umask;
  return 0;
}

/* Waits for a while. -EAGAIN: it has said nothing. The end of the socket is the end of the child. */
static int hear_running(const struct prepared_program *program, struct tproc_error *error) {
  const struct child_plan *plan = &program->threadproc->plan;
  struct pollfd from[] = {{.fd = program->details->link, .events = POLLIN},
                          {.fd = program->threadproc->pidfd, .events = POLLIN}};
  char word = 0;
  ssize_t size;
  poll(from, 2, LOOK_MILLISECONDS);
  const bool ended = from[1].revents != 0; /* a child that it has forked may have the socket */
  do {                                     /* ECONNRESET, once: it has ended before it had received all */
    size = recv(from[0].fd, &word, 1, MSG_DONTWAIT);
  } while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  if (size == 1 && word == CHILD_READY) return 0;
  if (size < 0 && errno == EAGAIN && !ended) return -EAGAIN;
  const enum child_step step = __atomic_load_n(&plan->failed_step, __ATOMIC_ACQUIRE);
  return step != CHILD_STEP_NONE ? tproc_fail(error, plan->failed_errno, "%s", child_step_name(step))
                                 : tproc_fail(error, ESRCH, "it has ended");
}

/* Somebody may have stopped it while it waited, and nobody waits for who does not know that. */
static int await_running(const struct prepared_program *program, struct tproc_error *error) {
  unsigned looks_stopped = 0;
  int failed;
  while ((failed = hear_running(program, error)) == -EAGAIN) {
    looks_stopped = process_is_stopped(program->threadproc->pid) ? looks_stopped + 1 : 0;
    if (looks_stopped < LOOKS_STOPPED_MAX) continue;
    const enum child_state state = launch_recall(&program->threadproc->plan);
    if (state == CHILD_RUNNING) return 0;
    if (state == CHILD_STARTING) return tproc_fail_because(error, ETIMEDOUT, "it is stopped");
  }
  return failed;
}

/* An ordinary start would have mapped as much of a stack as its arguments need. */
static void leave_room_uncounted(const struct prepared_program *program, const struct preparation *preparation) {
  const uint64_t needed = layout_stack_begun(preparation_argument_bytes(preparation));
  const uint64_t begun = program->details->stack_begun;
  memory_leave_uncounted(&program->threadproc->memory, begun > needed ? begun - needed : 0);
}

static int note_executed(const struct preparation *preparation, struct launch_info *info, struct tproc_error *error) {
  char path[PATH_MAX];
  preparation_executable_path(preparation, path, sizeof path);
  return preparation_note_executed(preparation, path, info, error);
}

static int release(struct prepared_program *program, const struct tproc_launch *launch,
                   const struct launch_client *client, struct preparation *preparation, struct tproc_error *error) {
  struct tproc_threadproc *threadproc = program->threadproc;
  int failed = launch_info_open(&threadproc->info, client, launch->argv, error);
  if (!failed) failed = note_executed(preparation, &threadproc->info, error);
  if (!failed) failed = write_stack(program, launch, preparation, error);
  if (!failed) failed = write_plan(program, launch, preparation, error);
  if (!failed && (launch->flags & TPROC_LAUNCH_CRASH_REPORT) != 0) failed = threadproc_trace(threadproc, error);
  if (failed) return failed;
  leave_room_uncounted(program, preparation);
  failed =
      descriptors_send(program->details->link, preparation->descriptors.sources, preparation->descriptors.source_count);
  if (failed) return tproc_fail(error, -failed, "send its descriptors");
  launch_info_start(&threadproc->info);
  launch_let_go(&threadproc->plan);
  return await_running(program, error);
}

struct tproc_threadproc *prepared_program_start(struct prepared_program *program, const struct tproc_launch *launch,
                                                const struct launch_client *client, struct preparation *preparation,
                                                struct tproc_error *error) {
  struct tproc_threadproc *threadproc = program->threadproc;
  const int failed = release(program, launch, client, preparation, error);
  if (failed)
    prepared_program_discard(program); /* first: what it is to receive is written to the descriptors' places */
  launch_descriptors_release(&preparation->descriptors); /* an ordinary start makes its own */
  if (failed) return NULL;
  free_details(program);
  return threadproc;
}
