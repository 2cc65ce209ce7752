/*
 * Asks in every way what /proc/self/exe is, and prints one "way=answer" a line. The same lines natively and hosted.
 *
 *   exe               asks; at the end replaces itself by /proc/self/exe
 *   exe again WAY     what it executes: says so
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINK "/proc/self/exe"

extern char **environ;
static const char *program;

static void say_text(const char *way, const char *text, ssize_t length) {
  if (length < 0)
    printf("%s=%s\n", way, strerrorname_np(errno));
  else
    printf("%s=%.*s\n", way, (int)length, text);
}

/* Whether this is the file that main() was told to be. */
static void say_file(const char *way, int failed, const struct stat *got) {
  struct stat expected;
  if (failed)
    printf("%s=%s\n", way, strerrorname_np(errno));
  else if (stat(program, &expected) != 0)
    printf("%s=?\n", way);
  else
    printf("%s=%s\n", way, got->st_ino == expected.st_ino && got->st_dev == expected.st_dev ? "itself" : "another");
}

static void say_opened(const char *way, int file) {
  struct stat got = {0};
  char magic[4] = "";
  say_file(way, file < 0 || fstat(file, &got) != 0, &got);
  if (file < 0) return;
  if (read(file, magic, sizeof magic) != sizeof magic || memcmp(magic, "\177ELF", 4) != 0) printf("%s: no ELF\n", way);
  printf("%s flags=%d\n", way, fcntl(file, F_GETFD));
  close(file);
}

/* Where it leads to; hosted, it can be read, too. */
static void say_path(const char *way, int file) {
  char text[PATH_MAX], path[64];
  snprintf(path, sizeof path, "/proc/thread-self/fd/%d", file);
  say_text(way, text, file < 0 ? -1 : readlink(path, text, sizeof text));
  if (file >= 0) close(file);
}

static void links(const char *prefix, const char *path) {
  char way[64], text[PATH_MAX];
  snprintf(way, sizeof way, "%s readlink", prefix);
  say_text(way, text, readlink(path, text, sizeof text));
}

static void *in_thread(void *unused) {
  links("thread", LINK);
  links("thread-self", "/proc/thread-self/exe");
  return unused;
}

static void ask(void) {
  char text[PATH_MAX], path[64];
  struct stat got;
  struct statx extended;
  links("main", LINK);
  say_text("short readlink", text, readlink(LINK, text, 5));
  say_text("readlinkat", text, readlinkat(AT_FDCWD, LINK, text, sizeof text));
  say_opened("open", (int)syscall(SYS_openat, AT_FDCWD, LINK, O_RDONLY));
  say_opened("open O_CLOEXEC", open(LINK, O_RDONLY | O_CLOEXEC));
  say_opened("openat", openat(3, LINK, O_RDONLY));
  say_path("open O_PATH", open(LINK, O_PATH | O_CLOEXEC));
  say_opened("open O_PATH O_DIRECTORY", open(LINK, O_PATH | O_DIRECTORY));
  say_opened("open O_EXCL", open(LINK, O_RDONLY | O_CREAT | O_EXCL, 0600));
  say_opened("open to write", open(LINK, O_WRONLY));
  say_file("stat", stat(LINK, &got), &got);
  say_file("fstatat", fstatat(AT_FDCWD, LINK, &got, 0), &got);
  printf("lstat=%s\n", lstat(LINK, &got) == 0 && S_ISLNK(got.st_mode) ? "link" : "?");
  printf("statx=%s\n", statx(AT_FDCWD, LINK, 0, STATX_SIZE, &extended) == 0 && stat(program, &got) == 0 &&
                               (off_t)extended.stx_size == got.st_size
                           ? "itself"
                           : "another");
  snprintf(path, sizeof path, "/proc/%d/exe", getpid());
  links("/proc/PID/exe", path);
  say_text("realpath", realpath(LINK, text), (ssize_t)strlen(text));
  pthread_t thread;
  if (pthread_create(&thread, NULL, in_thread, NULL) == 0) pthread_join(thread, NULL);
}

static void wait_for(const char *way, pid_t child) {
  int status = -1;
  if (child < 0 || waitpid(child, &status, 0) != child) printf("%s: %s\n", way, strerrorname_np(errno));
  if (status != 0) printf("%s: status %d\n", way, status);
}

static void forked_children(void) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    struct stat got;
    links("forked", LINK);
    say_file("forked stat", stat(LINK, &got), &got);
    say_opened("forked open", open(LINK, O_RDONLY));
    fflush(stdout);
    _exit(0);
  }
  wait_for("forked", child);
}

static void executed_children(void) {
  static char *const by_fork[] = {"exe", "again", "fork and execve", NULL};
  static char *const by_vfork[] = {"exe", "again", "vfork and execve", NULL};
  static char *const by_spawn[] = {"exe", "again", "posix_spawn", NULL};
  pid_t child = fork();
  if (child == 0) {
    execv(LINK, by_fork);
    _exit(127);
  }
  wait_for("fork and execve", child);
  child = vfork();
  if (child == 0) {
    execv(LINK, by_vfork);
    _exit(127);
  }
  wait_for("vfork and execve", child);
  links("after vfork", LINK); /* the path's text is whole again */
  fflush(stdout);
  if (posix_spawn(&child, LINK, NULL, NULL, by_spawn, environ) == 0) wait_for("posix_spawn", child);
}

int main(int argc, char *argv[]) {
  static char *const at_last[] = {"exe", "again", "execve", NULL};
  if (argc > 2 && strcmp(argv[1], "again") == 0) {
    printf("executed by %s\n", argv[2]);
    return 0;
  }
  program = argv[0];
  ask();
  forked_children();
  executed_children();
  execv(LINK, at_last);
  return 127;
}
