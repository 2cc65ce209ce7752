// Prepared programs that run until they call tproc_ready.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/fault_injection.h"
#include "support/hosting.h"
#include "support/own_process.h"
#include "support/patience.h"
#include "support/preparing.h"
#include "support/resources.h"
#include "support/temporary_directory.h"

TEST_SUITE_BEGIN("ready");

namespace {

constexpr uint64_t kMillisecond = 1000000;

Launch ready(const std::vector<std::string> &words, const std::string &program = "ready") {
  return Launch(test_program(program), words);
}

// What it does before, and with which words it is started.
Launch started(const std::string &before, const std::string &word, const std::string &value = "") {
  Launch launch = ready({before, word});
  if (!value.empty()) launch.environment = {"WORD=" + value};
  return launch;
}

// Whether the start was one of the program that waits.
bool takes_ready(Host &host, const Launch &launch, const std::string &output) {
  const uint64_t before = only(host).started;
  CHECK(host.output_of(launch) == output);
  return only(host).started == before + 1;
}

std::unique_ptr<state_report> report_of(Host &host, Launch launch) {
  auto report = std::make_unique<state_report>();
  launch.arguments.push_back("state");
  launch.arguments.push_back(address_of(report.get()));
  CHECK(host.run(launch) == 0);
  REQUIRE(report->done == 1);
  return report;
}

pid_t the_one_that_waits() {
  const std::vector<pid_t> waiting = children_named("ready");
  REQUIRE(waiting.size() == 1);
  return waiting[0];
}

bool is_pending(pid_t process, int signal) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  std::string word;
  while (status >> word)
    if (word == "ShdPnd:" && status >> word) return (std::stoull(word, nullptr, 16) >> (signal - 1) & 1) != 0;
  return false;
}

}  // namespace

TEST_CASE("a program that waits in tproc_ready gets its arguments and its environment, and another takes its place") {
  for (const char *name : {"ready", "dynamic_ready"}) {
    CAPTURE(name);
    Host host;
    Launch early = ready({"-"}, name);
    early.environment = {"WORD=early", "OTHER=1"};
    prepare_ready(host, early, 2);
    CHECK(only(host).depth == TPROC_PREPARED_READY);
    CHECK(std::string(only(host).program) == test_program(name) + " -");
    for (int round = 0; round < 5; round++) {
      REQUIRE(waits(host, 2));
      Launch launch = ready({"-", "one", "two"}, name);
      launch.environment = {"WORD=late" + std::to_string(round)};
      CHECK(takes_ready(host, launch, "one\ntwo\nlate" + std::to_string(round) + "\n"));
    }
    CHECK(only(host).missed == 0);
    CHECK(Prepared(host).totals.started == 5);
    CHECK(only(host).resident > 4096);
  }
}

TEST_CASE("in an ordinary start tproc_ready returns at once") {
  Host host;
  CHECK(host.output_of(started("-", "x", "y")) == "x\ny\n");
}

TEST_CASE("many arguments fit where room is, and more are an ordinary start's") {
  Host host;
  prepare_ready(host, ready({"-"}));
  Launch many = ready({"-"});
  for (int i = 0; i < 1500; i++) many.arguments.push_back(std::string(50, 'x'));
  std::string said;
  for (int i = 0; i < 1500; i++) said += std::string(50, 'x') + "\n";
  CHECK(takes_ready(host, many, said + "none\n"));
  REQUIRE(waits(host));
  for (int i = 0; i < 3000; i++) many.arguments.push_back(std::string(50, 'x')), said += std::string(50, 'x') + "\n";
  CHECK(!takes_ready(host, many, said + "none\n"));
  CHECK(only(host).changed == 1);
}

TEST_CASE("only a start of the same program that begins with the same arguments gets it") {
  TemporaryDirectory directory;
  Host host;
  const std::string other = directory.link("other", test_program("ready"));
  prepare_ready(host, ready({"-", "same"}));
  CHECK(!takes_ready(host, ready({"-", "another"}), "another\nnone\n"));
  CHECK(!takes_ready(host, ready({"-"}), "none\n"));
  Launch linked(other, {"-", "same"});
  CHECK(!takes_ready(host, linked, "same\nnone\n"));
  Launch named = ready({"-", "same"});
  named.argv0 = "name";
  CHECK(!takes_ready(host, named, "same\nnone\n"));
  CHECK(only(host).missed == 0); /* they are all of another kind */
  CHECK(only(host).ready == 1);
  CHECK(takes_ready(host, ready({"-", "same"}), "same\nnone\n"));
}

