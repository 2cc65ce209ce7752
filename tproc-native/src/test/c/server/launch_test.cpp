#include <doctest/doctest.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "support/elf_builder.h"
#include "support/patience.h"
#include "support/resources.h"
#include "support/wire_client.h"

TEST_SUITE_BEGIN("server launch");

namespace {

constexpr size_t kMebibyte = 1u << 20;

// Runs it to its end and gives its output, or what went wrong.
std::string output_of(const Listening &listening, LaunchRequest request) {
  Pipe output;
  Client client(listening.path());
  request.descriptors[1] = output.in();
  if (!client.launch(request)) return "not sent";
  output.close_in();
  const Reply reply = client.receive();
  if (reply.type != WIRE_STARTED) return reply.message();
  close(reply.descriptor);
  const std::string all = output.rest();
  const int status = client.ended();
  return status == 0 ? all : "ended with " + std::to_string(status);
}

Reply refusal_of(const Listening &listening, const LaunchRequest &request) {
  Client client(listening.path());
  client.launch(request);
  const Reply reply = client.receive();
  CHECK(client.receive().type == 0);
  return reply;
}

// The lines that `say` prints.
std::string lines(const std::vector<std::string> &arguments) {
  return std::accumulate(arguments.begin(), arguments.end(), std::string(),
                         [](const std::string &all, const std::string &each) { return all + each + "\n"; });
}

}  // namespace

TEST_CASE("a program has its client's state") {
  Listening listening;
  TemporaryDirectory directory;
  const auto report = std::make_unique<state_report>();
  LaunchRequest request(test_program("state"), {address_of(report.get())});
  request.environment = {"COLOUR=blue", "EMPTY="};
  request.directory = directory.path();
  request.settings.umask = 0137;
  request.settings.nice = 7;
  request.settings.ignored_signals = 1ull << (SIGPIPE - 1) | 1ull << (SIGKILL - 1);
  request.settings.blocked_signals = 1ull << (SIGUSR1 - 1) | 1ull << (SIGSTOP - 1);
  request.settings.limits[RLIMIT_CORE] = {0, 0};
  request.settings.limits[RLIMIT_NOFILE] = {100, 800};
  request.has_state = true;
  request.state.given = WIRE_STATE_SCHEDULING | WIRE_STATE_IO_PRIORITY | WIRE_STATE_PERSONALITY;
  request.state.policy = SCHED_BATCH;
  request.state.io_priority = 2 << 13 | 6;
  request.state.personality = ADDR_NO_RANDOMIZE;
  uint64_t cpus[CPU_WORDS_REPORTED] = {};
  sched_getaffinity(0, sizeof cpus, reinterpret_cast<cpu_set_t *>(cpus));
  request.cpus = {cpus[0] & ~(cpus[0] - 1)};
  Pipe pipe;
  request.descriptors = {{0, pipe.out()}, {2, pipe.in()}, {700, pipe.in()}};
  Client client(listening.path());
  REQUIRE(client.launch(request));
  const pid_t pid = client.started();
  REQUIRE(client.ended() == 0);
  CHECK(report->pid == pid);
  CHECK(report->session == pid);
  CHECK(report->group == pid);
  CHECK(std::string(report->directory) == directory.path());
  CHECK(report->umask == 0137);
  CHECK(report->nice == 7);
  CHECK(report->policy == SCHED_BATCH);
  CHECK(report->io_priority == (2 << 13 | 6));
  CHECK(report->personality == ADDR_NO_RANDOMIZE);
  CHECK(report->cpus[0] == request.cpus[0]);
  CHECK(report->ignored_signals == 1ull << (SIGPIPE - 1));
  CHECK(report->blocked_signals == 1ull << (SIGUSR1 - 1));
  CHECK(report->hard_limits[RLIMIT_CORE] == 0);
  CHECK(report->soft_limits[RLIMIT_NOFILE] == 100);
  CHECK(report->hard_limits[RLIMIT_NOFILE] == 800);
  CHECK(report->open_descriptors == 3);
  CHECK(report->highest_descriptor == 700);
}

TEST_CASE("a thousand descriptors are passed on") {
  Listening listening;
  const auto report = std::make_unique<state_report>();
  LaunchRequest request(test_program("state"), {address_of(report.get())});
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < 4000) {
    MESSAGE("skipped: RLIMIT_NOFILE allows only " << limit.rlim_max);
    return;
  }
  const rlimit before = limit;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  for (int i = 0; i < 1023; i++) request.descriptors[i] = STDERR_FILENO;
  Client client(listening.path());
  REQUIRE(client.launch(request));
  client.started();
  CHECK(client.ended() == 0);
  CHECK(report->open_descriptors == 1023);
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_CASE("the environment is the client's: its PATH finds the program, from its directory") {
  Listening listening;
  TemporaryDirectory directory;
  directory.directory("tools");
  directory.link("tools/speak", test_program("say"));
  LaunchRequest request("speak");
  request.directory = directory.path();
  request.environment = {"HOME=/", "PATH=/nowhere:tools"};
  CHECK(output_of(listening, request) == "speak\n");
  request.environment = {"PATH=/nowhere"};
  const Reply reply = refusal_of(listening, request);
  CHECK(reply.error_code() == ENOENT);
  CHECK(reply.exit_code() == 127);
  CHECK(reply.message() ==
        "cannot host speak: not found in the search path /nowhere: No such file or directory (ENOENT)");
}

