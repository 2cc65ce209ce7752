/* state ADDRESS: writes the state it finds itself in to the struct state_report at ADDRESS, and exits with 0. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "report.h"

static uint64_t floating_point_control(void) {
#if defined(__x86_64__)
  uint32_t mxcsr = 0;
  uint16_t x87 = 0;
  __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
  __asm__ volatile("fnstcw %0" : "=m"(x87));
  return mxcsr | (uint64_t)x87 << 32;
#else
  uint64_t control = 0;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  return control;
#endif
}

static void report_descriptor(struct state_report *report, int number) {
  struct stat status;
  const int flags = fcntl(number, F_GETFD);
  if (flags < 0 || fstat(number, &status) != 0) return;
  if (report->open_descriptors < DESCRIPTORS_REPORTED)
    report->descriptors[report->open_descriptors] =
        (struct descriptor_report){number, flags, status.st_dev, status.st_ino};
  report->open_descriptors++;
  if (number > report->highest_descriptor) report->highest_descriptor = number;
}

static void report_descriptors(struct state_report *report) {
  report->highest_descriptor = -1;
  DIR *directory = opendir("/proc/self/fd");
  if (directory == NULL) { /* the table is full */
    for (int number = 0; number < 65536; number++) report_descriptor(report, number);
    return;
  }
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
    if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(directory))
      report_descriptor(report, atoi(entry->d_name));
  closedir(directory);
}

static void report_limits(struct state_report *report) {
  for (int i = 0; i < LIMITS_REPORTED; i++) {
    struct rlimit limit = {0, 0};
    getrlimit(i, &limit);
    report->soft_limits[i] = limit.rlim_cur;
    report->hard_limits[i] = limit.rlim_max;
  }
}

static void report_scheduling(struct state_report *report) {
  struct sched_param parameters = {0};
  report->nice = getpriority(PRIO_PROCESS, 0);
  report->policy = sched_getscheduler(0);
  sched_getparam(0, &parameters);
  report->priority = parameters.sched_priority;
  report->io_priority = (int32_t)syscall(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, 0);
  report->personality = (uint32_t)personality(0xffffffff);
  syscall(SYS_sched_getaffinity, 0, sizeof report->cpus, report->cpus);
}

static void report_signals(struct state_report *report) {
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &report->blocked_signals, 8);
  syscall(SYS_rt_sigpending, &report->pending_signals, 8);
  for (int signal = 1; signal <= 64; signal++) {
    uint64_t action[4] = {0};
    if (syscall(SYS_rt_sigaction, signal, NULL, action, 8) == 0 && action[0] != 0)
      report->changed_dispositions |= 1ull << (signal - 1);
    if (action[0] == 1) report->ignored_signals |= 1ull << (signal - 1);
  }
}

int main(int argc, char **argv, char **envp) {
  if (argc < 2) return 2;
  struct state_report *report = (struct state_report *)strtoul(argv[1], NULL, 16);
  memset(report, 0, sizeof *report);
  report->floating_point_control = floating_point_control();
  report->pid = getpid();
  report->parent = getppid();
  report->group = getpgrp();
  report->session = getsid(0);
  report_descriptors(report);
  report_signals(report);
  report_limits(report);
  report->terminal_session = tcgetsid(0);
  report->terminal_group = tcgetpgrp(0);
  report_scheduling(report);
  report->umask = (int32_t)umask(0);
  prctl(PR_GET_PDEATHSIG, &report->parent_death_signal);
  report->no_new_privileges = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
  prctl(PR_GET_NAME, report->name);
  if (getcwd(report->directory, sizeof report->directory) == NULL) report->directory[0] = '\0';
  struct stat here;
  if (stat(".", &here) == 0) report->directory_inode = here.st_ino;
  report->argc = (uint64_t)argc;
  report->argv = (const char *const *)argv;
  report->envp = (const char *const *)envp;
  while (*envp != NULL) envp++;
  report->auxv = (const uint64_t *)(envp + 1);
  report->thread_pointer = (uint64_t)__builtin_thread_pointer();
  __atomic_store_n(&report->done, 1, __ATOMIC_RELEASE);
  return 0;
}
