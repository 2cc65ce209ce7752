#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/patience.h"
#include "support/resources.h"
#include "support/wire_client.h"

extern "C" {
#include "base/process_state.h"
}

TEST_SUITE_BEGIN("server client program");

namespace {

server_options impatient() {
  server_options options = server_default_options;
  options.hangup_milliseconds = 200;
  return options;
}

// Beside the flags of a launch: it sets a timer that repeats.
constexpr uint32_t kTimer = 1u << 31;

LaunchRequest waiter(WaitWord &word, uint32_t flags = 0) {
  LaunchRequest request(test_program("wait"), {address_of(word.get())});
  request.settings.flags = flags & ~kTimer;
  if ((flags & kTimer) != 0) request.arguments.insert(request.arguments.end(), {"0", "timer"});
  return request;
}

Reply signal(const Listening &listening, pid_t pid, int number) {
  Client client(listening.path());
  const wire_signal asked{pid, number};
  client.send_frame(WIRE_SIGNAL, bytes_of(asked));
  return client.receive();
}

// Of a traced one the kernel says 't', also for the moment of any signal.
bool is_stopped(pid_t pid) { return process_state(pid) == 'T' || process_state(pid) == 't'; }

// Of an untraced program the host hears from the kernel, of a traced one from its tracer, and of one that sets a timer
// from either: each shows the same.
template <typename Test>
void untraced_and_traced(Test test) {
  for (const uint32_t flags : {0u, WIRE_LAUNCH_CRASH_REPORT, kTimer}) {
    CAPTURE(flags);
    test(flags);
  }
}

// A host, a client, and its program, which waits.
struct Waiting {
  explicit Waiting(uint32_t flags = 0) : client(listening.path()) {
    if (!client.launch(waiter(word, flags))) throw std::runtime_error("cannot ask for a launch");
    pid = client.started();
    word.await_running();
  }
  Waiting(const Waiting &) = delete;
  Waiting &operator=(const Waiting &) = delete;

  Listening listening;
  WaitWord word;
  Client client;
  pid_t pid = 0;
};

// A launcher in a process of its own, forked while no host is open. It runs `wait` and reads all that it is told. One
// that follows its program stops when it hears that this has.
class Launcher {
 public:
  explicit Launcher(uint32_t flags, bool follows = false) {
    REQUIRE(pipe2(path_, O_CLOEXEC) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      char path[108] = "";
      if (read(path_[0], path, sizeof path - 1) <= 0) _exit(1);
      Client client(path);
      client.launch(waiter(word, flags));
      for (int type = 1; type > 0;) {
        type = client.receive(60000).type;
        if (follows && type == WIRE_STOPPED) raise(SIGSTOP);
      }
      _exit(0);
    }
  }
  ~Launcher() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(path_[0]);
    close(path_[1]);
  }
  Launcher(const Launcher &) = delete;
  Launcher &operator=(const Launcher &) = delete;

  void connect(const std::string &path) const {
    REQUIRE(write(path_[1], path.data(), path.size()) == static_cast<ssize_t>(path.size()));
  }
  pid_t pid() const { return pid_; }
  void send(int number) const { kill(pid_, number); }

  WaitWord word;

 private:
  int path_[2];
  pid_t pid_;
};

// A program may run a moment before its host lists it.
tproc_status only_status(const Listening &listening) {
  CHECK(eventually([&] { return listening.count() == 1; }));
  tproc_status found{};
  tproc_host_list(
      listening.host(),
      [](const tproc_status *status, void *context) -> int {
        *static_cast<tproc_status *>(context) = *status;
        return 0;
      },
      &found);
  return found;
}

}  // namespace

TEST_CASE("a client gets a pidfd of its program") {
  Listening listening;
  WaitWord word;
  Client client(listening.path());
  REQUIRE(client.launch(waiter(word)));
  const Reply reply = client.receive();
  REQUIRE(reply.type == WIRE_STARTED);
  word.await_running();
  CHECK(syscall(SYS_pidfd_send_signal, reply.descriptor, SIGTERM, nullptr, 0) == 0);
  CHECK(client.ended() == 1000 + SIGTERM);
  CHECK(syscall(SYS_pidfd_send_signal, reply.descriptor, 0, nullptr, 0) == -1);
  close(reply.descriptor);
}

