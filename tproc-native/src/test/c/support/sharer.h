// The test program "sharer", and waiting for it to stop.
#ifndef TPROC_TEST_SHARER_H
#define TPROC_TEST_SHARER_H

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "support/hosting.h"

inline Launch sharer(sharer_report *report, std::vector<std::string> what) {
  what.insert(what.begin(), address_of(report));
  return Launch(test_program("sharer"), what);
}

inline void await_stop(sharer_report &report) {
  while (__atomic_load_n(&report.stopped, __ATOMIC_ACQUIRE) == 0)
    syscall(SYS_futex, &report.stopped, FUTEX_WAIT, 0, nullptr, nullptr, 0);
}

#endif
