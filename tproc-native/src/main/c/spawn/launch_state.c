#include "spawn/launch_state.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

_Static_assert(TPROC_LIMIT_COUNT == RLIM_NLIMITS, "a limit for each of the kernel's");

#define KNOWN_FLAGS                                                                                           \
  (TPROC_LAUNCH_SESSION | TPROC_LAUNCH_TERMINAL | TPROC_LAUNCH_DIRECTORY_FD | TPROC_LAUNCH_NICE |             \
   TPROC_LAUNCH_LIMITS | TPROC_LAUNCH_SHELL | TPROC_LAUNCH_CRASH_REPORT | TPROC_LAUNCH_STAY |                 \
   TPROC_LAUNCH_NEVER_FORKS | TPROC_LAUNCH_SCHEDULING | TPROC_LAUNCH_IO_PRIORITY | TPROC_LAUNCH_PERSONALITY | \
   TPROC_LAUNCH_EXACT | TPROC_LAUNCH_TERMINAL_FD | TPROC_LAUNCH_SPILL | TPROC_LAUNCH_HOLD)

#define STDIO_COUNT 3
#define SIGNAL_BIT(signal) (1ull << ((signal)-1))
#define NICE_MIN (-20)
#define NICE_MAX 19
#define REALTIME_PRIORITY_MIN 1
#define REALTIME_PRIORITY_MAX 99
#define IO_PRIORITY_CLASS_SHIFT 13
#define IO_PRIORITY_CLASS_MAX 3 /* idle */

static int check_stdio(const struct tproc_launch *launch, struct tproc_error *error) {
  static const char *const names[STDIO_COUNT] = {"stdin", "stdout", "stderr"};
  for (int i = 0; i < STDIO_COUNT; i++)
    if (launch->stdio[i] != TPROC_FD_CLOSED && fcntl(launch->stdio[i], F_GETFD) < 0)
      return tproc_fail(error, errno, "%s: descriptor %d", names[i], launch->stdio[i]);
  return 0;
}

static int check_descriptors(const struct tproc_launch *launch, struct tproc_error *error) {
  if (launch->descriptor_count > TPROC_DESCRIPTORS_MAX)
    return tproc_fail_because(error, EINVAL, "%zu descriptors, %d are the most", launch->descriptor_count,
                              TPROC_DESCRIPTORS_MAX);
  if (launch->descriptor_count == 0) return 0;
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return tproc_fail(error, errno, "limit on open files");
  for (size_t i = 0; i < launch->descriptor_count; i++) {
    const struct tproc_descriptor *wanted = &launch->descriptors[i];
    if (wanted->number < STDIO_COUNT)
      return tproc_fail_because(error, EBADF, "descriptor number %d: those beyond stdio begin at %d", wanted->number,
                                STDIO_COUNT);
    if ((rlim_t)wanted->number >= limit.rlim_max)
      return tproc_fail_because(error, EBADF, "descriptor number %d: the host's hard limit on open files is %llu",
                                wanted->number, (unsigned long long)limit.rlim_max);
    if (fcntl(wanted->source, F_GETFD) < 0)
      return tproc_fail(error, errno, "descriptor number %d: descriptor %d", wanted->number, wanted->source);
  }
  return 0;
}

static int check_terminal(const struct tproc_launch *launch, struct tproc_error *error) {
  if ((launch->flags & TPROC_LAUNCH_TERMINAL_FD) != 0) {
    if ((launch->flags & TPROC_LAUNCH_TERMINAL) != 0)
      return tproc_fail_because(error, EINVAL, "controlling terminal: both stdin and a descriptor");
    if (!isatty(launch->terminal_fd))
      return tproc_fail(error, errno, "controlling terminal: descriptor %d", launch->terminal_fd);
  }
  if ((launch->flags & TPROC_LAUNCH_TERMINAL) == 0) return 0;
  if (launch->stdio[0] == TPROC_FD_CLOSED)
    return tproc_fail_because(error, ENOTTY, "controlling terminal: stdin is to be closed");
  if (!isatty(launch->stdio[0]))
    return tproc_fail(error, errno, "controlling terminal: stdin: descriptor %d", launch->stdio[0]);
  return 0;
}

static int check_signals(const char *what, uint64_t signals, struct tproc_error *error) {
  if ((signals & SIGNAL_BIT(SIGKILL)) != 0) return tproc_fail_because(error, EINVAL, "%s: SIGKILL cannot be", what);
  if ((signals & SIGNAL_BIT(SIGSTOP)) != 0) return tproc_fail_because(error, EINVAL, "%s: SIGSTOP cannot be", what);
  return 0;
}