TEST_CASE("arguments that name a file are those of one directory, and a file that has changed is noticed") {
  TemporaryDirectory directory;
  const std::string file = directory.file("script", "1"), elsewhere = directory.directory("elsewhere");
  Host host;
  Launch launch = ready({"-", "script"});
  launch.directory = directory.path();
  prepare_ready(host, launch);
  Launch other = launch;
  other.directory = elsewhere;
  CHECK(!takes_ready(host, other, "script\nnone\n"));
  CHECK(only(host).ready == 1);
  CHECK(takes_ready(host, launch, "script\nnone\n"));
  REQUIRE(waits(host));
  directory.file("script", "12");
  CHECK(!takes_ready(host, launch, "script\nnone\n"));
  CHECK(only(host).changed == 1);
}

TEST_CASE("a timer goes on that ran out while the program waited, and so does a thread that waits for all others") {
  for (const char *before : {"i", "u", "iu"}) {
    CAPTURE(before);
    Host host;
    prepare_ready(host, ready({before}));
    const pid_t waiting = the_one_that_waits();
    if (*before == 'i') REQUIRE(eventually([&] { return is_pending(waiting, SIGALRM); }));
    CHECK(host.run(ready({before})) == 0);
    CHECK(only(host).started == 1);
  }
}

TEST_CASE("a script is prepared, too") {
  TemporaryDirectory directory;
  const std::string script = directory.file("script", "#!" + test_program("ready") + " -\n");
  Host host;
  prepare_ready(host, Launch(script));
  CHECK(takes_ready(host, Launch(script, {"x"}), script + "\nx\nnone\n"));
}

TEST_CASE("a program that has been replaced is started afresh") {
  TemporaryDirectory directory;
  const std::string program = directory / "program";
  std::filesystem::copy_file(test_program("dynamic_ready"), program);
  Host host;
  prepare_ready(host, Launch(program, {"-"}));
  std::filesystem::remove(program);
  std::filesystem::copy_file(test_program("dynamic_say"), program);
  CHECK(host.output_of(Launch(program, {"-"})) == program + "\n-\n");
  CHECK(only(host).started == 0);
}

TEST_CASE("it finds itself in the state of an ordinary start") {
  TemporaryDirectory directory;
  for (const char *name : {"ready", "dynamic_ready"}) {
    CAPTURE(name);
    Host host;
    Launch launch = with_limits(ready({"-"}, name));
    launch.environment = {"ONE=1", "TWO=2"};
    launch.directory = directory.path();
    launch.umask = 0027;
    launch.flags |= TPROC_LAUNCH_SESSION | TPROC_LAUNCH_NICE;
    launch.nice = 3;
    launch.limits[RLIMIT_NOFILE].soft = 77;
    launch.ignored_signals = uint64_t{1} << (SIGHUP - 1);
    launch.blocked_signals = uint64_t{1} << (SIGUSR1 - 1);
    const int file = open("/dev/null", O_RDWR | O_CLOEXEC), other = open("/dev/zero", O_RDWR | O_CLOEXEC);
    launch.stdio[0] = launch.stdio[2] = file;
    launch.descriptors = {{3, file}, {9, other}, {4, other}};
    const auto expected = report_of(host, launch);
    prepare_ready(host, ready({"-"}, name));
    const auto found = report_of(host, launch);
    close(file);
    close(other);
    CHECK(only(host).started == 1);
    CHECK(found->session == found->pid);
    found->pid = expected->pid;
    found->session = expected->session;
    found->group = expected->group;
    CHECK(found->open_descriptors == expected->open_descriptors);
    for (int i = 0; i < found->open_descriptors; i++) {
      CHECK(found->descriptors[i].number == expected->descriptors[i].number);
      CHECK(found->descriptors[i].inode == expected->descriptors[i].inode);
    }
    CHECK(std::memcmp(found.get(), expected.get(), offsetof(state_report, argc)) == 0);
  }
}

