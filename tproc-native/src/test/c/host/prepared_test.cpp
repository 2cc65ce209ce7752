#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
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

extern "C" {
#include "support/in_host.h"
}

TEST_SUITE_BEGIN("prepared");

namespace {

constexpr uint64_t kMillisecond = 1000000;

// Without its cache a linker looks in directories, and is not run ahead.
bool can_link() {
  if (access("/etc/ld.so.cache", R_OK) == 0) return true;
  MESSAGE("there is no /etc/ld.so.cache, so no linker is run ahead");
  return false;
}

Launch say(const std::vector<std::string> &words) { return Launch(test_program("dynamic_say"), words); }

Launch with_witness(const std::string &library, const std::string &word) {
  Launch launch = say({"x"});
  launch.environment = {"LD_PRELOAD=" + library, "WORD=" + word};
  return launch;
}

std::string comm_of(pid_t pid) {
  std::string name;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/comm"), name);
  return name;
}

void copy(const std::string &from, const std::string &to) {
  std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
}

}  // namespace

TEST_CASE("a prepared program finds its own arguments, environment and auxv in /proc/self, too") {
  Host host;
  Launch launch(test_program("views"), {"given", "later"});
  launch.environment = {"A=1"};
  prepare(host, launch);
  CHECK(host.output_of(launch) == "done\n");
  CHECK(only(host).started == 1);
}

TEST_CASE("a prepared program gets its arguments, and another takes its place") {
  Host host;
  prepare(host, say({}), 2);
  CHECK(only(host).ready == 2);
  if (can_link()) CHECK(only(host).depth == TPROC_PREPARED_LINKED);
  for (int round = 0; round < 5; round++) {
    REQUIRE(waits(host, 2));
    CHECK(host.output_of(say({"one", "two"})) == test_program("dynamic_say") + "\none\ntwo\n");
  }
  CHECK(only(host).started == 5);
  CHECK(only(host).missed == 0);
  CHECK(Prepared(host).totals.started == 5);
}

TEST_CASE("launches that are under way do not hold up for ever that others are prepared") {
  Host host;
  prepare(host, say({}), 2);
  in_host_begin_launch(host.get());
  for (int round = 0; round < 3; round++) {
    REQUIRE(waits(host, 2));
    CHECK(host.output_of(say({"x"})) == test_program("dynamic_say") + "\nx\n");
  }
  in_host_end_launch(host.get());
  CHECK(waits(host, 2));
  CHECK(only(host).started == 3);
}

TEST_CASE("a static program, and one for fixed addresses, are prepared, too") {
  for (const char *name : {"say", "fixed_say"}) {
    CAPTURE(name);
    Host host;
    prepare(host, Launch(test_program(name)));
    CHECK(only(host).depth == TPROC_PREPARED_MAPPED);
    CHECK(host.output_of(Launch(test_program(name), {"word"})) == test_program(name) + "\nword\n");
    CHECK(only(host).started == 1);
  }
}

TEST_CASE("one that waits at fixed addresses is not in the way of one that starts") {
  Host host;
  prepare(host, Launch(test_program("fixed_say")));
  Launch other = Launch(test_program("fixed_say"), {"word"});
  other.flags = TPROC_LAUNCH_STAY;
  CHECK(host.output_of(other) == test_program("fixed_say") + "\nword\n");
  CHECK(only(host).started == 0);
  CHECK(waits(host));
}

// How many were ready when a program for fixed addresses had started while so many were prepared.
unsigned ready_at_fixed_start(Host &host, const Launch &launch, unsigned count) {
  const auto filling = std::async(std::launch::async, [&] { host.prepare(launch, count); });
  const bool begun = eventually([&] {
    const Prepared now(host);
    return now.kinds.size() == 1 && now.kinds[0].ready > 0;
  });
  tproc_threadproc *fixed = host.start(Launch(test_program("fixed_say")));
  const unsigned ready = only(host).ready;
  filling.wait();
  CHECK(begun);
  CHECK(only(host).ready == count);
  host.await(fixed);
  host.close_threadproc(fixed);
  CHECK(host.prepare(launch, 0).result == 0);
  return ready;
}

