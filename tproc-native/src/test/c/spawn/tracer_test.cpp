#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "support/own_process.h"
#include "support/patience.h"

extern "C" {
#include "spawn/tracer.h"
}

TEST_SUITE_BEGIN("tracer");

namespace {

// A child that does nothing, traced.
class Traced {
 public:
  Traced() : pid_(fork()), pidfd_(pid_ == 0 ? -1 : static_cast<int>(syscall(SYS_pidfd_open, pid_, 0))) {
    while (pid_ == 0) pause();
    tproc_error error{};
    const int refused = tracer_start(
        &tracer_, pid_, [](long) { return false; }, &error);
    if (refused) tracer_ = nullptr;
  }
  Traced(const Traced &) = delete;
  Traced &operator=(const Traced &) = delete;
  ~Traced() {
    tproc_crash crash;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    if (tracer_ != nullptr) tracer_end(tracer_, SIGKILL, &crash);
    close(pidfd_);
  }

  explicit operator bool() const { return tracer_ != nullptr; }
  int hold() const { return tracer_hold(tracer_, pidfd_); }
  void send(int number) const { kill(pid_, number); }

  // The next news, whenever it comes. Of a stop also what has stopped it.
  tracer_news next(int *by = nullptr) const {
    tracer_news news = TRACER_NO_NEWS;
    int number = 0;
    eventually([&] { return (news = tracer_next_news(tracer_, &number)) != TRACER_NO_NEWS; });
    if (by != nullptr) *by = number;
    return news;
  }

 private:
  pid_t pid_;
  int pidfd_;
  struct tracer *tracer_ = nullptr;
};

}  // namespace

// Or a program whose launcher was stopped and continued would be told to have stopped, as soon as its tracer sees it.
TEST_CASE("a stop by who traces is told apart from those of others, whenever it is seen") {
  in_own_process([] {
    const Traced traced;
    if (!traced) {
      std::puts("not tested: this process may not trace another");
      return;
    }
    for (int round = 0; round < 3; round++) {
      EXPECT_EQUAL(traced.hold(), 0);
      EXPECT_EQUAL(traced.next(), TRACER_HELD);
      traced.send(SIGCONT);
      EXPECT_EQUAL(traced.next(), TRACER_CONTINUED);
      int by = 0;
      traced.send(SIGSTOP);
      EXPECT_EQUAL(traced.next(&by), TRACER_STOPPED);
      EXPECT_EQUAL(by, SIGSTOP);
      traced.send(SIGCONT);
      EXPECT_EQUAL(traced.next(), TRACER_CONTINUED);
    }
  });
}

TEST_SUITE_END();
