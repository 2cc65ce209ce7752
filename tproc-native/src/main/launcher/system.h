/*
 * The system calls that the launcher makes, without libc (see start.c). Each returns what the kernel does: a negative
 * errno on failure.
 */
#ifndef TPROC_LAUNCHER_SYSTEM_H
#define TPROC_LAUNCHER_SYSTEM_H

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "base/raw_syscall.h"

#define SIGNAL_SET_SIZE sizeof(uint64_t)

__attribute__((noreturn)) static inline void sys_exit(int code) {
  for (;;) raw_syscall1(SYS_exit_group, code);
}

static inline long sys_read(int descriptor, void *buffer, size_t size) {
  return raw_syscall3(SYS_read, descriptor, buffer, size);
}

static inline long sys_write(int descriptor, const void *buffer, size_t size) {
  return raw_syscall3(SYS_write, descriptor, buffer, size);
}

static inline int sys_open(const char *path, int flags) {
  return (int)raw_syscall4(SYS_openat, AT_FDCWD, path, flags, 0);
}

/** What reading a directory gives, one after the other. */
struct directory_entry {
  uint64_t inode;
  int64_t offset;
  uint16_t size; /**< from this entry to the next */
  uint8_t type;
  char name[];
};

static inline long sys_read_directory(int directory, void *entries, size_t size) {
  return raw_syscall3(SYS_getdents64, directory, entries, size);
}

static inline int sys_close(int descriptor) { return (int)raw_syscall1(SYS_close, descriptor); }

static inline int sys_fcntl(int descriptor, int command, long argument) {
  return (int)raw_syscall3(SYS_fcntl, descriptor, command, argument);
}

static inline int sys_ioctl(int descriptor, unsigned long request, const void *argument) {
  return (int)raw_syscall3(SYS_ioctl, descriptor, request, argument);
}

/** @param milliseconds -1: without end */
static inline int sys_poll(struct pollfd *entries, unsigned count, long milliseconds) {
  struct timespec timeout = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
  return (int)raw_syscall5(SYS_ppoll, entries, count, milliseconds < 0 ? NULL : &timeout, NULL, SIGNAL_SET_SIZE);
}

/** Milliseconds on a clock that only goes forward. */
static inline int64_t sys_milliseconds(void) {
  struct timespec now;
  raw_syscall2(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int sys_pid(void) { return (int)raw_syscall0(SYS_getpid); }

static inline int sys_kill(int pid, int signal) { return (int)raw_syscall2(SYS_kill, pid, signal); }

/** @param anonymous memory of that many bytes, or NULL */
static inline void *sys_map(size_t size) {
  const long result = raw_syscall6(SYS_mmap, 0, (long)size, 3 /* PROT_READ | PROT_WRITE */,
                                   0x22 /* MAP_PRIVATE | MAP_ANONYMOUS */, -1, 0);
  return result < 0 && result > -4096 ? NULL : (void *)result;
}

#endif
