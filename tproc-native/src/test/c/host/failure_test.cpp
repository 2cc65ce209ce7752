// What a launch, and the opening of a host, do when one of their system calls fails: each in turn.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>

#include "support/fault_injection.h"
#include "support/hosting.h"
#include "support/own_process.h"
#include "support/resources.h"

namespace {

// Of one kind in one launch. (The reset of signals is one call for each signal.)
constexpr unsigned kMostCalls = 70;

// Of all kinds together. aarch64 has fewer kinds: no open, no readlink.
#if defined(__x86_64__)
constexpr unsigned kFewestFailed = 45;
#else
constexpr unsigned kFewestFailed = 40;
#endif

// Also when the broker, whose calls fail, too, wakes the collector for reports of its own.
void collect(tproc_host *host, tproc_threadproc *threadproc) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < deadline) {
    tproc_exit exit{};
    const int got = tproc_host_next_exit(host, 1000, &exit, nullptr);
    if (got == 1 && exit.threadproc == threadproc) return;
  }
  throw std::runtime_error("no exit came");
}

void expect_clear(const std::string &fault, const Launched &launched, const std::string &subject) {
  const std::string message = launched.message();
  const bool clear = launched.result < 0 && launched.error.code == -launched.result &&
                     message.compare(0, subject.size(), subject) == 0 && message.find('(') != std::string::npos;
  if (!clear) complain(fault.c_str(), launched.result, "unclear: \"" + message + "\"");
}

void expect_nothing_left(const std::string &fault, const Resources &before) {
  const std::string left = left_behind(before);
  if (!left.empty()) complain(fault.c_str(), 0, "left behind: " + left);
}

void launch_with_faults(FaultInjection &injection, unsigned fewest_refused) {
  Host host;
  Launch launch(test_program("end"), {"exit", "3"});
  for (int &each : launch.stdio) each = open("/dev/null", O_RDWR | O_CLOEXEC);
  EXPECT_EQUAL(host.run(launch), 3);
  const Resources before = Resources::settled();
  unsigned refused = 0, failed = 0;
  for (const Fault &fault : FaultInjection::faults()) {
    for (unsigned n = 1; n < kMostCalls; n += n == 2 && fault.number == SYS_rt_sigaction ? 60 : 1) {
      alarm(240);
      Launched launched;
      if (!injection.failing(fault, n, [&] { launched = host.launch(launch, false); })) n = kMostCalls;
      const std::string named = fault.name + " in call " + std::to_string(n) + " of a launch";
      failed += n < kMostCalls;
      if (launched.result == 0) {
        EXPECT_EQUAL(tproc_threadproc_watch(launched.threadproc, nullptr, nullptr), 0);
        collect(host.get(), launched.threadproc);
        host.close_threadproc(launched.threadproc);
      } else {
        refused++;
        expect_clear(named, launched, "cannot host " + launch.program + ": ");
      }
    }
    expect_nothing_left(fault.name, before); /* for all of them: looking is slow while every call is watched */
  }
  EXPECT(failed > kFewestFailed);
  EXPECT(refused >= fewest_refused);
  EXPECT_EQUAL(host.run(launch), 3);
}

}  // namespace

TEST_SUITE_BEGIN("failure");

TEST_CASE("every system call of a launch, failing in turn: a clear error, or a launch; and nothing is left") {
  const bool traced = FaultInjection::run([](FaultInjection &injection) {
    unsetenv("TPROC_PREPARE_ALWAYS");
    launch_with_faults(injection, 26);
  });
  if (!traced) MESSAGE("not tested: this process may not trace another, or AddressSanitizer is in it");
}

/* What fails there has an ordinary start, without the fault. */
TEST_CASE("every system call of preparing a program and starting it, failing in turn; and nothing is left") {
  const bool traced = FaultInjection::run([](FaultInjection &injection) {
    setenv("TPROC_PREPARE_ALWAYS", "1", 1);
    launch_with_faults(injection, 0);
  });
  if (!traced) MESSAGE("not tested: this process may not trace another, or AddressSanitizer is in it");
}

TEST_CASE("every system call of opening a host, failing in turn") {
  const bool traced = FaultInjection::run([](FaultInjection &injection) {
    Host().run(Launch(test_program("end"), {"exit", "3"}));
    const Resources before = Resources::settled();
    unsigned refused = 0, failed = 0;
    for (const Fault &fault : FaultInjection::faults()) {
      for (unsigned n = 1; n < kMostCalls; n++) {
        alarm(240);
        tproc_host *host = nullptr;
        Launched opened;
        if (!injection.failing(fault, n, [&] { opened.result = tproc_host_open(&host, &opened.error); }))
          n = kMostCalls;
        const std::string named = fault.name + " in call " + std::to_string(n) + " of opening a host";
        failed += n < kMostCalls;
        if (opened.result == 0) {
          tproc_host_close(host);
        } else {
          refused++;
          expect_clear(named, opened, "cannot open a host: ");
        }
      }
      expect_nothing_left(fault.name, before); /* for all of them: looking is slow while every call is watched */
    }
    EXPECT(failed > 20);
    EXPECT(refused > 10);
  });
  if (!traced) MESSAGE("not tested: this process may not trace another, or AddressSanitizer is in it");
}

TEST_SUITE_END();
