/*
 * Starting a threadproc, in the order that makes failure harmless: everything that can fail is done by the calling
 * thread before a process exists, and one ladder releases it in reverse order.
 */
#include "host/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "host/host.h"
#include "host/launch_preparation.h"
#include "host/prepared_pool.h"
#include "host/threadproc.h"
#include "spawn/launch_state.h"

/* The child's frames before the program's entry; a few hundred bytes, more under a sanitizer. */
#define CHILD_STACK_SIZE (64u << 10)

/*
 * Until the child runs the program, is gone, or waits to be traced; the kernel's own write at its end counts as the
 * news.
 */
static uint32_t await_child(struct child_plan *plan) {
  uint32_t state;
  while ((state = __atomic_load_n(&plan->state, __ATOMIC_ACQUIRE)) == CHILD_STARTING)
    syscall(SYS_futex, &plan->state, FUTEX_WAIT, CHILD_STARTING, NULL, NULL, 0);
  return state;
}

/* Not by a plain store: the child may be gone by now, and what the kernel has written then has to stay. */
static void let_go_on(struct child_plan *plan) {
  uint32_t untraced = CHILD_UNTRACED;
  __atomic_compare_exchange_n(&plan->state, &untraced, CHILD_STARTING, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
  syscall(SYS_futex, &plan->state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* One that may not be traced stays where it waits, for undo_start. */
static int await_child_and_trace(struct tproc_threadproc *threadproc, struct tproc_error *error) {
  struct child_plan *plan = &threadproc->plan;
  if (await_child(plan) != CHILD_UNTRACED) return 0;
  const int failed = threadproc_trace(threadproc, error);
  if (failed) return failed;
  let_go_on(plan);
  await_child(plan);
  return 0;
}

/* After a failure that follows the clone: the process is ended and collected, its listener closed. */
static void undo_start(struct tproc_threadproc *threadproc) {
  struct tproc_exit exit;
  threadproc_signal(threadproc, SIGKILL, NULL);
  threadproc_collect(threadproc, true, &exit, NULL);
}

static const char *const limit_names[TPROC_LIMIT_COUNT] = {
    [RLIMIT_CPU] = "RLIMIT_CPU",           [RLIMIT_FSIZE] = "RLIMIT_FSIZE",
    [RLIMIT_DATA] = "RLIMIT_DATA",         [RLIMIT_STACK] = "RLIMIT_STACK",
    [RLIMIT_CORE] = "RLIMIT_CORE",         [RLIMIT_RSS] = "RLIMIT_RSS",
    [RLIMIT_NPROC] = "RLIMIT_NPROC",       [RLIMIT_NOFILE] = "RLIMIT_NOFILE",
    [RLIMIT_MEMLOCK] = "RLIMIT_MEMLOCK",   [RLIMIT_AS] = "RLIMIT_AS",
    [RLIMIT_LOCKS] = "RLIMIT_LOCKS",       [RLIMIT_SIGPENDING] = "RLIMIT_SIGPENDING",
    [RLIMIT_MSGQUEUE] = "RLIMIT_MSGQUEUE", [RLIMIT_NICE] = "RLIMIT_NICE",
    [RLIMIT_RTPRIO] = "RLIMIT_RTPRIO",     [RLIMIT_RTTIME] = "RLIMIT_RTTIME"};

/* What a step of the child's that failed says; 0 when none did. */
static int failure_of(const struct child_plan *plan, struct tproc_error *error) {
  const enum child_step failed_step = __atomic_load_n(&plan->failed_step, __ATOMIC_ACQUIRE);
  if (failed_step == CHILD_STEP_NONE) return 0;
  const char *step = child_step_name(failed_step);
  const int number = plan->failed_number;
  if (number < 0) return tproc_fail(error, plan->failed_errno, "%s", step);
  if (failed_step == CHILD_STEP_LIMITS && number < TPROC_LIMIT_COUNT)
    return tproc_fail(error, plan->failed_errno, "%s: %s", step, limit_names[number]);
  return tproc_fail(error, plan->failed_errno, "%s: number %d", step, number);
}

/* The launching thread's end of the child's socket, for what is to be said to it later. */
static int keep_link(const struct spawning *spawning, int *link, struct tproc_error *error) {
  *link = fcntl(spawning->socket, F_DUPFD_CLOEXEC, 0);
  return *link < 0 ? tproc_fail(error, errno, "keep a socket to a prepared program") : 0;
}

static int run_child(struct tproc_host *host, struct tproc_threadproc *threadproc, struct spawning *spawning,
                     const struct broker_executable *executable, int *link, struct tproc_error *error) {
  struct child_plan *plan = &threadproc->plan;
  const struct clone_request request = {
      /* The child's own frames go below the entry stack, where the program will put its. */
      .stack = {plan->stack_pointer - CHILD_STACK_SIZE, plan->stack_pointer},
      .cleared_at_exit = &plan->state,
      .function = plan->prepared && plan->link == 0 ? child_prepare : child_main,
      .argument = plan};
  plan->socket = &spawning->own_socket;
  int listener;
  const pid_t pid = spawning_clone(&host->spawner, spawning, &request, &threadproc->pidfd);
  if (pid < 0) {
    spawning_close(&host->spawner, spawning, -1, &listener);
    return tproc_fail(error, -pid, "clone");
  }
  threadproc->pid = pid;
  int failed = await_child_and_trace(threadproc, error);
  if (!failed && link != NULL) failed = keep_link(spawning, link, error);
  const int lost = spawning_close(&host->spawner, spawning, plan->notify_fd, &listener);
  if (!failed) failed = failure_of(plan, error);
  if (!failed && lost) failed = tproc_fail(error, -lost, "take the fence's listener");
  if (!failed && listener >= 0) /* without one it was killed before it got that far */
    failed = broker_open_listener(&host->broker, listener, pid, threadproc->pidfd, &threadproc->memory, executable,
                                  &threadproc->listener, error);
  else if (listener >= 0)
    close(listener);
  if (failed) undo_start(threadproc);
  return failed;
}

void launch_let_go(struct child_plan *plan) {
  __atomic_store_n(&plan->state, (uint32_t)CHILD_STARTING, __ATOMIC_RELEASE);
  syscall(SYS_futex, &plan->state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

enum child_state launch_recall(struct child_plan *plan) {
  uint32_t state = CHILD_STARTING;
  __atomic_compare_exchange_n(&plan->state, &state, (uint32_t)CHILD_RECALLED, false, __ATOMIC_ACQ_REL,
                              __ATOMIC_ACQUIRE);
  return (enum child_state)state;
}

int launch_start_process(struct tproc_host *host, struct tproc_threadproc *threadproc,
                         const struct launch_descriptors *descriptors, const struct broker_executable *executable,
                         int *link, struct tproc_error *error) {
  struct spawning spawning;
  const int failed = spawning_open(&spawning, descriptors->sources, descriptors->source_count);
  if (failed) return tproc_fail(error, -failed, "send its descriptors to a new process");
  fork_shield_raise(&host->broker.context.shield);
  const int result = run_child(host, threadproc, &spawning, executable, link, error);
  if (!result && threadproc->plan.prepared) launch_let_go(&threadproc->plan);
  if (result && link != NULL && *link >= 0) {
    close(*link);
    *link = -1;
  }
  return result;
}

struct tproc_threadproc *launch_threadproc_new(struct tproc_host *host) {
  struct tproc_threadproc *threadproc = calloc(1, sizeof *threadproc);
  if (threadproc == NULL) return NULL;
  threadproc->host = host;
  threadproc->pidfd = -1;
  pthread_mutex_init(&threadproc->lock, NULL);
  return threadproc;
}

/* Its limits of memory are the kernel's to keep. Where it crashes is not seen. */
static void plan_spilled(const struct tproc_launch *launch, const struct preparation *preparation,
                         struct child_plan *plan) {
  plan->traced = false;
  if (launch_state_limits(launch) != NULL) plan->limits_set |= 1u << RLIMIT_AS | 1u << RLIMIT_DATA;
  plan->executed = preparation->program.file_path;
  plan->argv = preparation->program.argv;
  plan->envp = launch->envp;
}

/* The order of it all, once the program is found. */
static int start(struct tproc_host *host, const struct tproc_launch *launch, struct preparation *preparation,
                 struct tproc_threadproc *threadproc, struct tproc_error *error) {
  struct entry_stack stack;
  char path[PATH_MAX];
  int failed = preparation_map(host, launch, (struct entry_stack_room){0}, preparation, threadproc, &stack, error);
  if (failed) return failed;
  preparation_plan(preparation, &stack, threadproc);
  threadproc->plan.traced = (launch->flags & TPROC_LAUNCH_CRASH_REPORT) != 0;
  failed = launch_state_plan(launch, preparation->directory, &threadproc->plan, &preparation->descriptors, error);
  if (failed) return failed;
  if (threadproc->spilled) plan_spilled(launch, preparation, &threadproc->plan);
  preparation_executable_path(preparation, path, sizeof path);
  failed = preparation_note_executed(preparation, path, &threadproc->info, error);
  if (failed) return failed;
  launch_info_start(&threadproc->info);
  return launch_start_process(host, threadproc, &preparation->descriptors,
                              &(struct broker_executable){path, preparation->program.file,
                                                          (launch->flags & TPROC_LAUNCH_STAY) != 0, stack.texts},
                              NULL, error);
}

static int start_new(struct tproc_host *host, const struct tproc_launch *launch, const struct launch_client *client,
                     struct preparation *preparation, struct tproc_threadproc **result, struct tproc_error *error) {
  struct tproc_threadproc *threadproc = launch_threadproc_new(host);
  if (threadproc == NULL) return tproc_fail(error, ENOMEM, "remember a program");
  int failed = launch_info_open(&threadproc->info, client, launch->argv, error);
  if (!failed) failed = start(host, launch, preparation, threadproc, error);
  if (failed)
    threadproc_free(threadproc);
  else
    *result = threadproc;
  return failed;
}

/* What a prepared one cannot be given, or does not take, an ordinary start is asked for: so all errors are of that. */
static int find_and_start(struct tproc_host *host, const struct tproc_launch *launch,
                          const struct launch_client *client, struct preparation *preparation,
                          struct tproc_threadproc **result, struct tproc_error *error) {
  const int failed = preparation_find(host, launch, preparation, error);
  if (failed) return failed;
  *result = prepared_pool_start(&host->prepared, launch, client, preparation);
  return *result != NULL ? 0 : start_new(host, launch, client, preparation, result, error);
}

int launch_for(struct tproc_host *host, const struct tproc_launch *launch, const struct launch_client *client,
               struct tproc_threadproc **result, struct tproc_error *error) {
  struct preparation *preparation = malloc(sizeof *preparation); /* too large for a small stack */
  if (preparation == NULL) return tproc_fail(error, ENOMEM, "cannot host %s", launch->program);
  preparation_init(preparation);
  prepared_pool_begin_launch(&host->prepared);
  const int failed = find_and_start(host, launch, client, preparation, result, error);
  prepared_pool_end_launch(&host->prepared);
  preparation_release(preparation);
  free(preparation);
  if (failed)
    tproc_error_prefix(error, "cannot host %s: ", launch->program);
  else
    host_remember(host, *result);
  return failed;
}
