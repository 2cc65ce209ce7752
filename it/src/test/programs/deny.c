/*
 * Runs a program under a seccomp filter that refuses system calls, as containers do:
 *
 *   deny CALL=ERRNO … -- PROGRAM ARGUMENTS
 *
 * CALL is clone3, seccomp, pidfd_open, pidfd_getfd, kcmp, clone-process (clone that shares the address space without
 * making a thread), or seccomp-listener (seccomp that asks for a listener).
 * ERRNO is EPERM or ENOSYS.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LIMIT 64

static struct sock_filter filter[LIMIT];
static unsigned short length;

static void add(struct sock_filter instruction) {
  if (length < LIMIT) {
    filter[length++] = instruction;
  }
}

static void load(size_t offset) { add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset)); }

static void refuse(long number, int error) {
  load(offsetof(struct seccomp_data, nr));
  add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1));
  add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error));
}

static void refuse_sharing_processes(int error) {
  load(offsetof(struct seccomp_data, nr));
  add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4));
  load(offsetof(struct seccomp_data, args));
  add((struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, CLONE_VM | CLONE_THREAD));
  add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CLONE_VM, 0, 1));
  add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error));
}

static void refuse_listeners(int error) {
  load(offsetof(struct seccomp_data, nr));
  add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 3));
  load(offsetof(struct seccomp_data, args[1]));
  add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SECCOMP_FILTER_FLAG_NEW_LISTENER, 0, 1));
  add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error));
}

static const struct {
  const char *name;
  long number;
} plain[] = {{"clone3", SYS_clone3},
             {"seccomp", SYS_seccomp},
             {"pidfd_open", SYS_pidfd_open},
             {"pidfd_getfd", SYS_pidfd_getfd},
             {"kcmp", SYS_kcmp}};

static int is(const char *text, size_t size, const char *name) {
  return strlen(name) == size && strncmp(text, name, size) == 0;
}

static int rule(const char *text) {
  const char *separator = strchr(text, '=');
  if (separator == NULL) {
    return -1;
  }
  int error = strcmp(separator + 1, "ENOSYS") == 0 ? ENOSYS : EPERM;
  size_t size = (size_t)(separator - text);
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
    if (is(text, size, plain[i].name)) {
      refuse(plain[i].number, error);
      return 0;
    }
  }
  if (is(text, size, "clone-process")) {
    refuse_sharing_processes(error);
  } else if (is(text, size, "seccomp-listener")) {
    refuse_listeners(error);
  } else {
    return -1;
  }
  return 0;
}

int main(int argc, char *argv[]) {
  int at = 1;
  for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
    if (rule(argv[at]) != 0) {
      fprintf(stderr, "deny: what is %s?\n", argv[at]);
      return 2;
    }
  }
  if (at + 1 >= argc) {
    fprintf(stderr, "usage: deny CALL=ERRNO ... -- PROGRAM ARGUMENTS\n");
    return 2;
  }
  add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  struct sock_fprog program = {length, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    perror("deny: cannot install the filter");
    return 2;
  }
  execvp(argv[at + 1], argv + at + 1);
  perror("deny: cannot run the program");
  return 127;
}
