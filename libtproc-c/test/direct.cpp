// A C++ program that is not hosted, and the C++ header.
#include <atomic>
#include <tproc.hpp>

#include "tests.h"

struct Counters {
  std::atomic<long> started;
};

int main() {
  expect_no_host();
  EXPECT(!tproc::is_threadproc());
  EXPECT(tproc::scratch() == nullptr);
  EXPECT(tproc::scratch_size() == 0);
  EXPECT(tproc::scratch_as<Counters>() == nullptr);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
