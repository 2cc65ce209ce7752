#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>

extern "C" {
#include "base/thread.h"
}

namespace {

void *wait_for_end(void *argument) {
  static_cast<std::promise<void> *>(argument)->get_future().wait();
  return nullptr;
}

// As whoever lists this process's threads from outside sees them.
int threads_named(const std::string &name) {
  int count = 0;
  for (const auto &thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(thread.path() / "comm");
    std::string found;
    if (std::getline(file, found) && found == name) count++;
  }
  return count;
}

}  // namespace

TEST_SUITE_BEGIN("thread");

TEST_CASE("a thread has its name when its start returns") {
  std::array<std::promise<void>, 50> ends;
  std::array<pthread_t, ends.size()> threads{};
  for (size_t i = 0; i < ends.size(); i++) {
    REQUIRE(thread_start(&threads[i], 256 * 1024, "named-at-once", wait_for_end, &ends[i]) == 0);
    CHECK(threads_named("named-at-once") == static_cast<int>(i) + 1);
  }
  for (size_t i = 0; i < ends.size(); i++) {
    ends[i].set_value();
    pthread_join(threads[i], nullptr);
  }
}

TEST_SUITE_END();