static int check_limits(const struct tproc_launch *launch, struct tproc_error *error) {
  if ((launch->flags & TPROC_LAUNCH_LIMITS) == 0) return 0;
  if (launch->limits == NULL) return tproc_fail_because(error, EINVAL, "limits: none are given");
  for (int i = 0; i < TPROC_LIMIT_COUNT; i++)
    if (launch->limits[i].soft > launch->limits[i].hard)
      return tproc_fail_because(error, EINVAL, "limit %d: the soft limit %llu is above the hard limit %llu", i,
                                (unsigned long long)launch->limits[i].soft, (unsigned long long)launch->limits[i].hard);
  return 0;
}

/* The kernel's own ranges; it would not say which of the two it does not like. */
static int check_scheduling(const struct tproc_launch *launch, struct tproc_error *error) {
  if ((launch->flags & TPROC_LAUNCH_SCHEDULING) == 0) return 0;
  int lowest = 0, highest = 0;
  switch (launch->policy & ~SCHED_RESET_ON_FORK) {
    case SCHED_FIFO:
    case SCHED_RR:
      lowest = REALTIME_PRIORITY_MIN;
      highest = REALTIME_PRIORITY_MAX;
      break;
    case SCHED_OTHER:
    case SCHED_BATCH:
    case SCHED_IDLE:
      break;
    default:
      return tproc_fail_because(error, EINVAL, "scheduling policy %#x is not known", (unsigned)launch->policy);
  }
  if (launch->priority >= lowest && launch->priority <= highest) return 0;
  return tproc_fail_because(error, EINVAL, "priority %d is not in %d to %d, the range of scheduling policy %d",
                            launch->priority, lowest, highest, launch->policy & ~SCHED_RESET_ON_FORK);
}

static int check_io_priority(const struct tproc_launch *launch, struct tproc_error *error) {
  if ((launch->flags & TPROC_LAUNCH_IO_PRIORITY) == 0) return 0;
  const unsigned class = (unsigned)launch->io_priority >> IO_PRIORITY_CLASS_SHIFT;
  if (class <= IO_PRIORITY_CLASS_MAX) return 0;
  return tproc_fail_because(error, EINVAL, "I/O priority %#x is of no class", (unsigned)launch->io_priority);
}

static int check_cpus(const struct tproc_launch *launch, struct tproc_error *error) {
  if (launch->cpu_words == 0) return 0;
  if (launch->cpu_words > TPROC_CPU_WORDS_MAX)
    return tproc_fail_because(error, EINVAL, "CPUs: %zu words, %d are the most", launch->cpu_words,
                              TPROC_CPU_WORDS_MAX);
  for (size_t i = 0; i < launch->cpu_words; i++)
    if (launch->cpus[i] != 0) return 0;
  return tproc_fail_because(error, EINVAL, "CPUs: none is given to run on");
}

int launch_state_check(const struct tproc_launch *launch, struct tproc_error *error) {
  if ((launch->flags & ~(unsigned)KNOWN_FLAGS) != 0)
    return tproc_fail_because(error, EINVAL, "unknown flags %#x", launch->flags & ~(unsigned)KNOWN_FLAGS);
  if ((launch->flags & TPROC_LAUNCH_STAY) != 0 && (launch->flags & TPROC_LAUNCH_SPILL) != 0)
    return tproc_fail_because(error, EINVAL, "a program that has to stay cannot become an ordinary process (spill)");
  if (launch->umask != TPROC_UMASK_INHERIT && (launch->umask & ~0777) != 0)
    return tproc_fail(error, EINVAL, "umask %#o", (unsigned)launch->umask);
  if ((launch->flags & TPROC_LAUNCH_NICE) != 0 && (launch->nice < NICE_MIN || launch->nice > NICE_MAX))
    return tproc_fail_because(error, EINVAL, "nice value %d is not in %d to %d", launch->nice, NICE_MIN, NICE_MAX);
  int failed = check_stdio(launch, error);
  if (!failed) failed = check_descriptors(launch, error);
  if (!failed) failed = check_terminal(launch, error);
  if (!failed) failed = check_signals("ignored signals", launch->ignored_signals, error);
  if (!failed) failed = check_signals("blocked signals", launch->blocked_signals, error);
  if (!failed) failed = check_limits(launch, error);
  if (!failed) failed = check_scheduling(launch, error);
  if (!failed) failed = check_io_priority(launch, error);
  if (!failed) failed = check_cpus(launch, error);
  return failed;
}

const struct tproc_limit *launch_state_limits(const struct tproc_launch *launch) {
  return (launch->flags & TPROC_LAUNCH_LIMITS) != 0 ? launch->limits : NULL;
}