TEST_CASE("a program whose client is lost is hung up") {
  Listening listening;
  WaitWord word;
  Client client(listening.path());
  REQUIRE(client.launch(waiter(word)));
  const pid_t pid = client.started();
  word.await_running();
  client.close();
  CHECK(eventually([&] { return listening.count() == 0; }));
  CHECK(kill(pid, 0) == -1);
}

TEST_CASE("one that does not mind being hung up is killed a little later") {
  Listening listening(impatient());
  WaitWord word;
  LaunchRequest request = waiter(word);
  request.settings.ignored_signals = 1ull << (SIGHUP - 1);
  Client client(listening.path());
  REQUIRE(client.launch(request));
  client.started();
  word.await_running();
  client.close();
  CHECK(eventually([&] { return listening.count() == 0; }));
}

TEST_CASE("a stopped program is hung up, too") {
  untraced_and_traced([](uint32_t flags) {
    Waiting program(flags);
    CHECK(signal(program.listening, program.pid, SIGSTOP).type == WIRE_DONE);
    CHECK(eventually([&] { return is_stopped(program.pid); }));
    program.client.close();
    CHECK(eventually([&] { return program.listening.count() == 0; }));
  });
}

TEST_CASE("a program may outlive its client, and is released at its end") {
  Listening listening(impatient());
  WaitWord word;
  LaunchRequest request = waiter(word);
  request.settings.flags = WIRE_LAUNCH_OUTLIVE;
  Client client(listening.path());
  REQUIRE(client.launch(request));
  const pid_t pid = client.started();
  word.await_running();
  client.close();
  /* Another program is hung up and killed meanwhile, so this one would have been as well. */
  WaitWord other_word;
  LaunchRequest other = waiter(other_word);
  other.settings.ignored_signals = 1ull << (SIGHUP - 1);
  Client other_client(listening.path());
  REQUIRE(other_client.launch(other));
  other_client.started();
  other_word.await_running();
  other_client.close();
  CHECK(eventually([&] { return listening.count() == 1; }));
  CHECK(only_status(listening).pid == pid);
  CHECK(only_status(listening).state == TPROC_RUNNING);
  word.go();
  CHECK(eventually([&] { return listening.count() == 0; }));
}

TEST_CASE("a client lost at any point of its request leaves nothing") {
  CHECK(leaks_of([] {
          Listening listening(impatient());
          WaitWord word;
          const std::string payload = waiter(word).payload();
          const std::string whole = bytes_of(wire_header_for(WIRE_LAUNCH, payload.size(), 2)) + payload;
          for (const size_t sent : {size_t{0}, size_t{1}, size_t{15}, size_t{16}, size_t{17}, size_t{200},
                                    whole.size() - 1, whole.size()}) {
            Client client(listening.path());
            const int directory = open(".", O_PATH | O_CLOEXEC);
            if (sent > 0) client.send(whole.substr(0, sent), {directory, STDERR_FILENO});
            close(directory);
          }
          CHECK(eventually([&] { return listening.count() == 0; }));
          Client after(listening.path());
          after.launch(LaunchRequest(test_program("end"), {"exit", "4"}));
          after.started();
          CHECK(after.ended() == 4);
        }) == "");
}

TEST_CASE("a client hears of stops and continuations") {
  untraced_and_traced([](uint32_t flags) {
    Waiting program(flags);
    for (int round = 0; round < 2; round++) {
      CHECK(signal(program.listening, program.pid, SIGSTOP).type == WIRE_DONE);
      if (round == 0) CHECK(program.client.send_frame(WIRE_LOOK));
      const Reply reply = program.client.receive();
      CHECK(reply.type == WIRE_STOPPED);
      CHECK(reply.as<wire_stopped>().signal == SIGSTOP);
      CHECK(signal(program.listening, program.pid, SIGCONT).type == WIRE_DONE);
      CHECK(program.client.receive().type == WIRE_CONTINUED);
    }
    program.word.go();
    CHECK(program.client.ended() == 0);
  });
}

