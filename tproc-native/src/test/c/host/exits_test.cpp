#include <doctest/doctest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <set>
#include <thread>
#include <vector>

#include "support/hosting.h"
#include "support/own_process.h"

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

TEST_CASE("one that a debugger holds holds up no other, and its exit comes when it is let go") {
  Host host;
  WaitWord word;
  tproc_threadproc *held = host.start(Launch(test_program("wait"), {address_of(word.get())}));
  word.await_running();
  int go[2], ready[2];
  REQUIRE(pipe(go) == 0);
  REQUIRE(pipe(ready) == 0);
  const pid_t tracer = fork();
  if (tracer == 0) {
    char byte = ptrace(PTRACE_SEIZE, tproc_threadproc_pid(held), 0, 0) == 0 ? 'y' : 'n';
    if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1) _exit(1);
    _exit(0);
  }
  char byte = 'n';
  REQUIRE(read(ready[0], &byte, 1) == 1);
  if (byte == 'y') {
    CHECK(tproc_threadproc_signal(held, SIGKILL, nullptr) == 0);
    CHECK(host.run(Launch(test_program("end"), {"exit", "5"})) == 5);
    tproc_exit exit{};
    CHECK(tproc_host_next_exit(host.get(), 0, &exit, nullptr) == 0);
  } else {
    MESSAGE("not tested: this process may not trace another");
    word.go();
  }
  CHECK(write(go[1], "g", 1) == 1);
  waitpid(tracer, nullptr, 0);
  host.await(held);
  host.close_threadproc(held);
  for (const int each : {go[0], go[1], ready[0], ready[1]}) close(each);
}

TEST_CASE("the exit of one that has exec'd is seen where SIGCHLD was ignored, and where it is ignored later") {
  for (const bool later : {false, true})
    in_own_process([later] {
      if (!later) signal(SIGCHLD, SIG_IGN);
      Host host;
      if (later) signal(SIGCHLD, SIG_IGN);
      Launch launch("/bin/sh", {"-c", "exec sh -c 'exit 3'"});
      EXPECT_EQUAL(host.run(launch), later ? TPROC_STATUS_LOST : 3);
    });
}

TEST_SUITE_END();
