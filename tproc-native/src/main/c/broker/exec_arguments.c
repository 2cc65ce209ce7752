#include "broker/exec_arguments.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "base/page.h"

/* Of fs/exec.c and include/uapi/linux/binfmts.h: all strings and pointers, at least and at most, and one string. */
#define ALL_MIN (128u << 10)
#define ALL_MAX (6u << 20)
#define PAGES_OF_ONE 32

#define POINTERS_AT_ONCE 64

/* A part of the caller's memory, as most strings stand one behind the other. */
struct strings {
  const struct target_check *check;
  const struct broker_call *call;
  int memory;
  uint64_t room, at;
  size_t size;
  char bytes[4096];
};

/* Up to the end of a page, but `least`: what follows may be no memory, and some kinds of reading are all or nothing. */
static int64_t read_there(const struct strings *strings, uint64_t address, void *buffer, size_t size, size_t least) {
  const size_t left = page_size() - (address & (page_size() - 1));
  if (size > left) size = left > least ? left : least;
  return target_read_again(strings->check, strings->call, strings->memory, address, buffer, size);
}

/* @return whether the byte at `address` is in `bytes` */
static bool get(struct strings *strings, uint64_t address) {
  if (address >= strings->at && address - strings->at < strings->size) return true;
  const int64_t got = read_there(strings, address, strings->bytes, sizeof strings->bytes, 1);
  strings->at = address;
  strings->size = got > 0 ? (size_t)got : 0;
  return got > 0;
}

/* An address with a tag (aarch64) is the kernel's to judge. */
static int not_there(uint64_t address) { return address >> 56 == 0 ? -EFAULT : 0; }

/* @return 0 or a negative errno */
static int take(struct strings *strings, uint64_t string) {
  for (uint64_t at = string; at - string < PAGES_OF_ONE * page_size();) {
    if (!get(strings, at)) return not_there(at);
    const size_t skipped = (size_t)(at - strings->at), rest = strings->size - skipped;
    const char *end = memchr(strings->bytes + skipped, '\0', rest);
    at += end != NULL ? (uint64_t)(end - strings->bytes) - skipped : rest;
    if (end == NULL) continue;
    if (at - string >= PAGES_OF_ONE * page_size()) break;
    const uint64_t needed = at - string + 1 + sizeof(uint64_t);
    if (needed > strings->room) return -E2BIG;
    strings->room -= needed;
    return 0;
  }
  return -E2BIG;
}

static int take_all(struct strings *strings, uint64_t array) {
  uint64_t pointers[POINTERS_AT_ONCE];
  while (array != 0) {
    const int64_t got =
        read_there(strings, array, pointers, sizeof pointers, sizeof *pointers) / (int64_t)sizeof *pointers;
    if (got <= 0) return not_there(array);
    for (int64_t i = 0; i < got; i++) {
      const int failed = pointers[i] != 0 ? take(strings, pointers[i]) : 0;
      if (failed || pointers[i] == 0) return failed;
    }
    array += (uint64_t)got * sizeof *pointers;
  }
  return 0;
}

static uint64_t room_of(pid_t tid) {
  struct rlimit limit;
  if (prlimit(tid, RLIMIT_STACK, NULL, &limit) != 0 || limit.rlim_cur / 4 > ALL_MAX) return ALL_MAX;
  return limit.rlim_cur / 4 < ALL_MIN ? ALL_MIN : limit.rlim_cur / 4;
}

int exec_arguments_check(const struct target_check *check, const struct broker_call *call, int memory,
                         uint64_t arguments, uint64_t environment) {
  struct strings strings = {.check = check, .call = call, .memory = memory, .room = room_of(call->tid)};
  const int failed = take_all(&strings, arguments);
  return failed ? failed : take_all(&strings, environment);
}
