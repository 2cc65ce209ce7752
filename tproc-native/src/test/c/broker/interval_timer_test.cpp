// Programs that set a timer: those whose timer repeats are traced from then on, so that no signal interrupts their
// calls to the host. Nothing else that anybody sees of them changes.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "support/hosting.h"
#include "support/own_process.h"
#include "support/patience.h"
#include "support/resources.h"
#include "support/system_call_filter.h"

extern "C" {
#include "base/process_state.h"
}

TEST_SUITE_BEGIN("interval timer");

namespace {

constexpr int kAsWanted = 7;

#if defined(__x86_64__)
const char *const kRepeating = "traced traced\n";
#else
const char *const kRepeating = "untraced untraced\n";
#endif
const char *const kUntraced = "untraced untraced\n";

Launch timer(const std::string &mode, const std::vector<std::string> &more = {}) {
  Launch launch(test_program("timer"), {mode});
  launch.arguments.insert(launch.arguments.end(), more.begin(), more.end());
  launch.limits = own_limits();
  launch.limits[RLIMIT_CORE] = {0, 0};
  launch.flags = TPROC_LAUNCH_LIMITS;
  return launch;
}

std::string tracer_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.compare(0, 10, "TracerPid:") == 0) return line.substr(11);
  return "";
}

// Processes that do nothing but keep the processors busy, forked while no host is open.
class Busy {
 public:
  explicit Busy(int count) {
    for (int i = 0; i < count; i++) {
      const pid_t pid = fork();
      if (pid == 0)
        for (volatile unsigned rounds = 0;; rounds = rounds + 1) continue;
      all_.push_back(pid);
    }
  }
  ~Busy() {
    for (const pid_t each : all_) kill(each, SIGKILL);
    for (const pid_t each : all_) waitpid(each, nullptr, 0);
  }
  Busy(const Busy &) = delete;
  Busy &operator=(const Busy &) = delete;

 private:
  std::vector<pid_t> all_;
};

}  // namespace

TEST_CASE("a timer that repeats has its program traced, with all its threads") {
  Host host;
  for (const char *mode : {"repeats", "posix", "page", "threads", "twice", "ended"}) {
    CAPTURE(mode);
    CHECK(host.output_of(timer(mode)) == kRepeating);
  }
}

TEST_CASE("one that does not, that cannot be read, or that is a child's has not") {
  Host host;
  for (const char *mode : {"once", "posix-once", "disarmed", "page-once", "wrong", "vfork"}) {
    CAPTURE(mode);
    CHECK(host.output_of(timer(mode)) == kUntraced);
  }
  CHECK(host.output_of(timer("fork")) == std::string("untraced\n") + kUntraced);
}

TEST_CASE("what it execs is not traced any more") {
#if defined(__aarch64__)
  MESSAGE("skipped: no program is traced for its timer on aarch64 (docs/limits.md)");
  return;
#endif
  Host host;
  CHECK(host.output_of(timer("exec")) == kUntraced);
}

// The kernel lets who begins to trace wait for the execve, and the execve for the threads that are traced by then.
TEST_CASE("an execve by another thread, while the timer is set, is made, and the program goes on untraced") {
#if defined(__aarch64__)
  MESSAGE("skipped: no program is traced for its timer on aarch64 (docs/limits.md)");
  return;
#endif
  Host host;
  for (int round = 0; round < 60; round++) {
    CAPTURE(round);
    CHECK(host.output_of(timer("race", {std::to_string(round % 20 * 25000)})) == kUntraced);
  }
}

TEST_CASE("one that is held for a debugger is left to it") {
  Host host;
  const int file = static_cast<int>(syscall(SYS_memfd_create, "output", 0));
  Launch launch = timer("repeats");
  launch.flags |= TPROC_LAUNCH_HOLD;
  launch.stdio[1] = file;
  tproc_threadproc *threadproc = host.start(launch);
  await_held(tproc_threadproc_pid(threadproc));
  tproc_threadproc_signal(threadproc, SIGCONT, nullptr);
  CHECK(host.await(threadproc).status == 0);
  char output[64] = "";
  CHECK(pread(file, output, sizeof output - 1, 0) > 0);
  CHECK(std::string(output) == kUntraced);
  close(file);
  host.close_threadproc(threadproc);
}