TEST_CASE("a program for fixed addresses waits for no more than one of those that are being prepared") {
  constexpr unsigned kMany = 100;
  Host host;
  const Launch filled(test_program("say"));
  bool was_first = false;
  for (int round = 0; round < 5 && !was_first; round++) /* the filling may be */
    was_first = ready_at_fixed_start(host, filled, kMany) < kMany;
  CHECK(was_first);
}

TEST_CASE("one for fixed addresses that is too old or not wanted any more is not in the way either") {
  Host host;
  const Launch fixed(test_program("fixed_say"));
  Launch other = fixed;
  other.flags = TPROC_LAUNCH_STAY;
  for (int round = 0; round < 20; round++) {
    prepare(host, fixed);
    CHECK(host.prepare(fixed, 0).result == 0);
    CHECK(host.output_of(other) == test_program("fixed_say") + "\n");
  }
}

TEST_CASE("one for fixed addresses that is not wanted any more is not in the way of the next that is prepared") {
  Host host;
  const Launch fixed(test_program("fixed_say"));
  for (int round = 0; round < 20; round++) {
    prepare(host, fixed);
    CHECK(host.prepare(fixed, 0).result == 0);
  }
}

TEST_CASE("a program that spills is none that was prepared") {
  Host host;
  WaitWord word;
  Launch spilling(test_program("fixed_say"), {"fixed"});
  spilling.flags = TPROC_LAUNCH_SPILL;
  const std::string said = test_program("fixed_say") + "\nfixed\n";
  prepare(host, spilling);
  CHECK(host.output_of(spilling) == said);
  CHECK(only(host).started == 1);
  tproc_threadproc *first = host.start(Launch(test_program("fixed_wait"), {address_of(word.get())}));
  word.await_running();
  tproc_threadproc *spilled = host.start(spilling);
  host.await(spilled);
  CHECK(tproc_threadproc_exec(spilled) == TPROC_EXEC_SPILLED);
  CHECK(only(host).started == 1);
  CHECK(only(host).ready == 0);
  for (tproc_threadproc *each : {spilled, first}) {
    if (each == first) {
      word.go();
      host.await(first);
    }
    host.close_threadproc(each);
  }
  CHECK(host.output_of(spilling) == said);
}

TEST_CASE("room for arguments counts for no limit of the program's") {
  Host ordinary, prepared;
  for (const char *name : {"stack", "fill"}) prepare(prepared, Launch(test_program(name)));
  const Launch fill(test_program("fill"), {std::to_string(64 << 20)});
  CHECK(prepared.output_of(fill) == ordinary.output_of(fill));
  for (const std::vector<std::string> &words : {std::vector<std::string>{}, std::vector<std::string>{"over"}}) {
    Launch stack = with_limits(Launch(test_program("stack"), words));
    stack.limits[RLIMIT_STACK].soft = 200 << 20; /* more than is kept free below a stack anyway */
    prepare(prepared, stack);
    CHECK(ordinary.run(stack) == (words.empty() ? 0 : 1000 + SIGSEGV));
    CHECK(prepared.run(stack) == ordinary.run(stack));
  }
  CHECK(Prepared(prepared).totals.started == 3);
}

TEST_CASE("what is executed is told of a prepared one, too") {
  Host host;
  prepare(host, say({}));
  tproc_threadproc *threadproc = host.start(say({"x"}));
  const char *words = nullptr;
  const size_t size = tproc_threadproc_executed(threadproc, &words);
  const std::string path = std::filesystem::canonical(test_program("dynamic_say"));
  CHECK(std::string(words, size) == path + std::string(1, '\0') + test_program("dynamic_say") + std::string(1, '\0'));
  host.await(threadproc);
  host.close_threadproc(threadproc);
  CHECK(only(host).started == 1);
}

