#include <doctest/doctest.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/own_process.h"
#include "support/patience.h"

extern "C" {
#include "base/process_state.h"
#include "spawn/tracer.h"
}

TEST_SUITE_BEGIN("tracer");

namespace {

void wait_for_ever() {
  for (;;) pause();
}

// In a child: threads that wait, and one that starts others all the time.
void have_threads() {
  for (int i = 0; i < 20; i++) std::thread(wait_for_ever).detach();
  std::thread([] {
    for (;;) std::thread([] {}).join();
  }).detach();
}

// A child that does nothing but what it is told to before, traced.
class Traced {
 public:
  explicit Traced(
      const std::function<void()> &before = [] {}, const std::function<void(pid_t)> &then = [](pid_t) {}) {
    int ready[2] = {-1, -1};
    char byte = 0;
    EXPECT(pipe(ready) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      before();
      EXPECT(write(ready[1], &byte, 1) == 1);
      wait_for_ever();
    }
    EXPECT(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    close(ready[1]);
    pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    tracer_ = tracer_new(pid_, [](long) { return false; });
    then(pid_);
    tproc_error error{};
    refused_ = tracer_begin(tracer_, &error);
    message_ = error.message;
  }
  Traced(const Traced &) = delete;
  Traced &operator=(const Traced &) = delete;
  ~Traced() {
    tproc_crash crash;
    kill(pid_, SIGKILL);
    int status = 0; /* a stop of one that is traced is told to all of the process */
    while (waitpid(pid_, &status, 0) == pid_ && WIFSTOPPED(status)) continue;
    EXPECT(!tracer_end(tracer_, SIGKILL, &crash));
    close(pidfd_);
  }

  explicit operator bool() const { return refused_ == 0; }
  int refused() const { return refused_; }
  const std::string &message() const { return message_; }
  pid_t pid() const { return pid_; }
  int hold() const { return tracer_hold(tracer_, pidfd_); }
  void send(int number) const { kill(pid_, number); }

  // How much news there is until it is so.
  unsigned news_until(const std::function<bool()> &is_so) const {
    unsigned count = 0;
    for (bool over = false; !over;) {
      int number = 0;
      over = is_so();
      while (tracer_next_news(tracer_, &number) != TRACER_NO_NEWS) count++;
    }
    return count;
  }

  // The next news, whenever it comes. Of a stop also what has stopped it.
  tracer_news next(int *by = nullptr) const {
    tracer_news news = TRACER_NO_NEWS;
    int number = 0;
    eventually([&] { return (news = tracer_next_news(tracer_, &number)) != TRACER_NO_NEWS; });
    if (by != nullptr) *by = number;
    return news;
  }

 private:
  pid_t pid_ = -1;
  int pidfd_ = -1;
  struct tracer *tracer_ = nullptr;
  int refused_ = 0;
  std::string message_;
};

// How many of its threads are traced, and how many are not.
std::pair<unsigned, unsigned> threads_of(pid_t pid) {
  std::pair<unsigned, unsigned> counted{0, 0};
  for (const auto &each : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::ifstream status(each.path() / "status");
    for (std::string line; std::getline(status, line);)
      if (line.compare(0, 10, "TracerPid:") == 0) (line == "TracerPid:\t0" ? counted.second : counted.first)++;
  }
  return counted;
}

// In a child: threads that wait, but not the main one, which ends by itself when it is told to.
void have_threads_alone() {
  for (int i = 0; i < 50; i++) std::thread(wait_for_ever).detach();
  signal(SIGUSR1, [](int) { syscall(SYS_exit, 0); });
}

void end_main(pid_t pid) {
  EXPECT_EQUAL(syscall(SYS_tgkill, pid, pid, SIGUSR1), 0);
  EXPECT(eventually([pid] { return process_state(pid) == 'Z'; }));
}

// Whether all threads but a main one that has ended are in that state, 't' or 'S', and the tracer has seen them all.
bool all_are(pid_t pid, char state) {
  for (const auto &each : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    const pid_t tid = std::stoi(each.path().filename());
    if (tid != pid && process_state(tid) != state) return false;
  }
  for (const auto &each : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(each.path() / "comm"), name);
    if (name == "tproc-tracer") return process_state(std::stoi(each.path().filename())) == 'S';
  }
  return false;
}

bool is_untraceable(const Traced &traced) {
  if (!traced) std::puts("not tested: this process may not trace another");
  return !traced;
}

}  // namespace

