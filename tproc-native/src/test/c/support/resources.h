// What a process holds, counted: a test compares before and after.
#ifndef TPROC_TEST_RESOURCES_H
#define TPROC_TEST_RESOURCES_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

struct Resources {
  size_t descriptors = 0;
  size_t threads = 0;
  size_t children = 0;             // also zombies, also those without an exit signal
  size_t mappings = 0;             // of all kinds but the memory that malloc and thread stacks keep in reserve
  std::vector<std::string> names;  // of all of them, in order

  static Resources now();
  // As soon as nothing changes any more: the broker closes a listener a moment after its last process has gone.
  static Resources settled();
  std::string text() const;
};

// What there is more than `before`, after a grace of a few seconds for what goes away by itself ("": nothing): how much
// of each kind, and what has come.
std::string left_behind(const Resources &before);

// Runs `work` once to warm up libc's own caches, then a few times more, and says what these left behind ("" : nothing).
std::string leaks_of(const std::function<void()> &work, int times = 3);

#endif