TEST_CASE("a script has its own name, not that of its interpreter that waited") {
  TemporaryDirectory directory;
  const std::string wait = test_program("wait");
  for (const bool prepared : {false, true}) {
    CAPTURE(prepared);
    Host host;
    WaitWord word;
    const std::string script = directory.file("some-script.sh", "#!" + wait + " " + address_of(word.get()) + "\n");
    chmod(script.c_str(), 0755);
    if (prepared) prepare(host, Launch(wait));
    tproc_threadproc *threadproc = host.start(Launch(script));
    word.await_running();
    CHECK(comm_of(tproc_threadproc_pid(threadproc)) == "some-script.sh");
    word.go();
    host.await(threadproc);
    host.close_threadproc(threadproc);
    if (prepared) CHECK(only(host).started == 1);
  }
}

TEST_CASE("a prepared program finds itself in the state of an ordinary one") {
  TemporaryDirectory directory;
  for (const char *name : {"state", "dynamic_state"}) {
    CAPTURE(name);
    Launch launch = with_limits(Launch(test_program(name)));
    launch.environment = {"ONE=1", "TWO=2"};
    launch.directory = directory.path();
    launch.umask = 0027;
    launch.flags |= TPROC_LAUNCH_SESSION | TPROC_LAUNCH_NICE;
    launch.nice = 3;
    launch.limits[RLIMIT_NOFILE].soft = 77;
    launch.ignored_signals = uint64_t{1} << (SIGHUP - 1);
    launch.blocked_signals = uint64_t{1} << (SIGUSR1 - 1);
    const int file = open("/dev/null", O_RDWR | O_CLOEXEC);
    launch.stdio[0] = launch.stdio[2] = file;
    launch.descriptors = {{3, file}, {9, file}};
    Host ordinary, prepared;
    prepare(prepared, launch);
    const auto expected = state_of(ordinary, launch), found = state_of(prepared, launch);
    close(file);
    CHECK(only(prepared).started == 1);
    CHECK(found->session == found->pid);
    CHECK(expected->session == expected->pid);
    found->pid = expected->pid;
    found->session = expected->session;
    found->group = expected->group;
    CHECK(std::memcmp(found.get(), expected.get(), offsetof(state_report, argc)) == 0);
  }
}

TEST_CASE("without a session it is in the host's process group, with the host's umask") {
  Host host;
  prepare(host, Launch(test_program("dynamic_state")));
  const mode_t before = umask(0123);
  const auto found = state_of(host, Launch(test_program("dynamic_state")));
  umask(before);
  CHECK(only(host).started == 1);
  CHECK(found->group == getpgid(0));
  CHECK(found->umask == 0123);
}

TEST_CASE("a program that is held is started in the ordinary way: its debugger is to see the linker, too") {
  Host host;
  prepare(host, say({}));
  Launch launch = say({});
  launch.flags = TPROC_LAUNCH_HOLD;
  tproc_threadproc *held = host.start(launch);
  await_held(tproc_threadproc_pid(held));
  kill(tproc_threadproc_pid(held), SIGCONT);
  CHECK(host.await(held).status == 0);
  host.close_threadproc(held);
  CHECK(only(host).started == 0);
  CHECK(only(host).missed == 1);
}

TEST_CASE("no constructor has run before the launch") {
  if (!can_link()) return;
  Host host;
  const std::string witness = test_program("preload_witness");
  prepare(host, with_witness(witness, "early"));
  CHECK(only(host).depth == TPROC_PREPARED_LINKED);
  CHECK(host.output_of(with_witness(witness, "late")) ==
        "argc=2 variables=1 WORD=late\n" + test_program("dynamic_say") + "\nx\n");
  CHECK(only(host).started == 1);
}

TEST_CASE("other variables of the linker's are an ordinary start's") {
  if (!can_link()) return;
  Host host;
  prepare(host, say({}));
  CHECK(host.output_of(with_witness(test_program("preload_witness"), "x")).substr(0, 6) == "argc=2");
  CHECK(only(host).started == 0);
  CHECK(only(host).missed == 1);
  CHECK(Prepared(host).totals.ordinary == 1);
  CHECK(host.output_of(say({})) == test_program("dynamic_say") + "\n");
  CHECK(only(host).started == 1);
}

