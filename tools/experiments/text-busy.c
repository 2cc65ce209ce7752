/*
 * What could keep the file of a hosted program from being written to while it runs (docs/decisions/text-busy.md).
 * Natively the kernel does: the file of a memory's executable cannot be opened for writing.
 *
 *   gcc -O1 tools/experiments/text-busy.c -o /tmp/text-busy && cd /tmp && ./text-busy
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILE_NAME "./text-busy-program"
#define PAGE 4096

static sigjmp_buf before;

static void leave(int signal) { siglongjmp(before, signal); }

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int fresh(int flags) {
  unlink(FILE_NAME); /* mappings of the last one are writers */
  if (system("cp /bin/true " FILE_NAME) != 0) fail("cp");
  const int file = open(FILE_NAME, flags);
  if (file < 0) fail("open");
  return file;
}

static const char *write_open(void) {
  const int file = open(FILE_NAME, O_WRONLY);
  if (file < 0) return strerror(errno);
  close(file);
  return "can be opened for writing";
}

static void try_mapping(void) {
  const int file = fresh(O_RDONLY);
  if (mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_DENYWRITE, file, 0) == MAP_FAILED) fail("mmap");
  printf("MAP_DENYWRITE: the file %s\n", write_open());
  printf("PR_SET_MM_EXE_FILE: %s\n",
         prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, file, 0, 0) == 0 ? "done" : strerror(errno));
  close(file);
}

/* A page that the program has written to is its own, but goes with the file's. */
static void try_copies(void) {
  const int file = fresh(O_RDWR);
  volatile char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  if (page == MAP_FAILED) fail("mmap");
  page[0] = 1;
  if (ftruncate(file, 0) != 0) fail("ftruncate");
  signal(SIGBUS, leave);
  if (sigsetjmp(before, 1) == 0)
    printf("a private copy after truncation: %d\n", page[0]);
  else
    puts("a private copy after truncation: SIGBUS");
  close(file);
}

static pid_t execute(int traced) {
  char *const arguments[] = {"keeper", NULL}, *const environment[] = {NULL};
  const pid_t child = fork();
  if (child != 0) return child;
  if (traced) ptrace(PTRACE_TRACEME, 0, NULL, NULL);
  execve(FILE_NAME, arguments, environment);
  _exit(errno == ETXTBSY ? 26 : 1);
}

/* The writer waits while a process is started to take its place; it counts as a writer already. */
static void try_lease(void) {
  int status;
  const int file = fresh(O_RDONLY);
  signal(SIGIO, SIG_IGN);
  if (fcntl(file, F_SETLEASE, F_RDLCK) != 0) fail("F_SETLEASE");
  const pid_t writer = fork();
  if (writer == 0) _exit(open(FILE_NAME, O_WRONLY) < 0);
  while (fcntl(file, F_GETLEASE) != F_UNLCK) usleep(1000);
  waitpid(execute(0), &status, 0);
  printf("an execution while a writer waits for a lease: %s\n", WEXITSTATUS(status) == 26 ? "ETXTBSY" : "done");
  if (fcntl(file, F_SETLEASE, F_UNLCK) != 0) fail("F_UNLCK");
  waitpid(writer, &status, 0);
  printf("the writer then: %s\n", status == 0 ? "opens it" : "is refused");
  close(file);
}

static double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void try_keeper(void) {
  int status;
  close(fresh(O_RDONLY));
  const double begin = microseconds();
  const pid_t keeper = execute(1);
  waitpid(keeper, &status, 0);
  ptrace(PTRACE_SETOPTIONS, keeper, NULL, (void *)(long)PTRACE_O_EXITKILL);
  printf("a keeper, stopped after %.0f us: %s\n", microseconds() - begin, write_open());
  kill(keeper, SIGKILL);
  waitpid(keeper, &status, 0);
  printf("without it: the file %s\n", write_open());
}

int main(void) {
  setbuf(stdout, NULL);
  try_mapping();
  try_copies();
  try_lease();
  try_keeper();
  unlink(FILE_NAME);
  return 0;
}
