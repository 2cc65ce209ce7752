#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

extern "C" {
#include "base/gate.h"
}

TEST_SUITE_BEGIN("gate");

TEST_CASE("one thread at a time is behind a gate, also when another opens it") {
  constexpr int threads = 8, rounds = 2000;
  gate gate{};
  int behind = 0, most = 0, passed = 0; /* plain: only who is behind the gate touches them */
  std::atomic<int> to_open{0};
  std::atomic<bool> over{false};
  std::thread opener([&] {
    while (!over)
      if (to_open.load() > 0) {
        behind--;
        to_open--;
        gate_open(&gate);
      } else {
        std::this_thread::yield();
      }
  });
  std::vector<std::thread> all;
  for (int i = 0; i < threads; i++)
    all.emplace_back([&] {
      for (int round = 0; round < rounds; round++) {
        gate_enter(&gate);
        behind++;
        if (behind > most) most = behind;
        passed++;
        to_open++;
      }
    });
  for (std::thread &each : all) each.join();
  gate_enter(&gate); /* the last one has been let go */
  over = true;
  opener.join();
  CHECK(most == 1);
  CHECK(passed == threads * rounds);
}

TEST_SUITE_END();
