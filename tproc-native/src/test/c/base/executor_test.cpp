#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "support/patience.h"
#include "support/resources.h"

extern "C" {
#include "base/executor.h"
}

TEST_SUITE_BEGIN("executor");

namespace {

struct Executor {
  executor threads{};

  Executor() {
    const executor_options options = {.name = "tried", .what = "the thread", .kept = nullptr, .kept_count = 0};
    REQUIRE(executor_start(&threads, &options, nullptr) == 0);
  }
  ~Executor() { executor_stop(&threads); }
};

struct Crowd {
  std::atomic<bool> gate{false};
  std::atomic<int> begun{0};
};

void wait_at_gate(void *argument) {
  auto *const crowd = static_cast<Crowd *>(argument);
  ++crowd->begun;
  eventually([crowd] { return crowd->gate.load(); });
}

// The kernel lists a thread for a moment after it has been joined.
bool becomes(size_t threads) {
  return eventually([threads] { return Resources::now().threads == threads; });
}

}  // namespace

TEST_CASE("calls apart run at once, and no thread of theirs is left") {
  constexpr int callers = 20;
  const Resources before = Resources::settled();
  {
    Executor executor;
    Crowd crowd;
    std::vector<std::thread> all;
    all.reserve(callers);
    for (int i = 0; i < callers; i++)
      all.emplace_back([&] { CHECK(executor_call_apart(&executor.threads, wait_at_gate, &crowd) == 0); });
    CHECK(eventually([&crowd] { return crowd.begun == callers; }));
    crowd.gate = true;
    for (std::thread &each : all) each.join();
    const size_t own = 1;
    CHECK(becomes(before.threads + own));
  }
  CHECK(becomes(before.threads));
}

TEST_SUITE_END();