TEST_CASE("one keeps waiting where a start wants one of the highest numbers that a descriptor can have") {
  Host host;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  prepare_ready(host, ready({"-"}));
  Launch launch = started("-", "x");
  for (int below = 1; below <= 5; below += 4) {
    launch.descriptors = {{static_cast<int>(files.rlim_max) - below, STDIN_FILENO}};
    CHECK(!takes_ready(host, launch, "x\nnone\n"));
  }
  CHECK(only(host).ready == 1);
  launch.descriptors[0].number -= 2;
  CHECK(takes_ready(host, launch, "x\nnone\n"));
}

TEST_CASE("without a session it is in the host's process group, with the host's umask and directory") {
  Host host;
  prepare_ready(host, ready({"-"}));
  const mode_t before = umask(0123);
  const auto found = report_of(host, ready({"-"}));
  umask(before);
  CHECK(only(host).started == 1);
  CHECK(found->group == getpgid(0));
  CHECK(found->umask == 0123);
  CHECK(std::string(found->directory) == std::filesystem::current_path().string());
}

TEST_CASE("what it has set up itself stays, but what the start ignores is ignored") {
  const auto bit = [](int signal) { return uint64_t{1} << (signal - 1); };
  Host host;
  prepare_ready(host, ready({"gf"}));
  const pid_t waiting = the_one_that_waits();
  for (const int signal : {SIGUSR1, SIGTERM, SIGRTMIN}) CHECK(kill(waiting, signal) == 0); /* it forgets them */
  Launch launch = ready({"gf"});
  launch.ignored_signals = bit(SIGUSR2) | bit(SIGQUIT);
  launch.blocked_signals = bit(SIGINT);
  const auto found = report_of(host, launch);
  CHECK(only(host).started == 1);
  CHECK(found->pid == waiting);
  CHECK(found->changed_dispositions == (bit(SIGUSR1) | bit(SIGUSR2) | bit(SIGPIPE) | bit(SIGQUIT)));
  CHECK(found->ignored_signals == (bit(SIGUSR2) | bit(SIGPIPE) | bit(SIGQUIT)));
  CHECK(found->blocked_signals == (bit(SIGHUP) | bit(SIGINT)));
  CHECK(found->pending_signals == 0);
  CHECK(found->open_descriptors == 1); /* its own: the start gives none */
  CHECK(found->descriptors[0].number == 5);
}

TEST_CASE("a descriptor that it has opened itself is not overwritten: the start is an ordinary one") {
  Host host;
  prepare_ready(host, ready({"f"}));
  Launch launch = started("f", "x");
  const int file = open("/dev/null", O_RDWR | O_CLOEXEC);
  launch.descriptors = {{5, file}};
  CHECK(!takes_ready(host, launch, "x\nnone\n"));
  CHECK(only(host).changed == 1);
  REQUIRE(waits(host));
  launch.descriptors = {{6, file}};
  CHECK(takes_ready(host, launch, "x\nnone\n"));
  close(file);
}

TEST_CASE("what it writes before goes to the host's standard error, and it reads nothing") {
  const int log = memfd_create("log", MFD_CLOEXEC), own = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
  Host host;
  dup2(log, STDERR_FILENO);
  prepare_ready(host, ready({"w"}));
  dup2(own, STDERR_FILENO);
  close(own);
  CHECK(takes_ready(host, started("w", "x"), "x\nnone\n"));
  CHECK(waits(host));
  CHECK(eventually([&] { return lseek(log, 0, SEEK_END) == 2 * 8; })); /* another has taken its place */
  char text[8];
  REQUIRE(pread(log, text, sizeof text, 0) == 8);
  CHECK(std::string(text, 8) == "out\nerr\n");
  close(log);
}

TEST_CASE("with threads of its own it is started, but not where the start asks for something of each") {
  Host host;
  prepare_ready(host, ready({"t"}));
  Launch launch = started("t", "x");
  launch.flags = TPROC_LAUNCH_NICE;
  launch.nice = getpriority(PRIO_PROCESS, 0) + 1;
  CHECK(!takes_ready(host, launch, "x\nnone\n"));
  REQUIRE(waits(host));
  launch.nice = getpriority(PRIO_PROCESS, 0);
  CHECK(takes_ready(host, launch, "x\nnone\n"));
  REQUIRE(waits(host));
  launch.flags = TPROC_LAUNCH_CRASH_REPORT;
  CHECK(!takes_ready(host, launch, "x\nnone\n"));
  CHECK(only(host).changed == 2);
}

