/* Compiled for glibc, as the product is, and loaded into a process of musl: it hosts programs there. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "tproc_core.h"

int tproc_musl_host(const char *const *programs);

static int failed(const char *step, const struct tproc_error *error) {
  fprintf(stderr, "%s: %s\n", step, error->message);
  return -1;
}

/** Runs a program to its end, and returns its exit code. */
static int run(struct tproc_host *host, const char *program, const char *argument) {
  struct tproc_error error = {0};
  const char *const argv[] = {program, argument, NULL};
  const char *const envp[] = {"PATH=/usr/bin:/bin", NULL};
  struct tproc_launch launch = {.program = program, .argv = argv, .envp = envp, .stdio = {0, 1, 2}};
  launch.umask = TPROC_UMASK_INHERIT;
  struct tproc_threadproc *threadproc;
  if (tproc_host_launch(host, &launch, &threadproc, &error) < 0) return failed("launch", &error);
  if (tproc_threadproc_watch(threadproc, threadproc, &error) < 0) return failed("watch", &error);
  struct tproc_exit exit;
  int arrived = tproc_host_next_exit(host, 60000, &exit, &error);
  if (arrived != 1 || exit.kind != TPROC_EXITED) return failed("wait", &error);
  if (tproc_threadproc_close(threadproc, &error) < 0) return failed("close", &error);
  return exit.status;
}

/** Runs each program with the address of a number, where it writes 42. Returns how many have not. */
__attribute__((visibility("default"))) int tproc_musl_host(const char *const *programs) {
  struct tproc_host *host;
  struct tproc_error error = {0};
  if (tproc_host_open(&host, &error) < 0) return failed("open", &error);
  int wrong = 0;
  for (; *programs != NULL; programs++) {
    volatile uint64_t number = 0;
    char address[32];
    snprintf(address, sizeof address, "%#lx", (unsigned long)(uintptr_t)&number);
    const int status = run(host, *programs, address);
    printf("%s: status %d, number %d\n", *programs, status, (int)number);
    wrong += status != 0 || number != 42;
  }
  const struct tproc_launch nowhere = {.program = "/nowhere", .argv = (const char *[]){"x", NULL}};
  struct tproc_threadproc *none;
  if (tproc_host_launch(host, &nowhere, &none, &error) != -ENOENT) wrong++;
  printf("%s\n", error.message);
  tproc_host_close(host);
  return wrong;
}
