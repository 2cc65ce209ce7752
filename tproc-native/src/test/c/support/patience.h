// Waiting for what happens by itself, a moment later.
#ifndef TPROC_TEST_PATIENCE_H
#define TPROC_TEST_PATIENCE_H

#include <ctime>
#include <functional>

// Asks again and again until it is so; gives up after 20 seconds.
inline bool eventually(const std::function<bool()> &is_so) {
  const timespec millisecond{0, 1000000};
  for (int tries = 0; tries < 20000; tries++) {
    if (is_so()) return true;
    nanosleep(&millisecond, nullptr);
  }
  return false;
}

#endif