TEST_CASE("where tracing is forbidden the timer is set all the same") {
  in_own_process([] {
    Host host;
    host.run(quick_end());
    forbid({{SYS_ptrace, EPERM}});
    for (const char *mode : {"repeats", "threads", "twice"}) EXPECT_EQUAL(host.output_of(timer(mode)), kUntraced);
  });
}

TEST_CASE("no report of its crash, for which nobody has asked; one for who has") {
  Host host;
  for (const unsigned flags : {0u, static_cast<unsigned>(TPROC_LAUNCH_CRASH_REPORT)}) {
    Launch launch = timer("fault");
    launch.flags |= flags;
    tproc_threadproc *threadproc = host.start(launch);
    CHECK(host.await(threadproc).status == SIGSEGV);
    tproc_crash crash{};
    CHECK(tproc_threadproc_crash(threadproc, &crash) == (flags != 0 ? 1 : 0));
    host.close_threadproc(threadproc);
  }
}

TEST_CASE("it stops and goes on") {
  Host host;
  tproc_threadproc *threadproc = host.start(timer("stop"));
  const pid_t pid = tproc_threadproc_pid(threadproc);
  CHECK(eventually([&] { return process_is_stopped(pid); }));
#if defined(__x86_64__)
  CHECK(tracer_of(pid) != "0");
#else
  CHECK(tracer_of(pid) == "0");
#endif
  /* A continuation that comes before the stop is lost. */
  CHECK(eventually([&] {
    siginfo_t info{};
    tproc_threadproc_signal(threadproc, SIGCONT, nullptr);
    waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT | __WALL);
    return info.si_pid == pid && info.si_code != CLD_TRAPPED;
  }));
  const tproc_exit exit = host.await(threadproc);
  CHECK(exit.kind == TPROC_EXITED);
  CHECK(exit.status == kAsWanted);
  host.close_threadproc(threadproc);
}

TEST_CASE("killed in whatever moment it ends, and leaves nothing") {
  Host host;
  host.output_of(timer("threads"));
  const Resources before = Resources::settled();
  unsigned random = 4711;
  for (int round = 0; round < scaled(200); round++) {
    alignas(64) uint32_t begun = 0;
    tproc_threadproc *threadproc = host.start(timer("wait", {address_of(&begun)}));
    REQUIRE(eventually([&] { return __atomic_load_n(&begun, __ATOMIC_ACQUIRE) == 1; }));
    random = random * 1103515245 + 12345;
    const timespec moment{0, static_cast<long>(random / 65536 % 8000) * 1000};
    nanosleep(&moment, nullptr);
    tproc_threadproc_signal(threadproc, SIGKILL, nullptr);
    CHECK(host.await(threadproc).status == SIGKILL);
    host.close_threadproc(threadproc);
  }
  CHECK(left_behind(before) == "");
}

TEST_CASE("a host that closes in whatever moment ends it") {
  for (long microseconds = 0; microseconds < 10000; microseconds += 500) {
    Host host;
    alignas(64) uint32_t begun = 0;
    host.start(timer("wait", {address_of(&begun)}));
    REQUIRE(eventually([&] { return __atomic_load_n(&begun, __ATOMIC_ACQUIRE) == 1; }));
    const timespec moment{0, microseconds * 1000};
    nanosleep(&moment, nullptr);
    host.close();
  }
}

TEST_CASE("no call fails of a program with a timer that rings all the time, on a busy machine") {
#if defined(__aarch64__)
  MESSAGE("skipped: such a call fails with EINTR on aarch64 (docs/limits.md)");
  return;
#endif
  const Busy busy(4);
  Host host;
  CHECK(host.run(Launch(test_program("crash"), {"calls"})) == kAsWanted);
}

TEST_SUITE_END();