TEST_CASE("with one thread it is traced for a crash report") {
  Host host;
  prepare_ready(host, ready({"-"}));
  Launch launch = started("-", "x");
  launch.flags = TPROC_LAUNCH_CRASH_REPORT;
  CHECK(takes_ready(host, launch, "x\nnone\n"));
}

TEST_CASE("what cannot be given any more is an ordinary start's") {
  Host host;
  prepare_ready(host, ready({"-"}));
  Launch limited = started("-", "x"), stack = with_limits(started("-", "x")), memory = stack,
         variable = started("-", "x");
  limited.heap_limit = 1 << 20;
  stack.limits[RLIMIT_STACK].soft = 1 << 20;
  memory.limits[RLIMIT_AS].soft = memory.limits[RLIMIT_AS].hard = uint64_t{1} << 30;
  variable.environment = {"MALLOC_ARENA_MAX=1"};
  for (const Launch &launch : {limited, stack, memory, variable}) CHECK(!takes_ready(host, launch, "x\nnone\n"));
  CHECK(only(host).missed == 4);
  CHECK(only(host).ready == 1);
}

TEST_CASE("a child that it has forked does not hide its end") {
  Host host;
  prepare_ready(host, ready({"k"}));
  CHECK(takes_ready(host, started("k", "x"), "x\nnone\n"));
  REQUIRE(waits(host));
  const uint64_t ended = only(host).ended;
  pid_t parent = 0;
  for (const pid_t each : children_named("ready")) parent = each;
  kill(parent, SIGKILL);
  CHECK(eventually([&] { return only(host).ended == ended + 1 && only(host).ready == 1; }));
}

TEST_CASE("why one does not come to its call is said, and nothing is left of it") {
  Host host;
  const std::string begins = "prepare " + test_program("ready") + ": ";
  struct {
    std::string what;
    int code;
    std::string message;
  } const expected[] = {{"e", -ESRCH, "it ends before it calls tproc_ready (exit status 3)"},
                        {"a", -ESRCH, "it ends before it calls tproc_ready (signal 6)"},
                        {"x", -ENOTSUP, "it has closed its descriptor "},
                        {"cp", -ENOTSUP, "it has closed its descriptor "},
                        {"c", -ESRCH, "it ends before it calls tproc_ready (exit status 127)"}};
  for (const auto &each : expected) {
    CAPTURE(each.what);
    for (const unsigned count : {1u, 3u}) {
      const Launched prepared = host.prepare_ready(ready({each.what}), count);
      CHECK(prepared.result == each.code);
      CHECK(prepared.message().substr(0, begins.size() + each.message.size()) == begins + each.message);
      CHECK(Prepared(host).kinds.empty());
    }
  }
  CHECK(eventually([] { return children_named("ready").empty(); }));
}

TEST_CASE("one that is stopped, as by a terminal that it writes to, is given up after its time, and that is said") {
  Host host;
  const Launched prepared = host.prepare_ready(ready({"s"}), 1, 0, 500 * kMillisecond);
  CHECK(prepared.message() == "prepare " + test_program("ready") +
                                  ": it is stopped, and has not called tproc_ready within 0.5 seconds (ETIMEDOUT)");
}

TEST_CASE("one that never calls is given up after its time") {
  Host host;
  const Launched prepared = host.prepare_ready(ready({"p"}), 1, 0, kMillisecond);
  CHECK(prepared.result == -ETIMEDOUT);
  CHECK(prepared.message() ==
        "prepare " + test_program("ready") + ": it has not called tproc_ready within 0.001 seconds (ETIMEDOUT)");
  CHECK(Prepared(host).kinds.empty());
  CHECK(eventually([] { return children_named("ready").empty(); }));
}

TEST_CASE("one that takes its time holds up neither starts, nor other kinds, nor its end") {
  Host host;
  std::thread caller([&] { CHECK(host.prepare_ready(ready({"p"}), 2).result == -ECANCELED); });
  CHECK(eventually([&] { return Prepared(host).kinds.size() == 1 && children_named("ready").size() == 2; }));
  CHECK(host.output_of(started("-", "x")) == "x\nnone\n");
  const Launch fixed(test_program("fixed_say"), {"x"});
  CHECK(host.output_of(fixed) == test_program("fixed_say") + "\nx\n");
  CHECK(host.prepare(Launch(test_program("say")), 1).result == 0);
  CHECK(host.prepare_ready(ready({"p"}), 0).result == 0);
  caller.join();
  CHECK(only(host).ready == 1);
}

