#include "host/ready_program.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/proc_text.h"
#include "base/process_state.h"
#include "base/small_file.h"
#include "host/prepared_details.h"
#include "loader/linked_objects.h"

#define LINK_MAX 1023
#define STDERR_LIKE 2
#define STATUS_SIZE 16384
#define FURTHER_MAX 5 /* three streams, the directory, a terminal */
#define NANOSECONDS 1e9
#define ASK_PERSONALITY 0xffffffffu

int ready_program_link(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
  const rlim_t highest = files.rlim_cur - 1 < LINK_MAX ? files.rlim_cur - 1 : LINK_MAX;
  return files.rlim_cur > STDERR_LIKE + 1 ? (int)highest : 0;
}

int ready_program_note(struct prepared_program *program, const struct preparation *preparation,
                       struct tproc_error *error) {
  struct prepared_details *details = program->details;
  details->personality = (unsigned)personality(ASK_PERSONALITY);
  int failed =
      leading_arguments_note(&details->leading, &preparation->program, preparation->directory, &details->files);
  if (!failed && preparation->elf.has_interpreter)
    failed = file_list_add(&details->files, preparation->elf.interpreter);
  return failed ? tproc_fail(error, -failed, "identify the files that it is made of") : 0;
}

/* ---- while it prepares ---- */

bool prepared_program_has_news(const struct prepared_program *program, uint64_t now) {
  struct pollfd from[] = {{.fd = program->details->link, .events = POLLIN},
                          {.fd = program->threadproc->pidfd, .events = POLLIN}};
  return now >= program->deadline || poll(from, 2, 0) > 0;
}

int prepared_program_link(const struct prepared_program *program) { return program->details->link; }

/* Its socket ends before it does. */
static int say_how_it_ended(const struct prepared_program *program, struct tproc_error *error) {
  const int pidfd = program->threadproc->pidfd;
  struct pollfd end = {.fd = pidfd, .events = POLLIN};
  siginfo_t info = {0};
  poll(&end, 1, LOOK_MILLISECONDS);
  if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOWAIT | WNOHANG | __WALL) != 0 || info.si_pid == 0)
    return tproc_fail_because(error, ENOTSUP, "it has closed its descriptor %d, or executed another program",
                              program->threadproc->plan.link);
  return tproc_fail_because(error, ESRCH, "it ends before it calls tproc_ready (%s %d)",
                            info.si_code == CLD_EXITED ? "exit status" : "signal", info.si_status);
}

static int hear_ready(const struct prepared_program *program, struct tproc_error *error) {
  char word = 0;
  ssize_t size;
  do {
    size = recv(program->details->link, &word, 1, MSG_DONTWAIT);
  } while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  if (size == 1 && word == CHILD_READY) return 0;
  if (size >= 0 || threadproc_has_ended(program->threadproc)) return say_how_it_ended(program, error);
  return tproc_fail_because(error, ETIMEDOUT, "%s not called tproc_ready within %g seconds",
                            process_is_stopped(program->threadproc->pid) ? "it is stopped, and has" : "it has",
                            (double)(program->deadline - program->made) / NANOSECONDS);
}

/* Libraries that it has loaded itself are among them. */
static int note_libraries(struct prepared_program *program, struct tproc_error *error) {
  struct prepared_details *details = program->details;
  if (details->has_interpreter &&
      !linked_objects_add_loaded(&details->program_image, details->program_header_count, &details->files))
    return tproc_fail_because(error, ENOTSUP, "where its libraries are found cannot be told");
  if (!file_identity_is_older(&program->file, details->started_at) ||
      !file_list_is_older(&details->files, details->started_at))
    return tproc_fail_because(error, EAGAIN, "its files have changed just now");
  return 0;
}

int prepared_program_finish(struct prepared_program *program, struct tproc_error *error) {
  int failed = hear_ready(program, error);
  if (!failed) failed = note_libraries(program, error);
  if (failed) return failed;
  program->threadproc->plan.ready = true;
  program->depth = TPROC_PREPARED_READY;
  program->made = clock_nanoseconds(CLOCK_MONOTONIC);
  return 0;
}

/* ---- at a start ---- */

/* The number of its socket, or one so high that above it is no room for what is received first. */
static bool wants_taken_number(const struct prepared_program *program, const struct tproc_launch *launch) {
  const rlim_t numbers = program->details->inherited.limits[RLIMIT_NOFILE].rlim_max;
  const rlim_t received = launch->descriptor_count + FURTHER_MAX;
  for (size_t i = 0; i < launch->descriptor_count; i++) {
    const int number = launch->descriptors[i].number;
    if (number == program->threadproc->plan.link || (rlim_t)number + received >= numbers) return true;
  }
  return false;
}

/* A limit on its part of the heap would have to be there before it has used that. */
bool ready_program_fits(const struct prepared_program *program, const struct tproc_launch *launch,
                        const struct preparation *preparation) {
  return launch->heap_limit == 0 && !wants_taken_number(program, launch) &&
         leading_arguments_fit(&program->details->leading, &preparation->program, &preparation->directory_identity);
}

static bool has_one_thread(pid_t pid) {
  char path[64], text[STATUS_SIZE];
  int64_t threads = 0;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  return small_file_read(path, text, sizeof text) && proc_parse_field(text, "Threads:\t", 10, &threads) && threads == 1;
}

static bool other_cpus(const struct tproc_launch *launch, pid_t tid) {
  uint64_t cpus[TPROC_CPU_WORDS_MAX] = {0};
  if (launch->cpu_words == 0) return false;
  if (sched_getaffinity(tid, sizeof cpus, (cpu_set_t *)cpus) != 0) return true;
  for (size_t i = 0; i < TPROC_CPU_WORDS_MAX; i++)
    if (cpus[i] != (i < launch->cpu_words ? launch->cpus[i] : 0)) return true;
  return false;
}

/* Launchers hand on what their own process has, which mostly is the same. */
static bool asks_for_threads(const struct prepared_program *program, const struct tproc_launch *launch) {
  const struct prepared_details *details = program->details;
  const struct inherited *has = &details->inherited;
  const unsigned flags = launch->flags;
  return (flags & TPROC_LAUNCH_CRASH_REPORT) != 0 || ((flags & TPROC_LAUNCH_NICE) != 0 && launch->nice != has->nice) ||
         ((flags & TPROC_LAUNCH_SCHEDULING) != 0 && (launch->policy != has->policy || launch->priority != 0)) ||
         ((flags & TPROC_LAUNCH_IO_PRIORITY) != 0 && launch->io_priority != has->io_priority) ||
         ((flags & TPROC_LAUNCH_PERSONALITY) != 0 && launch->personality != details->personality) ||
         other_cpus(launch, program->threadproc->host->spawner.tid);
}

bool ready_program_is_out_of_reach(const struct prepared_program *program, const struct tproc_launch *launch) {
  return asks_for_threads(program, launch) && !has_one_thread(program->threadproc->pid);
}
