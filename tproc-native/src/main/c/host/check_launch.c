/* A launch, to find out whether there can be one: only the very calls of a launch tell what a sandbox makes of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/error.h"
#include "host/check.h"

/* It takes a millisecond; after this time it hangs. */
#define MILLISECONDS_MAX 20000

/* Not among the exit statuses of the program. */
#define NOT_TRIED 256

/* The program, an ELF file of this architecture; see asm. */
extern const char check_program[], check_program_end[];

static int write_program(int file) {
  const size_t size = (size_t)(check_program_end - check_program);
  return write(file, check_program, size) == (ssize_t)size && fchmod(file, 0700) == 0 ? 0 : -errno;
}

/* A file that is not open for writing any more, or it could not be executed. @return a descriptor, or a negative errno
 */
static int make_program(void) {
  int file = memfd_create("tproc-check", MFD_CLOEXEC | MFD_EXEC);
  if (file < 0 && errno == EINVAL) file = memfd_create("tproc-check", MFD_CLOEXEC);
  if (file < 0) return -errno;
  int result = write_program(file);
  if (result == 0) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    result = open(path, O_RDONLY | O_CLOEXEC);
    if (result < 0) result = -errno;
  }
  close(file);
  return result;
}

/*
 * Not in the root directory: there is a way to execute /proc/self/exe without /dev only there.
 *
 * @return its exit status, or a negative errno
 */
static int run(struct tproc_host *host, int file, struct tproc_error *error) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  const struct tproc_launch launch = {.program = path,
                                      .argv = (const char *const[]){path, NULL},
                                      .envp = (const char *const[]){NULL},
                                      .directory = "/proc",
                                      .stdio = {file, TPROC_FD_CLOSED, TPROC_FD_CLOSED},
                                      .umask = TPROC_UMASK_INHERIT};
  struct tproc_threadproc *threadproc;
  struct tproc_exit ended;
  int result = tproc_host_launch(host, &launch, &threadproc, error);
  if (result == 0) result = tproc_threadproc_watch(threadproc, NULL, error);
  if (result == 0) result = tproc_host_next_exit(host, MILLISECONDS_MAX, &ended, error);
  if (result < 0) return result;
  if (result == 0) return tproc_fail_because(error, ETIMEDOUT, "the program that was launched does not end");
  if (ended.kind == TPROC_EXITED) return ended.status;
  return tproc_fail_because(error, EINTR, "the program that was launched ended of signal %d", ended.status);
}

static void find(struct tproc_finding *finding, enum tproc_verdict verdict, const char *value, const char *advice) {
  finding->verdict = verdict;
  snprintf(finding->value, sizeof finding->value, "%.*s", (int)sizeof finding->value - 1, value);
  snprintf(finding->advice, sizeof finding->advice, "%.*s", (int)sizeof finding->advice - 1, advice);
}

static void report(struct tproc_finding *finding, int status, const struct tproc_error *error) {
  if (status < 0) {
    const char *name = strerrorname_np(-status);
    find(finding, TPROC_MISSING, name != NULL ? name : "no", error->message);
  } else if (status == 0) {
    find(finding, TPROC_OK, "yes", "");
  } else if (status == NOT_TRIED) {
    find(finding, TPROC_LIMITED, "not tried", "memory files may not be executed here (vm.memfd_noexec, or a sandbox)");
  } else if (status == 1) {
    find(finding, TPROC_MISSING, "no files",
         "a hosted program could not map a file: neither pidfd_getfd nor /proc/PID/fd let the host reach it");
  } else if (status == 2) {
    find(finding, TPROC_LIMITED, "no fork", "a hosted program could not fork: allow clone here");
  } else {
    find(finding, TPROC_LIMITED, "no exec",
         "a hosted program could not execute /proc/self/exe in its child and wait for it: allow execve, wait4 and "
         "/dev/fd here, mount /proc writable, and let the process be dumpable");
  }
}

void check_launch(struct tproc_finding *finding) {
  struct tproc_error error = {0};
  struct tproc_host *host;
  const int file = make_program();
  int status = tproc_host_open(&host, &error);
  if (status == 0) {
    status = file >= 0 ? run(host, file, &error) : NOT_TRIED;
    tproc_host_close(host);
  }
  if (file >= 0) close(file);
  report(finding, status, &error);
}