TEST_CASE("variables that make a linker look around or write are its own start's") {
  Host host;
  for (const char *variable : {"LD_LIBRARY_PATH=/nowhere", "LD_PRELOAD=./x.so", "LD_DEBUG=statistics"}) {
    CAPTURE(variable);
    Launch launch = say({"x"});
    launch.environment = {variable};
    prepare(host, launch);
    CHECK(only(host).depth == TPROC_PREPARED_MAPPED);
    CHECK(host.output_of(launch) == test_program("dynamic_say") + "\nx\n");
    CHECK(only(host).started == 1);
    CHECK(host.prepare(launch, 0).result == 0);
  }
}

TEST_CASE("a linker that says something says it at the launch") {
  if (!can_link()) return;
  Host host;
  Launch launch = with_witness("/no/such/library.so", "x");
  prepare(host, launch);
  CHECK(only(host).depth == TPROC_PREPARED_MAPPED);
  TemporaryDirectory directory;
  const std::string errors = directory.file("errors", "");
  launch.stdio[2] = open(errors.c_str(), O_WRONLY | O_CLOEXEC);
  CHECK(host.run(launch) == 0);
  close(launch.stdio[2]);
  CHECK(only(host).started == 1);
  CHECK(std::filesystem::file_size(errors) > 0);
}

TEST_CASE("a program or a library that was replaced is started afresh") {
  if (!can_link()) return;
  TemporaryDirectory directory;
  const std::string program = directory / "program", library = directory / "library.so";
  copy(test_program("dynamic_say"), program);
  copy(test_program("preload_witness"), library);
  Launch launch = with_witness(library, "1");
  launch.program = program;
  launch.environment.push_back("OTHER=2");
  Host host;
  prepare(host, launch);
  copy(test_program("preload_other"), library);
  CHECK(host.output_of(launch) == "argc=2 variables=1 OTHER=2\n" + program + "\nx\n");
  CHECK(only(host).changed == 1);
  CHECK(waits(host));
  std::filesystem::remove(program);
  copy(test_program("dynamic_state"), program);
  chmod(program.c_str(), 0755);
  launch.environment.clear();
  state_of(host, launch);
  CHECK(only(host).started == 0);
}

TEST_CASE("what does not fit on the stack of a prepared one is an ordinary start's") {
  Host host;
  prepare(host, say({}));
  const std::vector<std::string> many(3000, "word");
  CHECK(host.output_of(say(many)).size() == test_program("dynamic_say").size() + 1 + 5 * many.size());
  CHECK(only(host).started == 0);
  CHECK(only(host).changed == 1);
  REQUIRE(waits(host));
  const std::vector<std::string> fitting(1500, "word");
  CHECK(host.output_of(say(fitting)).size() == test_program("dynamic_say").size() + 1 + 5 * fitting.size());
  CHECK(only(host).started == 1);
}

TEST_CASE("an error of a launch is that of an ordinary start") {
  Host host;
  prepare(host, say({}));
  Launch launch = say({});
  launch.directory = "/no/such/directory";
  refused(host, launch, ENOENT, "working directory /no/such/directory: No such file or directory (ENOENT)");
  CHECK(only(host).ready == 1);
}

TEST_CASE("what cannot be prepared is said, and nothing is left of it") {
  Host host;
  const Launched prepared = host.prepare(Launch("/no/such/program"), 1);
  CHECK(prepared.result == -ENOENT);
  CHECK(prepared.message() == "prepare /no/such/program: open /no/such/program: No such file or directory (ENOENT)");
  CHECK(Prepared(host).kinds.empty());
  CHECK(host.prepare(say({}), TPROC_PREPARED_MAX + 1).result == -EINVAL);
  CHECK(Prepared(host).kinds.empty());
  prepare(host, say({}));
  CHECK(host.prepare(Launch("/no/such/program"), UINT_MAX).result == -EINVAL); /* with the one it would be 0 */
}