static int check_directory(int directory, int given, struct tproc_error *error) {
  struct stat status;
  if (fstat(directory, &status) != 0) return tproc_fail(error, errno, "working directory: descriptor %d", given);
  return S_ISDIR(status.st_mode) ? 0 : tproc_fail(error, ENOTDIR, "working directory: descriptor %d", given);
}

int launch_state_check_directory(const struct tproc_launch *launch, struct tproc_error *error) {
  if ((launch->flags & TPROC_LAUNCH_DIRECTORY_FD) == 0) return 0;
  const int given = launch->directory_fd;
  if (launch->directory != NULL)
    return tproc_fail_because(error, EINVAL, "working directory: both a path and a descriptor");
  const int failed = check_directory(given, given, error);
  if (failed) return failed;
  if (faccessat(given, ".", X_OK, AT_EACCESS) == 0) return 0;
  return tproc_fail(error, errno, "enter working directory: descriptor %d", given);
}

/* An own duplicate: the caller's may be closed by another thread, and one who holds it finds no surprise. */
static int duplicate_directory(int given, struct tproc_error *error) {
  const int directory = fcntl(given, F_DUPFD_CLOEXEC, 0);
  if (directory < 0) return tproc_fail(error, errno, "working directory: descriptor %d", given);
  const int failed = check_directory(directory, given, error);
  if (!failed) return directory;
  close(directory);
  return failed;
}

int launch_state_directory(const struct tproc_launch *launch, struct tproc_error *error) {
  const bool given = (launch->flags & TPROC_LAUNCH_DIRECTORY_FD) != 0;
  if (given && launch->directory != NULL)
    return tproc_fail_because(error, EINVAL, "working directory: both a path and a descriptor");
  const char *path = launch->directory != NULL ? launch->directory : ".";
  int directory = -1;
  if (given) {
    directory = duplicate_directory(launch->directory_fd, error);
    if (directory < 0) return directory;
  } else {
    directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return tproc_fail(error, errno, "working directory %s", path);
  }
  /* A descriptor says nothing about the permission to enter; looking up "." needs it. */
  if (faccessat(directory, ".", X_OK, AT_EACCESS) == 0) return directory;
  const int failed = given ? tproc_fail(error, errno, "enter working directory: descriptor %d", launch->directory_fd)
                           : tproc_fail(error, errno, "enter working directory %s", path);
  close(directory);
  return failed;
}

/* Beyond stdio, and all that is wanted. */
static int unwanted_number(const struct tproc_launch *launch) {
  int number = STDIO_COUNT;
  for (size_t i = 0; i < launch->descriptor_count; i++)
    if (launch->descriptors[i].number >= number) number = launch->descriptors[i].number + 1;
  return number;
}

/* A program that runs already receives the same in the same order, under numbers that it says itself. */
static int plan_places(const struct tproc_descriptor *wanted, size_t count, struct child_plan *plan,
                       struct launch_descriptors *descriptors, struct tproc_error *error) {
  descriptors->places = calloc(plan->received_count, sizeof *descriptors->places);
  if (descriptors->places == NULL) return tproc_fail(error, ENOMEM, "place %zu descriptors", count);
  plan->places_end = STDIO_COUNT;
  for (size_t i = 0; i < plan->received_count; i++) {
    descriptors->places[i].number = i < count ? wanted[i].number : -1;
    if (descriptors->places[i].number >= plan->places_end) plan->places_end = descriptors->places[i].number + 1;
  }
  plan->places = descriptors->places;
  return 0;
}