TEST_CASE("the working directory may have been deleted") {
  Listening listening;
  TemporaryDirectory directory;
  const std::string gone = directory.directory("gone");
  LaunchRequest request(test_program("say"), {"here"});
  request.directory_descriptor = open(gone.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  REQUIRE(rmdir(gone.c_str()) == 0);
  CHECK(output_of(listening, request) == request.program + "\nhere\n");
  close(request.directory_descriptor);
}

TEST_CASE("what cannot be hosted is refused with the shell's exit code, and leaves nothing open") {
  Listening listening;
  TemporaryDirectory directory;
  struct Refused {
    std::string program;
    int code, exit_code;
  };
  for (const Refused &each : {Refused{directory / "missing", ENOENT, 127}, Refused{directory.path(), EACCES, 126},
                              Refused{directory.file("plain", "text", 0644), EACCES, 126},
                              Refused{directory.file("broken", "\177ELF and no more"), ENOEXEC, 126},
                              Refused{directory.file("script", "#!/missing/interpreter\n"), ENOENT, 127}}) {
    CAPTURE(each.program);
    Pipe output;
    LaunchRequest request(each.program);
    request.descriptors[1] = output.in();
    const Reply reply = refusal_of(listening, request);
    CHECK(reply.error_code() == each.code);
    CHECK(reply.exit_code() == each.exit_code);
    CHECK(reply.message().find("cannot host " + each.program) == 0);
    CHECK(output.rest() == ""); /* its end comes: the host has closed its copy */
  }
  LaunchRequest no_directory(test_program("say"));
  no_directory.directory_descriptor = STDERR_FILENO;
  CHECK(refusal_of(listening, no_directory).error_code() == ENOTDIR);
  LaunchRequest no_terminal(test_program("say"));
  Pipe pipe;
  no_terminal.descriptors[0] = pipe.out();
  no_terminal.settings.flags = WIRE_LAUNCH_TERMINAL;
  CHECK(refusal_of(listening, no_terminal).error_code() == ENOTTY);
  CHECK(listening.count() == 0);
}

TEST_CASE("a text without #! is run by the shell, as execvp does") {
  Listening listening;
  TemporaryDirectory directory;
  const std::string text = directory.file("text", "echo $0 $1\n");
  CHECK(output_of(listening, LaunchRequest(text, {"one"})) == text + " one\n");
}

TEST_CASE("2 MiB of arguments and 1 MiB of environment arrive whole") {
  Listening listening;
  LaunchRequest request(test_program("say"));
  request.settings.limits[RLIMIT_STACK].soft = 64 * kMebibyte;
  for (int i = 0; i < 20; i++) request.arguments.push_back(std::string(kMebibyte / 10, static_cast<char>('a' + i)));
  for (int i = 0; i < 10; i++)
    request.environment.push_back("V" + std::to_string(i) + "=" + std::string(kMebibyte / 10, 'v'));
  CHECK(output_of(listening, request) == lines(request.arguments));
  request.arguments[0] = std::string(4096, 'z'); /* as `exec -a` gives it */
  CHECK(output_of(listening, request) == lines(request.arguments));
}

TEST_CASE("the kernel's limits for arguments hold") {
  Listening listening;
  LaunchRequest request(test_program("say"));
  request.settings.limits[RLIMIT_STACK].soft = 8 * kMebibyte;
  for (int i = 0; i < 21; i++) request.arguments.push_back(std::string(kMebibyte / 10, 'a'));
  Reply reply = refusal_of(listening, request); /* a quarter of the stack */
  CHECK(reply.error_code() == E2BIG);
  CHECK(reply.exit_code() == 126);
  CHECK(reply.message().find("arguments and environment take") != std::string::npos);
  request.arguments = {"say", std::string(32 * test_page(), 'a')}; /* MAX_ARG_STRLEN, with its NUL */
  CHECK(refusal_of(listening, request).error_code() == E2BIG);
}

TEST_CASE("a launch that breaks a rule is the protocol's failure, not the program's") {
  Listening listening;
  LaunchRequest request(test_program("say"));
  request.settings.umask = 07777;
  const Reply reply = refusal_of(listening, request);
  CHECK(reply.error_code() == EPROTO);
  CHECK(reply.exit_code() == 125);
  CHECK(reply.message() == "a launch with umask 07777 (EPROTO)");
}

TEST_CASE("fifty programs at once, from as many clients") {
  Listening listening;
  std::vector<std::thread> threads;
  std::vector<int> results(50, -1);
  for (int i = 0; i < 50; i++)
    threads.emplace_back([&listening, &results, i] {
      Client client(listening.path());
      client.launch(LaunchRequest(test_program("end"), {"exit", std::to_string(i)}));
      client.started();
      results[static_cast<size_t>(i)] = client.ended();
    });
  for (std::thread &thread : threads) thread.join();
  for (int i = 0; i < 50; i++) CHECK(results[static_cast<size_t>(i)] == i);
  CHECK(eventually([&] { return listening.count() == 0; }));
}

TEST_SUITE_END();