TEST_CASE("a stopped launcher stops its program, and a continued one continues it") {
  untraced_and_traced([](uint32_t flags) {
    Launcher launcher(flags);
    Listening listening;
    launcher.connect(listening.path());
    launcher.word.await_running();
    const tproc_status status = only_status(listening);
    CHECK(status.launcher == launcher.pid());
    CHECK(status.uid == geteuid());
    launcher.send(SIGSTOP);
    CHECK(eventually([&] { return is_stopped(status.pid); }));
    CHECK(only_status(listening).state == TPROC_STOPPED);
    launcher.send(SIGCONT);
    CHECK(eventually([&] { return !is_stopped(status.pid); }));
    launcher.send(SIGSTOP);
    CHECK(eventually([&] { return is_stopped(status.pid); }));
    launcher.send(SIGKILL);
    CHECK(eventually([&] { return listening.count() == 0; }));
  });
}

TEST_CASE("a launcher that stops because its program did is not mistaken for the cause") {
  untraced_and_traced([](uint32_t flags) {
    Launcher launcher(flags);
    Listening listening;
    launcher.connect(listening.path());
    launcher.word.await_running();
    const pid_t pid = only_status(listening).pid;
    CHECK(signal(listening, pid, SIGSTOP).type == WIRE_DONE);
    CHECK(eventually([&] { return is_stopped(pid); }));
    timespec half_a_second{0, 500000000};
    nanosleep(&half_a_second, nullptr); /* for two looks of the host; what must not happen cannot be awaited */
    launcher.send(SIGSTOP);
    nanosleep(&half_a_second, nullptr);
    launcher.send(SIGCONT);
    nanosleep(&half_a_second, nullptr);
    CHECK(is_stopped(pid)); /* it is the launcher's own business to continue it */
    CHECK(signal(listening, pid, SIGCONT).type == WIRE_DONE);
    launcher.word.go();
    CHECK(eventually([&] { return listening.count() == 0; }));
  });
}

TEST_CASE("who continues a program continues its launcher, which has stopped with it") {
  untraced_and_traced([](uint32_t flags) {
    Launcher launcher(flags, true);
    Listening listening;
    launcher.connect(listening.path());
    launcher.word.await_running();
    const pid_t pid = only_status(listening).pid;
    for (int round = 0; round < 3; round++) {
      CHECK(signal(listening, pid, SIGSTOP).type == WIRE_DONE);
      CHECK(eventually([&] { return is_stopped(launcher.pid()); }));
      kill(pid, SIGCONT);
      CHECK(eventually([&] { return !is_stopped(launcher.pid()) && !is_stopped(pid); }));
      CHECK(eventually([&] { return only_status(listening).state == TPROC_RUNNING; }));
    }
    launcher.word.go();
    CHECK(eventually([&] { return listening.count() == 0; }));
  });
}

TEST_CASE("where a program has crashed is told to a client that asked, before its end") {
  Listening listening;
  LaunchRequest request(test_program("crash"), {"fault"});
  request.settings.flags = WIRE_LAUNCH_CRASH_REPORT;
  Client client(listening.path());
  REQUIRE(client.launch(request));
  const pid_t pid = client.started();
  const Reply reply = client.receive();
  REQUIRE(reply.type == WIRE_CRASHED);
  CHECK(reply.as<wire_crashed>().pid == pid);
  const std::string text = reply.payload.substr(sizeof(wire_crashed));
  CHECK(text.find("SIGSEGV (SEGV_MAPERR), accessing 0x10 (null pointer), in /") == 0);
  CHECK(text.find("/crash+0x") != std::string::npos);
  CHECK(text.find(", thread " + std::to_string(pid) + "\n") != std::string::npos);
  CHECK(client.ended() == 1000 + SIGSEGV);
}

