// A threadproc that execs another program leaves the address space: that is seen, or refused when it has to stay.
#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "host/exec_looks.h"
#include "support/hosting.h"
#include "support/patience.h"

TEST_SUITE_BEGIN("exec");

namespace {

constexpr int kAsWanted = 7;

// The program is exec'd with the address as its only argument.
Launch leaving(const std::string &mode, const void *word, const std::string &program, unsigned flags = 0) {
  Launch launch(test_program("leave"), {mode, address_of(word), program});
  launch.flags = flags;
  return launch;
}

tproc_state state_of(Host &host, tproc_threadproc *threadproc) {
  struct Found {
    pid_t pid;
    tproc_state state;
  } found{tproc_threadproc_pid(threadproc), TPROC_ENDED};
  tproc_host_list(
      host.get(),
      [](const tproc_status *status, void *context) {
        auto *wanted = static_cast<Found *>(context);
        if (status->pid == wanted->pid) wanted->state = status->state;
        return 1;
      },
      &found);
  return found.state;
}

// What it execs stops itself, and so is there to be looked at.
Launch stopping(const std::string &mode, unsigned flags) {
  Launch launch = leaving(mode, nullptr, test_program("crash"), flags);
  launch.arguments[1] = "stop";
  return launch;
}

}  // namespace

TEST_CASE("one that has executed another program is listed as having left, whichever thread it was") {
  for (const unsigned flags : {0u, static_cast<unsigned>(TPROC_LAUNCH_CRASH_REPORT)})
    for (const char *mode : {"exec", "thread"}) {
      CAPTURE(mode);
      CAPTURE(flags);
      Host host;
      tproc_threadproc *threadproc = host.start(stopping(mode, flags));
      CHECK(eventually([&] { return state_of(host, threadproc) == TPROC_LEFT; }));
      CHECK(tproc_threadproc_exec(threadproc) == TPROC_EXEC_LEFT);
      CHECK(eventually([&] {
        tproc_threadproc_signal(threadproc, SIGCONT, nullptr);
        return state_of(host, threadproc) == TPROC_ENDED;
      }));
      CHECK(host.await(threadproc).status == kAsWanted);
      CHECK(tproc_threadproc_exec(threadproc) == TPROC_EXEC_LEFT);
      host.close_threadproc(threadproc);
    }
}

TEST_CASE("the host tells of it without being asked") {
  Host host;
  tproc_threadproc *threadproc = host.start(stopping("exec", 0));
  tproc_exit exit{};
  CHECK(eventually([&] { return state_of(host, threadproc) == TPROC_LEFT; })); /* which does not take it for told */
  const auto begun = std::chrono::steady_clock::now();
  CHECK(tproc_host_next_exit(host.get(), 60000, &exit, nullptr) == 0);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(60));
  CHECK(tproc_threadproc_exec(threadproc) == TPROC_EXEC_LEFT);
}

TEST_CASE("one that leaves and ends at once has left, too") {
  Host host;
  tproc_threadproc *threadproc = host.start(leaving("exec", nullptr, test_program("end")));
  CHECK(host.await(threadproc).status == 99);
  CHECK(tproc_threadproc_exec(threadproc) == TPROC_EXEC_LEFT);
}

TEST_CASE("one that ends has not left, also when it is looked at while its exit is collected") {
  Host host;
  int left = 0;
  for (int i = 0; i < 100; i++) {
    Launch launch = quick_end();
    launch.flags = TPROC_LAUNCH_CRASH_REPORT; /* so that the collection takes longer */
    tproc_threadproc *threadproc = host.start(launch);
    bool done = false;
    std::thread looking([&] { CHECK(look_for_exec(threadproc, &done) == 0); });
    host.await(threadproc);
    __atomic_store_n(&done, true, __ATOMIC_RELEASE);
    looking.join();
    left += tproc_threadproc_exec(threadproc) != TPROC_EXEC_NONE;
    host.close_threadproc(threadproc);
  }
  CHECK(left == 0);
}

TEST_CASE("one whose exec has failed, or whose children exec, has not left") {
  Host host;
  WaitWord word;
  for (const unsigned flags : {0u, static_cast<unsigned>(TPROC_LAUNCH_STAY)}) {
    tproc_threadproc *parent = host.start(leaving("children", nullptr, test_program("end"), flags));
    CHECK(host.await(parent).status == kAsWanted);
    CHECK(tproc_threadproc_exec(parent) == TPROC_EXEC_NONE);
  }
  tproc_threadproc *failing = host.start(leaving("missing", word.get(), "-"));
  word.await_running();
  CHECK(state_of(host, failing) == TPROC_RUNNING);
  word.go();
  CHECK(host.await(failing).status == 0);
  CHECK(tproc_threadproc_exec(failing) == TPROC_EXEC_NONE);
}

TEST_CASE("one that has to stay is refused with EPERM, whichever thread it is") {
  Host host;
  for (const char *mode : {"exec", "thread"}) {
    CAPTURE(mode);
    tproc_threadproc *threadproc = host.start(leaving(mode, nullptr, test_program("end"), TPROC_LAUNCH_STAY));
    const tproc_exit exit = host.await(threadproc);
    CHECK(exit.kind == TPROC_EXITED);
    CHECK(exit.status == EPERM);
    CHECK(tproc_threadproc_exec(threadproc) == TPROC_EXEC_REFUSED);
  }
}

TEST_SUITE_END();
