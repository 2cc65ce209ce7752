// Forbids system calls to the calling process, as sandboxes do. For good: use it in a process of its own.
#ifndef TPROC_TEST_SYSTEM_CALL_FILTER_H
#define TPROC_TEST_SYSTEM_CALL_FILTER_H

#include <vector>

struct Forbidden {
  long number;
  int code;                  // the errno it gets
  unsigned long unless = 0;  // allowed when its first argument has one of these bits
};

// For all threads of the process.
void forbid(const std::vector<Forbidden> &calls);

#endif