/* The child receives one for each that is wanted, in this order, then the directory's, and a terminal that is apart. */
static int plan_descriptors(const struct tproc_launch *launch, int directory, struct child_plan *plan,
                            struct launch_descriptors *descriptors, struct tproc_error *error) {
  const size_t most = STDIO_COUNT + launch->descriptor_count + 1;
  struct tproc_descriptor *wanted = calloc(most, sizeof *wanted);
  descriptors->sources = calloc(most + 2, sizeof *descriptors->sources);
  int failed = wanted == NULL || descriptors->sources == NULL
                   ? tproc_fail(error, ENOMEM, "place %zu descriptors", launch->descriptor_count)
                   : 0;
  size_t count = 0;
  for (int i = 0; i < STDIO_COUNT && !failed; i++)
    if (launch->stdio[i] != TPROC_FD_CLOSED)
      wanted[count++] = (struct tproc_descriptor){.number = i, .source = launch->stdio[i]};
  for (size_t i = 0; i < launch->descriptor_count && !failed; i++) wanted[count++] = launch->descriptors[i];
  for (size_t i = 0; i < count; i++) {
    descriptors->sources[i] = wanted[i].source;
    wanted[i].source = CHILD_FIRST_RECEIVED + (int)i;
  }
  const bool keeps_socket = plan->prepared && !plan->ready;
  if (keeps_socket && !failed) {
    plan->last_socket = plan->link != 0 ? plan->link : unwanted_number(launch);
    wanted[count] = (struct tproc_descriptor){.number = plan->last_socket, .source = CHILD_FIRST_RECEIVED - 1};
  }
  if (!failed) failed = descriptor_steps_make(wanted, count + keeps_socket, &descriptors->steps, error);
  if (failed) {
    free(wanted);
    return failed;
  }
  descriptors->sources[count] = directory;
  plan->directory = CHILD_FIRST_RECEIVED + (int)count;
  descriptors->source_count = count + 1;
  if ((launch->flags & TPROC_LAUNCH_TERMINAL) != 0) plan->terminal = CHILD_FIRST_RECEIVED; /* stdin's comes first */
  if ((launch->flags & TPROC_LAUNCH_TERMINAL_FD) != 0) {
    plan->terminal = CHILD_FIRST_RECEIVED + (int)descriptors->source_count;
    descriptors->sources[descriptors->source_count++] = launch->terminal_fd;
  }
  plan->received_count = descriptors->source_count;
  plan->descriptor_steps = descriptors->steps.steps;
  plan->descriptor_step_count = descriptors->steps.count;
  if (plan->ready) failed = plan_places(wanted, count, plan, descriptors, error);
  free(wanted);
  return failed;
}

void launch_descriptors_release(struct launch_descriptors *descriptors) {
  descriptor_steps_release(&descriptors->steps);
  free(descriptors->sources);
  free(descriptors->places);
  descriptors->sources = NULL;
  descriptors->places = NULL;
  descriptors->source_count = 0;
}

static void plan_scheduling(const struct tproc_launch *launch, struct child_plan *plan) {
  plan->nice_set = (launch->flags & TPROC_LAUNCH_NICE) != 0;
  plan->nice = launch->nice;
  plan->policy_set = (launch->flags & TPROC_LAUNCH_SCHEDULING) != 0;
  plan->policy = launch->policy;
  plan->priority = launch->priority;
  plan->io_priority_set = (launch->flags & TPROC_LAUNCH_IO_PRIORITY) != 0;
  plan->io_priority = launch->io_priority;
  plan->personality_set = (launch->flags & TPROC_LAUNCH_PERSONALITY) != 0;
  plan->personality = launch->personality & ~(unsigned)READ_IMPLIES_EXEC;
  plan->cpus = launch->cpus;
  plan->cpu_words = launch->cpu_words;
}

static void plan_limits(const struct tproc_launch *launch, struct child_plan *plan) {
  const struct tproc_limit *limits = launch_state_limits(launch);
  if (limits != NULL) {
    /* These two limit the address space, which the host and all threadprocs share. */
    plan->limits_set = ((1u << TPROC_LIMIT_COUNT) - 1) & ~(1u << RLIMIT_AS) & ~(1u << RLIMIT_DATA);
    for (int i = 0; i < TPROC_LIMIT_COUNT; i++) plan->limits[i] = limits[i];
  }
  struct rlimit own;
  if (launch->descriptor_count == 0 || getrlimit(RLIMIT_NOFILE, &own) != 0) return;
  plan->files_while_placing = (struct tproc_limit){.soft = own.rlim_max, .hard = own.rlim_max};
  if (limits != NULL) return;
  plan->limits_set = 1u << RLIMIT_NOFILE;
  plan->limits[RLIMIT_NOFILE] = (struct tproc_limit){.soft = own.rlim_cur, .hard = own.rlim_max};
}

int launch_state_plan(const struct tproc_launch *launch, int directory, struct child_plan *plan,
                      struct launch_descriptors *descriptors, struct tproc_error *error) {
  plan->session = (launch->flags & (TPROC_LAUNCH_SESSION | TPROC_LAUNCH_TERMINAL | TPROC_LAUNCH_TERMINAL_FD)) != 0;
  plan->umask = launch->umask;
  plan->ignored_signals = launch->ignored_signals;
  plan->blocked_signals = launch->blocked_signals;
  plan->held = (launch->flags & TPROC_LAUNCH_HOLD) != 0;
  plan->exact = (launch->flags & TPROC_LAUNCH_EXACT) != 0;
  plan_scheduling(launch, plan);
  plan_limits(launch, plan);
  return plan_descriptors(launch, directory, plan, descriptors, error);
}
