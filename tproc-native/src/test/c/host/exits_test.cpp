#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <set>
#include <thread>
#include <vector>

#include "support/hosting.h"

TEST_SUITE_BEGIN("exits");

TEST_CASE("without an exit a poll returns at once, and a wait after its time") {
  Host host;
  tproc_exit exit{};
  CHECK(tproc_host_next_exit(host.get(), 0, &exit, nullptr) == 0);
  CHECK(tproc_host_next_exit(host.get(), 20, &exit, nullptr) == 0);
}

TEST_CASE("a running threadproc is no exit") {
  Host host;
  WaitWord word;
  host.start(Launch(test_program("wait"), {address_of(word.get())}));
  word.await_running();
  tproc_exit exit{};
  CHECK(tproc_host_next_exit(host.get(), 0, &exit, nullptr) == 0);
}

TEST_CASE("an exit before the watch is not lost, and comes with its context") {
  Host host;
  int context = 0;
  const Launched launched = host.launch(Launch(test_program("end"), {"exit", "9"}), false);
  REQUIRE(launched.result == 0);
  tproc_exit exit{};
  CHECK(tproc_host_next_exit(host.get(), 20, &exit, nullptr) == 0);
  REQUIRE(tproc_threadproc_watch(launched.threadproc, &context, nullptr) == 0);
  REQUIRE(tproc_host_next_exit(host.get(), -1, &exit, nullptr) == 1);
  CHECK(exit.threadproc == launched.threadproc);
  CHECK(exit.context == &context);
  CHECK(exit.kind == TPROC_EXITED);
  CHECK(exit.status == 9);
  CHECK(tproc_host_next_exit(host.get(), 0, &exit, nullptr) == 0);
}

TEST_CASE("watching twice is refused") {
  Host host;
  WaitWord word;
  tproc_threadproc *threadproc = host.start(Launch(test_program("wait"), {address_of(word.get())}));
  tproc_error error{};
  CHECK(tproc_threadproc_watch(threadproc, nullptr, &error) == -EEXIST);
  word.await_running();
}

TEST_CASE("a wake-up ends one wait, also when it comes before it") {
  Host host;
  tproc_exit exit{};
  tproc_host_wake(host.get());
  tproc_host_wake(host.get());
  CHECK(tproc_host_next_exit(host.get(), -1, &exit, nullptr) == 0);
  CHECK(tproc_host_next_exit(host.get(), -1, &exit, nullptr) == 0);
  std::thread waiter([&host, &exit] { CHECK(tproc_host_next_exit(host.get(), -1, &exit, nullptr) == 0); });
  tproc_host_wake(host.get());
  waiter.join();
}

TEST_CASE("each exit is returned exactly once, however many threads ask") {
  Host host;
  constexpr int kPrograms = 40, kThreads = 4;
  std::atomic<int> left{kPrograms};
  std::vector<std::vector<int>> seen(kThreads);
  std::vector<std::thread> threads;
  for (std::vector<int> &mine : seen)
    threads.emplace_back([&host, &left, &mine] {
      while (left.load() > 0) {
        tproc_exit exit{};
        const int got = tproc_host_next_exit(host.get(), -1, &exit, nullptr);
        if (got < 0) return;
        if (got == 1) {
          mine.push_back(exit.status);
          if (--left == 0)
            for (int i = 0; i < kThreads; i++) tproc_host_wake(host.get());
        }
      }
    });
  for (int i = 0; i < kPrograms; i++) host.start(Launch(test_program("end"), {"exit", std::to_string(i)}));
  for (std::thread &thread : threads) thread.join();
  std::multiset<int> all;
  for (const std::vector<int> &mine : seen) all.insert(mine.begin(), mine.end());
  CHECK(all.size() == kPrograms);
  for (int i = 0; i < kPrograms; i++) CHECK(all.count(i) == 1);
}

TEST_SUITE_END();