TEST_CASE("a failure to prepare is that of all who wait for it") {
  const bool traced = FaultInjection::run([](FaultInjection &calls) {
    Host host;
    const Launch missing("/no/such/program");
    Launched first, second;
    calls.arm(SYS_openat, 0, 1, "tproc-call");
    std::thread one([&] { first = host.prepare(missing, 2); });
    EXPECT(eventually([&] { return calls.has_hit(); }));
    std::thread other([&] { second = host.prepare(missing, 1); });
    EXPECT(eventually([&] {
      const Prepared now(host);
      return now.kinds.size() == 1 && now.kinds[0].wanted == 1;
    }));
    calls.disarm();
    calls.let_go();
    one.join();
    other.join();
    EXPECT_EQUAL(first.result, -ENOENT);
    EXPECT_EQUAL(second.result, -ENOENT);
    EXPECT_EQUAL(second.message(), first.message());
    EXPECT(Prepared(host).kinds.empty());
  });
  if (!traced) MESSAGE("not tested: this process may not trace another, or AddressSanitizer is in it");
}

TEST_CASE("prepared programs that are killed, too old or not wanted any more are replaced or go") {
  Host host;
  prepare(host, say({}), 2, 5 * kMillisecond);
  CHECK(eventually([&] { return only(host).expired >= 4; }));
  prepare(host, say({}), 2);
  REQUIRE(waits(host, 2));
  const uint64_t ended = only(host).ended;
  for (pid_t child : children_named("dynamic_say")) kill(child, SIGKILL);
  CHECK(eventually([&] { return only(host).ended >= ended + 2 && only(host).ready == 2; }));
  CHECK(host.output_of(say({"x"})) == test_program("dynamic_say") + "\nx\n");
  CHECK(host.prepare(say({}), 0).result == 0);
  CHECK(Prepared(host).kinds.empty());
}

TEST_CASE("one that somebody has stopped is not waited for, and does not run any more") {
  Host host;
  Launch traced = say({"x"});
  traced.flags = TPROC_LAUNCH_CRASH_REPORT;
  for (const Launch &launch : {say({"x"}), traced}) {
    prepare(host, launch);
    const std::vector<pid_t> waiting = children_named("dynamic_say");
    REQUIRE(waiting.size() == 1);
    kill(waiting[0], SIGSTOP);
    CHECK(host.output_of(launch) == test_program("dynamic_say") + "\nx\n");
    CHECK(eventually([&] { return kill(waiting[0], 0) != 0; }));
    CHECK(only(host).started == 0);
    REQUIRE(waits(host));
  }
  CHECK(only(host).changed == 2);
  CHECK(host.output_of(traced) == test_program("dynamic_say") + "\nx\n");
  CHECK(only(host).started == 1);
}

TEST_CASE("memory of those that wait is told") {
  Host host;
  prepare(host, say({}), 2);
  const tproc_prepared found = only(host);
  CHECK(found.mapped > 2 * 100000);
  CHECK(found.resident > 2 * 10000);
  CHECK(found.resident <= found.mapped);
}

TEST_CASE("one that waits is in no group of the host's, and forgets its signals") {
  Host host;
  prepare(host, say({"x"}));
  const std::vector<pid_t> waiting = children_named("dynamic_say");
  REQUIRE(waiting.size() == 1);
  CHECK(getpgid(waiting[0]) == waiting[0]);
  for (int signal : {SIGTERM, SIGUSR1, SIGRTMIN}) CHECK(kill(waiting[0], signal) == 0);
  CHECK(host.output_of(say({"x"})) == test_program("dynamic_say") + "\nx\n");
  CHECK(only(host).started == 1);
}

TEST_CASE("nothing is left of prepared programs when their host is closed") {
  CHECK(leaks_of([] {
          Host host;
          prepare(host, say({}), 3);
          prepare(host, Launch(test_program("say")), 2);
          CHECK(host.output_of(say({})) == test_program("dynamic_say") + "\n");
        }) == "");
}

TEST_SUITE_END();
