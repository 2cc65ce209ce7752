/*
 * views WORD…: what /proc/self and prctl say of the program's arguments, environment and auxv, compared with what it
 * has; in a second thread, in a forked child, and when it has given itself a longer title, too. Prints what differs, a
 * line each, and "done" at the end. A process of its own sees the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PR_GET_AUXV
#define PR_GET_AUXV 0x41555856
#endif

#define EXPECT(condition)                                           \
  do {                                                              \
    if (!(condition)) printf("%d: %s, %m\n", __LINE__, #condition); \
  } while (0)

#define TEXT_SIZE 65536

static char **arguments;

static size_t read_file(int file, char *text) {
  size_t size = 0;
  for (ssize_t got; (got = read(file, text + size, TEXT_SIZE - size)) > 0;) size += (size_t)got;
  EXPECT(file >= 0);
  close(file);
  return size;
}

static int is_text(int file, const char *const *strings) {
  static char text[TEXT_SIZE];
  const size_t size = read_file(file, text);
  size_t at = 0;
  for (; *strings != NULL; strings++) {
    const size_t length = strlen(*strings) + 1;
    if (at + length > size || memcmp(text + at, *strings, length) != 0) return 0;
    at += length;
  }
  return at == size;
}

static unsigned long value_in(const unsigned long *entries, size_t size, unsigned long type) {
  for (size_t i = 0; i + 1 < size / sizeof *entries; i += 2)
    if (entries[i] == type) return entries[i + 1];
  return 0;
}

static void use_auxv(void) {
  static unsigned long entries[TEXT_SIZE / sizeof(long)], told[TEXT_SIZE / sizeof(long)];
  const size_t size = read_file(open("/proc/self/auxv", O_RDONLY), (char *)entries);
  EXPECT(value_in(entries, size, AT_PHDR) == getauxval(AT_PHDR));
  EXPECT(value_in(entries, size, AT_ENTRY) == getauxval(AT_ENTRY));
  EXPECT(value_in(entries, size, AT_RANDOM) == getauxval(AT_RANDOM));
  EXPECT(value_in(entries, size, AT_EXECFN) == getauxval(AT_EXECFN));
  const int all = prctl(PR_GET_AUXV, told, sizeof told, 0, 0);
  if (all == -1 && errno == EINVAL && getauxval(AT_SYSINFO_EHDR) != 0) {
    EXPECT(prctl(PR_GET_AUXV, told, 0, 0, 0) == -1); /* a kernel without: before Linux 6.4 */
    return;
  }
  EXPECT(all >= (int)size && memcmp(told, entries, size) == 0);
  memset(told, 0xff, sizeof told);
  EXPECT(prctl(PR_GET_AUXV, told, sizeof *told, 0, 0) == all && told[0] == entries[0] && told[1] == ~0ul);
  EXPECT(prctl(PR_GET_AUXV, told, 0, 0, 0) == all);
  EXPECT(prctl(PR_GET_AUXV, told, sizeof told, 1, 0) == -1 && errno == EINVAL);
  EXPECT(prctl(PR_GET_AUXV, 8, sizeof told, 0, 0) == -1 && errno == EFAULT);
}

static void use_texts(void) {
  const char *const *argv = (const char *const *)arguments, *const *envp = (const char *const *)environ;
  EXPECT(is_text(open("/proc/self/cmdline", O_RDONLY), argv));
  EXPECT(is_text(open("/proc/self/environ", O_RDONLY), envp));
  FILE *file = fopen("/proc/self/cmdline", "r");
  EXPECT(file != NULL && fgetc(file) == arguments[0][0] && fclose(file) == 0);
  const int self = open("/proc/self", O_PATH | O_DIRECTORY), again = openat(self, "/proc/self/cmdline", O_CLOEXEC);
  EXPECT(fcntl(again, F_GETFD) == FD_CLOEXEC && is_text(again, argv));
  EXPECT(write(open("/proc/self/environ", O_RDONLY), "x", 1) == -1 && errno == EBADF);
  EXPECT(open("/proc/self/cmdline", O_RDONLY | O_DIRECTORY) == -1 && errno == ENOTDIR);
  close(self);
}

static void *use_all(void *unused) {
  use_texts();
  use_auxv();
  return unused;
}

/* As setproctitle: up to a NUL that stands where the environment was. */
static void use_title(int argc) {
  char *const last = arguments[argc - 1] + strlen(arguments[argc - 1]);
  const char *const title[] = {arguments[0], NULL};
  memset(arguments[0], 'x', (size_t)(last + 1 - arguments[0]));
  EXPECT(is_text(open("/proc/self/cmdline", O_RDONLY), title));
  EXPECT(strlen(title[0]) > (size_t)(last + 1 - arguments[0]));
}

int main(int argc, char **argv) {
  pthread_t thread;
  int status = -1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  arguments = argv;
  use_all(NULL);
  EXPECT(pthread_create(&thread, NULL, use_all, NULL) == 0 && pthread_join(thread, NULL) == 0);
  const pid_t child = fork();
  if (child == 0) {
    use_all(NULL);
    _exit(0);
  }
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  if (environ[0] != NULL) use_title(argc);
  puts("done");
  return 0;
}
