/* Prints what a process is born with, one "name=value" a line, for a test to compare with what was asked for. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void print_open_descriptors(void) {
  DIR *directory = opendir("/proc/self/fd");
  int own = directory == NULL ? -1 : dirfd(directory);
  printf("descriptors=");
  for (const struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] != '.' && atoi(entry->d_name) != own) {
      printf("%s ", entry->d_name);
    }
  }
  puts("");
  printf("descriptorFlags=%d %d %d\n", fcntl(0, F_GETFD), fcntl(1, F_GETFD), fcntl(2, F_GETFD));
  if (directory != NULL) {
    closedir(directory);
  }
}

static void print_signals(void) {
  sigset_t blocked;
  sigprocmask(SIG_BLOCK, NULL, &blocked);
  printf("blockedSignals=");
  for (int signal = 1; signal <= SIGRTMAX; signal++) {
    if (sigismember(&blocked, signal) == 1) {
      printf("%d ", signal);
    }
  }
  printf("\nchangedDispositions=");
  for (int signal = 1; signal <= SIGRTMAX; signal++) {
    struct sigaction action;
    if (sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_DFL) {
      printf("%d ", signal);
    }
  }
  stack_t alternate;
  sigaltstack(NULL, &alternate);
  printf("\nalternateStack=%s\n", (alternate.ss_flags & SS_DISABLE) != 0 ? "none" : "set");
}

static void print_status_lines(void) {
  static const char *const wanted[] = {"Name",   "Threads", "SigPnd", "ShdPnd",
                                       "SigBlk", "SigIgn",  "SigCgt", "TracerPid"};
  FILE *status = fopen("/proc/self/status", "re");
  char line[512];
  while (status != NULL && fgets(line, sizeof line, status) != NULL) {
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
      size_t length = strlen(wanted[i]);
      if (strncmp(line, wanted[i], length) == 0 && line[length] == ':') {
        printf("%s=%s", wanted[i], line + length + 1 + strspn(line + length + 1, " \t"));
      }
    }
  }
  if (status != NULL) {
    fclose(status);
  }
}

static void print_limit(const char *name, int resource) {
  struct rlimit limit;
  getrlimit((__rlimit_resource_t)resource, &limit);
  printf("%s=%lld %lld\n", name, (long long)limit.rlim_cur, (long long)limit.rlim_max);
}

int main(void) {
  print_open_descriptors();  // first: stdio may open nothing before it
  char cwd[PATH_MAX];
  mode_t mask = umask(0);
  umask(mask);
  printf("cwd=%s\n", getcwd(cwd, sizeof cwd) == NULL ? strerror(errno) : cwd);
  printf("umask=%04o\n", (unsigned)mask);
  printf("pid=%d\nparent=%d\ngroup=%d\nsession=%d\n", getpid(), getppid(), getpgrp(), getsid(0));
  printf("ids=%d %d %d %d\n", getuid(), geteuid(), getgid(), getegid());
  printf("nice=%d\n", getpriority(PRIO_PROCESS, 0));
  print_limit("stackLimit", RLIMIT_STACK);
  print_limit("fileLimit", RLIMIT_NOFILE);
  print_limit("coreLimit", RLIMIT_CORE);
  print_signals();
  print_status_lines();
  return 0;
}