// Or a program whose launcher was stopped and continued would be told to have stopped, as soon as its tracer sees it.
TEST_CASE("a stop by who traces is told apart from those of others, whenever it is seen") {
  in_own_process([] {
    const Traced traced;
    if (is_untraceable(traced)) return;
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

// Or who has continued it would hear of the same stop again, and stop.
TEST_CASE("a stop of a process whose main thread has ended is told once, however many others it has") {
  in_own_process([] {
    const Traced traced(have_threads_alone, end_main);
    if (is_untraceable(traced)) return;
    for (int round = 0; round < 20; round++) {
      traced.send(SIGSTOP);
      EXPECT_EQUAL(traced.news_until([&] { return all_are(traced.pid(), 't'); }), 1u);
      traced.send(SIGCONT);
      EXPECT_EQUAL(traced.news_until([&] { return all_are(traced.pid(), 'S'); }), 1u);
    }
  });
}

TEST_CASE("threads that a process has already are traced, and those that they start meanwhile") {
  in_own_process([] {
    for (int round = 0; round < 20; round++) {
      const Traced traced(have_threads);
      if (is_untraceable(traced)) return;
      for (int look = 0; look < 5; look++) {
        const auto [with, without] = threads_of(traced.pid());
        EXPECT(with >= 22);
        EXPECT_EQUAL(without, 0u);
      }
    }
  });
}

TEST_CASE("one that another traces is refused, and none of its threads is traced") {
  in_own_process([] {
    const Traced first;
    if (is_untraceable(first)) return;
    const Traced traced(have_threads, [](pid_t pid) { EXPECT(ptrace(PTRACE_SEIZE, pid, nullptr, 0) == 0); });
    EXPECT_EQUAL(traced.refused(), -EPERM);
    EXPECT(traced.message().find("trace it for a crash report (PTRACE_SEIZE; ") == 0);
    EXPECT_EQUAL(traced.next(), TRACER_ENDED);
    EXPECT_EQUAL(traced.next(), TRACER_ENDED);
    EXPECT_EQUAL(threads_of(traced.pid()).first, 1u);
  });
}

TEST_CASE("a continuation that has not been told when it begins is told") {
  in_own_process([] {
    const Traced traced([] {},
                        [](pid_t pid) {
                          int status = 0;
                          kill(pid, SIGSTOP);
                          EXPECT(waitpid(pid, &status, WUNTRACED) == pid);
                          kill(pid, SIGCONT);
                        });
    if (is_untraceable(traced)) return;
    EXPECT_EQUAL(traced.next(), TRACER_CONTINUED);
    traced.send(SIGSTOP);
    EXPECT_EQUAL(traced.next(), TRACER_STOPPED);
    traced.send(SIGCONT);
    EXPECT_EQUAL(traced.next(), TRACER_CONTINUED);
  });
}

TEST_CASE("one that is killed while it begins keeps nobody waiting") {
  in_own_process([] {
    for (int round = 0; round < scaled(200); round++) {
      std::thread killer;
      {
        const Traced traced(have_threads, [&](pid_t pid) {
          killer = std::thread([pid, round] {
            for (volatile int i = 0; i < round * 2000; i = i + 1) continue;
            kill(pid, SIGKILL);
          });
        });
        killer.join();
      }
    }
  });
}

TEST_CASE("one that has not begun is freed") {
  tproc_crash crash{};
  CHECK_FALSE(tracer_end(tracer_new(getpid(), [](long) { return true; }), 0, &crash));
}

TEST_SUITE_END();
