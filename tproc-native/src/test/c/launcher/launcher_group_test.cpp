#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>

#include "support/launcher_host.h"
#include "support/launcher_process.h"
#include "support/own_process.h"
#include "support/patience.h"
#include "support/temporary_directory.h"

extern "C" {
#include "proc_file.h"
#include "signals.h"
#include "witness.h"
}

namespace {

bool is_gone(pid_t pid) {
  process_stat stat{};
  return !proc_read_stat(pid, &stat) || stat.state == 'Z';
}

// The first number in a file; 0 as long as there is none.
pid_t number_in(const std::string &path) {
  pid_t number = 0;
  std::ifstream(path) >> number;
  return number;
}

// What another process of the group does.
void elsewhere(const std::function<void()> &action) {
  const pid_t pid = fork();
  if (pid == 0) {
    action();
    _exit(0);
  }
  waitpid(pid, nullptr, 0);
}

// A launcher in a group of its own, whose program waits for another one in the program's group.
struct Job {
  TemporaryDirectory directory;
  std::string pid_file = directory / "pid", socket = directory / "socket";
  NativeHost host{socket};
  LauncherProcess launcher{{socket, "sh", "-c", "sleep 1000 & echo $! > " + pid_file + "; wait"},
                           [] { setpgid(0, 0); }};
  pid_t child = 0, witness = 0;

  Job() {
    CHECK(eventually([this] { return (child = number_in(pid_file)) > 0; }));
    CHECK(eventually([this] { return proc_read_children(launcher.pid(), &witness, 1) == 1; }));
  }
  Job(const Job &) = delete;
  ~Job() {
    if (child > 0) kill(child, SIGKILL);
  }
};

}  // namespace

TEST_SUITE_BEGIN("launcher's process group");

TEST_CASE("a signal for the group is told from one for a process") {
  in_own_process([] {
    setpgid(0, 0);
    signals_block();
    const pid_t self = getpid();
    witness watching{};
    EXPECT(!witness_has_seen(&watching, SIGUSR1)); /* there is none */
    witness_start(&watching);
    EXPECT(watching.pid > 0);
    EXPECT(!witness_has_seen(&watching, SIGUSR1));
    elsewhere([self] { kill(self, SIGUSR1); });
    EXPECT(!witness_has_seen(&watching, SIGUSR1));
    elsewhere([] { kill(0, SIGUSR1); });
    EXPECT(witness_has_seen(&watching, SIGUSR1));
    EXPECT(!witness_has_seen(&watching, SIGUSR1));
    elsewhere([] {
      kill(0, SIGTERM);
      kill(0, SIGHUP);
    });
    EXPECT(witness_has_seen(&watching, SIGHUP));
    EXPECT(witness_has_seen(&watching, SIGTERM));
    kill(0, SIGUSR1); /* its own */
    EXPECT(!witness_has_seen(&watching, SIGUSR1));
    witness_end(&watching);
  });
}

TEST_CASE("what a witness has seen is forgotten when the launcher was not meant") {
  in_own_process([] {
    setpgid(0, 0);
    signals_block();
    witness watching{};
    witness_start(&watching);
    elsewhere([] {
      kill(0, SIGUSR1);
      kill(0, SIGUSR2);
    });
    EXPECT(witness_has_seen(&watching, SIGUSR2));
    watching.seen_at -= 1000; /* as if it were long ago */
    EXPECT(!witness_has_seen(&watching, SIGUSR1));
    witness_end(&watching);
  });
}

TEST_CASE("real-time signals for the group are counted, others are not") {
  in_own_process([] {
    setpgid(0, 0);
    signals_block();
    const int number = SIGRTMIN + 1;
    witness watching{};
    witness_start(&watching);
    elsewhere([number] {
      for (int i = 0; i < 3; i++) {
        kill(0, number);
        kill(0, SIGUSR1);
      }
    });
    for (int i = 0; i < 3; i++) EXPECT(witness_has_seen(&watching, number));
    EXPECT(!witness_has_seen(&watching, number));
    EXPECT(witness_has_seen(&watching, SIGUSR1));
    EXPECT(!witness_has_seen(&watching, SIGUSR1));
    witness_end(&watching);
  });
}

TEST_CASE("a witness that is stopped or killed holds nobody up") {
  in_own_process([] {
    setpgid(0, 0);
    signals_block();
    witness watching{};
    witness_start(&watching);
    kill(watching.pid, SIGSTOP);
    EXPECT(eventually([&] {
      process_stat stat{};
      return proc_read_stat(watching.pid, &stat) && stat.state == 'T';
    }));
    elsewhere([] { kill(0, SIGUSR1); });
    EXPECT(witness_has_seen(&watching, SIGUSR1));
    kill(watching.pid, SIGKILL);
    EXPECT(!witness_has_seen(&watching, SIGUSR1));
    EXPECT_EQUAL(watching.pid, 0);
    siginfo_t info{};
    EXPECT_EQUAL(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL), -1); /* it has been waited for */
  });
}

TEST_CASE("a signal for the launcher's group reaches what the program has started in its own") {
  Job job;
  kill(-job.launcher.pid(), SIGTERM);
  CHECK(job.launcher.end_signal() == SIGTERM);
  CHECK(eventually([&job] { return is_gone(job.child); }));
  CHECK(is_gone(job.witness));
}

TEST_CASE("a signal for the launcher reaches the program alone") {
  Job job;
  job.launcher.signal(SIGTERM);
  CHECK(job.launcher.end_signal() == SIGTERM);
  CHECK(!is_gone(job.child));
  CHECK(is_gone(job.witness));
}

TEST_CASE("a group that was stopped, and of which the launcher alone was continued") {
  Job job;
  kill(-job.launcher.pid(), SIGSTOP);
  CHECK(job.launcher.has_stopped());
  job.launcher.signal(SIGCONT);
  kill(-job.launcher.pid(), SIGTERM);
  CHECK(job.launcher.end_signal() == SIGTERM);
  CHECK(eventually([&job] { return is_gone(job.child); }));
}

TEST_CASE("a launcher that is killed takes its witness with it") {
  Job job;
  job.launcher.signal(SIGKILL);
  CHECK(job.launcher.end_signal() == SIGKILL);
  CHECK(eventually([&job] { return is_gone(job.witness); }));
}

TEST_SUITE_END();