TEST_CASE("those that are killed, too old or not wanted any more are replaced or go") {
  Host host;
  prepare_ready(host, ready({"-"}), 2, 5 * kMillisecond);
  CHECK(eventually([&] { return only(host).expired >= 4; }));
  prepare_ready(host, ready({"-"}), 2);
  REQUIRE(waits(host, 2));
  const uint64_t ended = only(host).ended;
  for (const pid_t child : children_named("ready")) kill(child, SIGKILL);
  CHECK(eventually([&] { return only(host).ended >= ended + 2 && only(host).ready == 2; }));
  CHECK(takes_ready(host, started("-", "x"), "x\nnone\n"));
  CHECK(host.prepare_ready(ready({"-"}), 0).result == 0);
  CHECK(Prepared(host).kinds.empty());
  CHECK(eventually([] { return children_named("ready").empty(); }));
}

TEST_CASE("one that somebody has stopped is not waited for, and does not run any more") {
  Host host;
  prepare_ready(host, ready({"-"}));
  const pid_t waiting = the_one_that_waits();
  kill(waiting, SIGSTOP);
  CHECK(!takes_ready(host, started("-", "x"), "x\nnone\n"));
  CHECK(eventually([&] { return kill(waiting, 0) != 0; }));
  CHECK(only(host).changed == 1);
  REQUIRE(waits(host));
  CHECK(takes_ready(host, started("-", "x"), "x\nnone\n"));
}

TEST_CASE("they count among those that a host may have, and one kind is another than that of the program alone") {
  Host host;
  CHECK(host.prepare_ready(ready({"-"}), TPROC_PREPARED_MAX + 1).result == -EINVAL);
  prepare(host, ready({}), 1);
  prepare_ready(host, ready({"-"}), 1);
  CHECK(Prepared(host).kinds.size() == 2);
  CHECK(host.output_of(started("-", "x")) == "x\nnone\n");
  for (const tproc_prepared &each : Prepared(host).kinds) CHECK(each.started == (each.depth == TPROC_PREPARED_READY));
  CHECK(host.output_of(ready({"y"})) == "none\n"); /* not of that kind: the other one's */
  CHECK(Prepared(host).totals.started == 2);
  CHECK(host.prepare(ready({}), 0).result == 0);
  CHECK(only(host).depth == TPROC_PREPARED_READY);
}

TEST_CASE("nothing is left of them when their host is closed") {
  CHECK(leaks_of([] {
          Host host;
          prepare_ready(host, ready({"t"}), 3);
          prepare_ready(host, ready({"-"}, "dynamic_ready"), 2);
          CHECK(host.output_of(started("t", "x")) == "x\nnone\n");
        }) == "");
}

// Each step that the program takes between the release and its return, failing in turn.
TEST_CASE("every system call of its own at a start, failing in turn: the start is an ordinary one") {
  const bool traced = FaultInjection::run([](FaultInjection &injection) {
    Host host;
    Launch launch = with_limits(started("-", "x"));
    launch.umask = 0022;
    launch.flags |= TPROC_LAUNCH_SESSION;
    launch.ignored_signals = uint64_t{1} << (SIGHUP - 1);
    unsigned hits = 0, ordinary = 0;
    for (const long number :
         {SYS_setpgid, SYS_setsid, SYS_rt_sigaction, SYS_recvmsg, SYS_fchdir, SYS_dup3, SYS_prlimit64}) {
      prepare_ready(host, ready({"-"}));
      EXPECT(waits(host));
      const uint64_t before = only(host).started;
      injection.arm(number, EIO, 1, "ready");
      EXPECT_EQUAL(host.output_of(launch), std::string("x\nnone\n"));
      hits += injection.disarm();
      ordinary += only(host).started == before;
    }
    EXPECT_EQUAL(hits, 7u);
    EXPECT_EQUAL(ordinary, 7u);
  });
  if (!traced) MESSAGE("not tested: this process may not trace another, or AddressSanitizer is in it");
}

TEST_SUITE_END();
