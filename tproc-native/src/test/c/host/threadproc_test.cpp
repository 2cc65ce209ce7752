#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "support/hosting.h"
#include "support/proc_maps.h"
#include "support/resources.h"

TEST_SUITE_BEGIN("threadproc");

namespace {

class NoCoreDumps {
 public:
  NoCoreDumps() {
    getrlimit(RLIMIT_CORE, &before_);
    const rlimit none{0, before_.rlim_max};
    setrlimit(RLIMIT_CORE, &none);
  }
  ~NoCoreDumps() { setrlimit(RLIMIT_CORE, &before_); }
  NoCoreDumps(const NoCoreDumps &) = delete;
  NoCoreDumps &operator=(const NoCoreDumps &) = delete;

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("exit codes arrive as the kernel cuts them: the low 8 bits") {
  Host host;
  for (int code : {0, 1, 127, 255, 256, 300, -1})
    CHECK(host.run(Launch(test_program("end"), {"exit", std::to_string(code)})) == (code & 0xff));
}

TEST_CASE("deaths by signal are told from exits") {
  NoCoreDumps none;
  Host host;
  for (int signal : {SIGTERM, SIGKILL, SIGHUP, SIGPIPE, SIGUSR1, SIGALRM, SIGABRT, SIGRTMIN, SIGRTMAX}) {
    CAPTURE(signal);
    tproc_threadproc *threadproc = host.start(Launch(test_program("end"), {"signal", std::to_string(signal)}));
    const tproc_exit exit = host.await(threadproc);
    CHECK((exit.kind == TPROC_SIGNALLED || (signal == SIGABRT && exit.kind == TPROC_CORE_DUMPED)));
    CHECK(exit.status == signal);
    host.close_threadproc(threadproc);
  }
}

TEST_CASE("a crash ends the threadproc alone") {
  NoCoreDumps none;
  Host host;
  WaitWord word;
  tproc_threadproc *neighbour = host.start(Launch(test_program("wait"), {address_of(word.get()), "5"}));
  word.await_running();
  const tproc_exit exit = host.await(host.start(Launch(test_program("end"), {"fault"})));
  CHECK((exit.kind == TPROC_SIGNALLED || exit.kind == TPROC_CORE_DUMPED));
  CHECK(exit.status == SIGSEGV);
  word.go();
  CHECK(host.await(neighbour).status == 5);
}

TEST_CASE("a signal reaches the threadproc, and none does after its exit was collected") {
  Host host;
  WaitWord word;
  tproc_threadproc *threadproc = host.start(Launch(test_program("wait"), {address_of(word.get())}));
  word.await_running();
  tproc_error error{};
  CHECK(tproc_threadproc_signal(threadproc, 0, &error) == 0);
  CHECK(tproc_threadproc_signal(threadproc, 1000, &error) == -EINVAL);
  CHECK(std::string(error.message) == "send signal 1000 to threadproc " +
                                          std::to_string(tproc_threadproc_pid(threadproc)) +
                                          ": Invalid argument (EINVAL)");
  CHECK(tproc_threadproc_signal(threadproc, SIGTERM, &error) == 0);
  const tproc_exit exit = host.await(threadproc);
  CHECK(exit.kind == TPROC_SIGNALLED);
  CHECK(exit.status == SIGTERM);
  CHECK(tproc_threadproc_signal(threadproc, SIGTERM, &error) == -ESRCH);
  CHECK(error.code == ESRCH);
}

TEST_CASE("a threadproc that runs cannot be closed, and nothing happens to it") {
  Host host;
  WaitWord word;
  tproc_threadproc *threadproc = host.start(Launch(test_program("wait"), {address_of(word.get()), "6"}));
  word.await_running();
  tproc_error error{};
  CHECK(tproc_threadproc_close(threadproc, &error) == -EBUSY);
  CHECK(std::string(error.message) == "close threadproc " + std::to_string(tproc_threadproc_pid(threadproc)) +
                                          ", which has not ended: Device or resource busy (EBUSY)");
  word.go();
  CHECK(host.await(threadproc).status == 6);
  CHECK(tproc_threadproc_close(threadproc, &error) == 0);
}

TEST_CASE("an ended threadproc is busy until its exit has been collected") {
  Host host;
  const Launched launched = host.launch(Launch(test_program("end"), {"exit", "0"}), false);
  REQUIRE(launched.result == 0);
  siginfo_t info{};
  REQUIRE(waitid(P_PID, static_cast<id_t>(tproc_threadproc_pid(launched.threadproc)), &info,
                 WEXITED | WNOWAIT | __WALL) == 0);
  CHECK(tproc_threadproc_close(launched.threadproc, nullptr) == -EBUSY);
  REQUIRE(tproc_threadproc_watch(launched.threadproc, nullptr, nullptr) == 0);
  host.await(launched.threadproc);
  CHECK(tproc_threadproc_close(launched.threadproc, nullptr) == 0);
}

TEST_CASE("no other wait finds a threadproc") {
  Host host;
  WaitWord word;
  tproc_threadproc *threadproc = host.start(Launch(test_program("wait"), {address_of(word.get())}));
  errno = 0;
  CHECK(waitpid(tproc_threadproc_pid(threadproc), nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
  word.await_running();
  word.go();
  host.await(threadproc);
}

TEST_CASE("memory stays readable after the end and is unmapped when the threadproc is closed") {
  Host host;
  auto report = std::make_unique<state_report>();
  tproc_threadproc *threadproc = host.start(Launch(test_program("state"), {address_of(report.get()), "an argument"}));
  host.await(threadproc);
  REQUIRE(report->done == 1);
  const char *argument = report->argv[2];
  CHECK(std::string(argument) == "an argument");
  CHECK(tproc_host_owner_of(host.get(), argument) == threadproc);
  CHECK(tproc_host_owner_of(host.get(), report.get()) == nullptr);
  host.close_threadproc(threadproc);
  CHECK(protection_at(reinterpret_cast<uint64_t>(argument)) == "");
  CHECK(tproc_host_owner_of(host.get(), argument) == nullptr);
}

TEST_CASE("its memory is listed by file and purpose") {
  Host host;
  WaitWord word;
  const std::string program = test_program("wait");
  tproc_threadproc *threadproc = host.start(Launch(program, {address_of(word.get())}));
  word.await_running();
  std::vector<tproc_mapping> listed(100);
  const size_t count = tproc_threadproc_memory(threadproc, listed.data(), listed.size());
  REQUIRE(count > 3);
  REQUIRE(count <= listed.size());
  listed.resize(count);
  bool code = false, stack = false;
  for (const tproc_mapping &each : listed) {
    const std::string name = each.name;
    code |= name.find("/wait") != std::string::npos && each.executable == 1 && each.writable == 0;
    stack |= name == "[stack]" && each.writable == 1 && each.executable == 0;
    CHECK_FALSE((each.writable == 1 && each.executable == 1));
    CHECK(protection_at(each.address) != "");
  }
  CHECK(code);
  CHECK(stack);
  CHECK(tproc_threadproc_memory(threadproc, nullptr, 0) == count);
  CHECK(tproc_threadproc_memory(threadproc, listed.data(), 1) == count);
}

TEST_SUITE_END();