TEST_CASE("no crash is told of a program that exits, that another kills, that has not asked") {
  Listening listening;
  WaitWord word;
  Client killed(listening.path());
  REQUIRE(killed.launch(waiter(word, WIRE_LAUNCH_CRASH_REPORT)));
  const pid_t pid = killed.started();
  word.await_running();
  CHECK(signal(listening, pid, SIGSEGV).type == WIRE_DONE);
  CHECK(killed.ended() == 1000 + SIGSEGV);
  LaunchRequest request(test_program("end"), {"exit", "4"});
  request.settings.flags = WIRE_LAUNCH_CRASH_REPORT;
  Client exits(listening.path());
  REQUIRE(exits.launch(request));
  exits.started();
  CHECK(exits.ended() == 4);
  Client untraced(listening.path());
  REQUIRE(untraced.launch(LaunchRequest(test_program("crash"), {"fault"})));
  untraced.started();
  CHECK(untraced.ended() == 1000 + SIGSEGV);
}

TEST_CASE("a traced program that has executed another stops and goes on as any") {
  Listening listening;
  LaunchRequest request("/bin/sh", {"-c", "exec /bin/sleep 60"});
  request.settings.flags = WIRE_LAUNCH_CRASH_REPORT;
  Client client(listening.path());
  REQUIRE(client.launch(request));
  const pid_t pid = client.started();
  CHECK(eventually([&] { return only_status(listening).state == TPROC_LEFT; }));
  CHECK(signal(listening, pid, SIGSTOP).type == WIRE_DONE);
  CHECK(client.receive().type == WIRE_STOPPED);
  CHECK(signal(listening, pid, SIGCONT).type == WIRE_DONE);
  CHECK(client.receive().type == WIRE_CONTINUED);
  CHECK(signal(listening, pid, SIGTERM).type == WIRE_DONE);
  CHECK(client.ended() == 1000 + SIGTERM);
}

TEST_CASE("signals go to threadprocs of this host only") {
  Listening listening;
  WaitWord word;
  Client client(listening.path());
  REQUIRE(client.launch(waiter(word)));
  const pid_t pid = client.started();
  Reply reply = signal(listening, getpid(), SIGTERM);
  CHECK(reply.error_code() == ESRCH);
  CHECK(reply.exit_code() == 125);
  CHECK(reply.message() == "threadproc " + std::to_string(getpid()) + " in this host: No such process (ESRCH)");
  CHECK(signal(listening, -1, SIGTERM).error_code() == ESRCH);
  CHECK(signal(listening, 0, SIGTERM).error_code() == ESRCH);
  CHECK(signal(listening, pid, 65).error_code() == EINVAL);
  CHECK(signal(listening, pid, -1).error_code() == EINVAL);
  CHECK(signal(listening, pid, SIGTERM).type == WIRE_DONE);
  CHECK(client.ended() == 1000 + SIGTERM);
}

TEST_CASE("closing kills what clients started, tells them, and removes the socket") {
  CHECK(leaks_of([] {
          Listening listening;
          std::vector<std::unique_ptr<Client>> clients;
          std::vector<pid_t> pids;
          WaitWord words[5];
          for (WaitWord &word : words) {
            LaunchRequest request = waiter(word);
            request.settings.ignored_signals = 1ull << (SIGHUP - 1);
            request.settings.flags = &word == &words[0] ? WIRE_LAUNCH_OUTLIVE : 0;
            clients.push_back(std::make_unique<Client>(listening.path()));
            clients.back()->launch(request);
            pids.push_back(clients.back()->started());
            word.await_running();
          }
          clients.push_back(std::make_unique<Client>(listening.path())); /* has asked for nothing yet */
          listening.close();
          for (const auto &client : clients) {
            const Reply reply = client->receive();
            CHECK(reply.error_code() == ESHUTDOWN);
            CHECK(reply.message() == "the host has ended (ESHUTDOWN)");
            CHECK(client->receive().type == 0);
          }
          for (const pid_t pid : pids) CHECK(kill(pid, 0) == -1);
          CHECK(listening.count() == 0);
          CHECK(access(listening.path().c_str(), F_OK) == -1);
          CHECK_THROWS(Client(listening.path()));
        }) == "");
}

TEST_SUITE_END();
