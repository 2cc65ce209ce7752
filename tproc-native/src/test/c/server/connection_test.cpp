#include <doctest/doctest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/own_process.h"
#include "support/patience.h"
#include "support/resources.h"
#include "support/wire_client.h"

TEST_SUITE_BEGIN("server connection");

namespace {

server_options with_request_time(unsigned milliseconds) {
  server_options options = server_default_options;
  options.request_milliseconds = milliseconds;
  return options;
}

void check_works(const Listening &listening) {
  Client client(listening.path());
  REQUIRE(client.launch(LaunchRequest(test_program("end"), {"exit", "7"})));
  client.started();
  CHECK(client.ended() == 7);
}

// What the host says to these bytes, and that it then ends the connection.
Reply answer_to(const Listening &listening, const std::string &bytes, const std::vector<int> &descriptors = {}) {
  Client client(listening.path());
  client.send(bytes, descriptors);
  const Reply reply = client.receive();
  CHECK(client.receive().type == 0);
  return reply;
}

std::string launch_frame(size_t descriptors) {
  const std::string payload = LaunchRequest(test_program("say")).payload();
  return bytes_of(wire_header_for(WIRE_LAUNCH, payload.size(), descriptors)) + payload;
}

// A threadproc of the host's own with a long command, which stays in its list.
void start_long_command(tproc_host *host) {
  const std::string program = test_program("end"), command(WIRE_COMMAND_MAX, 'c');
  const char *const argv[] = {command.c_str(), "exit", "0", nullptr};
  tproc_launch launch{};
  launch.program = program.c_str();
  launch.argv = argv;
  launch.envp = argv + 3;
  launch.stdio[0] = launch.stdio[1] = launch.stdio[2] = TPROC_FD_CLOSED;
  launch.umask = TPROC_UMASK_INHERIT;
  tproc_threadproc *threadproc = nullptr;
  REQUIRE(tproc_host_launch(host, &launch, &threadproc, nullptr) == 0);
}

}  // namespace

TEST_CASE("a frame that breaks a rule is answered with what is wrong, and ends the connection") {
  Listening listening;
  wire_header header = wire_header_for(WIRE_LIST, 0, 0);
  header.magic++;
  CHECK(answer_to(listening, bytes_of(header)).message().find("not a frame of this protocol") == 0);
  header = wire_header_for(WIRE_LIST, 0, 0);
  header.version = 9;
  Reply reply = answer_to(listening, bytes_of(header));
  CHECK(reply.error_code() == EPROTO);
  CHECK(reply.exit_code() == 125);
  CHECK(reply.message() == "version 9 of the protocol, where version 1 is spoken (EPROTO)");
  for (const wire_header &wrong :
       {wire_header_for(WIRE_LIST, 1, 0), wire_header_for(WIRE_MAPS, 0, 0), wire_header_for(WIRE_DONE, 0, 0),
        wire_header_for(WIRE_LAUNCH, WIRE_PAYLOAD_MAX + 1, 1), wire_header_for(WIRE_LAUNCH, 1000, 5000),
        wire_header_for(WIRE_LAUNCH, 400, 0)})
    CHECK(answer_to(listening, bytes_of(wrong)).error_code() == EPROTO);
  CHECK(answer_to(listening, "GET / HTTP/1.1\r\n\r\n").error_code() == EPROTO);
  CHECK(answer_to(listening, launch_frame(2), {STDERR_FILENO}).message() ==
        "a frame with 1 descriptors, where 2 are announced (EPROTO)");
  CHECK(answer_to(listening, launch_frame(2), {2, 2, 2}).error_code() == EPROTO);
  CHECK(answer_to(listening, launch_frame(2), {2, 2}).message() ==
        "a launch with 2 descriptors, where 0 and the working directory are announced (EPROTO)");
  CHECK(answer_to(listening, bytes_of(wire_header_for(WIRE_LOOK, 0, 0))).message() ==
        "a frame of type 2 while no program runs (EPROTO)");
  check_works(listening);
}

TEST_CASE("what is asked while a program runs ends its connection, and so the program") {
  Listening listening;
  WaitWord word;
  Client client(listening.path());
  REQUIRE(client.launch(LaunchRequest(test_program("wait"), {address_of(word.get())})));
  client.started();
  word.await_running();
  REQUIRE(client.send_frame(WIRE_LIST));
  CHECK(client.receive().message() == "a frame of type 3 while a program runs (EPROTO)");
  CHECK(client.receive().type == 0);
  CHECK(eventually([&] { return listening.count() == 0; }));
}

TEST_CASE("a client that watches hears of each program's start and end") {
  Listening listening;
  Client watcher(listening.path());
  REQUIRE(watcher.send_frame(WIRE_WATCH));
  CHECK(watcher.receive().type == WIRE_DONE);
  const std::vector<std::vector<std::string>> ways = {{"exit", "7"}, {"signal", "15"}};
  for (const std::vector<std::string> &way : ways) {
    Client client(listening.path());
    REQUIRE(client.launch(LaunchRequest(test_program("end"), way)));
    const pid_t pid = client.started();
    client.ended();
    const Reply started = watcher.receive(), ended = watcher.receive();
    REQUIRE(started.type == WIRE_PROGRAM_STARTED);
    size_t offset = sizeof(wire_listed);
    wire_threadproc entry{};
    const char *command = nullptr;
    REQUIRE(wire_listed_next(started.payload.data(), started.payload.size(), &offset, &entry, &command));
    CHECK(entry.pid == pid);
    CHECK(entry.launcher == getpid());
    CHECK(entry.argument_count == 3);
    CHECK(std::string(command) == test_program("end"));
    REQUIRE(ended.type == WIRE_PROGRAM_ENDED);
    CHECK(ended.as<wire_program_ended>().pid == pid);
    CHECK(ended.as<wire_program_ended>().kind == (way[0] == "exit" ? TPROC_EXITED : TPROC_SIGNALLED));
    CHECK(std::to_string(ended.as<wire_program_ended>().status) == way[1]);
    CHECK(ended.as<wire_program_ended>().ended_at == entry.started_at + ended.as<wire_program_ended>().uptime);
  }
  REQUIRE(watcher.send_frame(WIRE_LIST));
  CHECK(watcher.receive().message() == "a frame of type 3 from a client that watches (EPROTO)");
  CHECK(watcher.receive().type == 0);
}

TEST_CASE("a client that watches hears of crashes and of who leaves, when it has asked") {
  Listening listening;
  Client plain(listening.path()), asks(listening.path());
  REQUIRE(plain.send_frame(WIRE_WATCH));
  CHECK(plain.receive().type == WIRE_DONE);
  REQUIRE(asks.send_frame(WIRE_WATCH, bytes_of(wire_watch{WIRE_WATCH_CRASHES | WIRE_WATCH_LEAVING})));
  CHECK(asks.receive().type == WIRE_DONE);
  LaunchRequest crash(test_program("crash"), {"fault"});
  crash.settings.flags = WIRE_LAUNCH_CRASH_REPORT;
  Client crashes(listening.path());
  REQUIRE(crashes.launch(crash));
  const pid_t crashed = crashes.started();
  Client leaves(listening.path());
  CHECK(asks.receive().type == WIRE_PROGRAM_STARTED);
  const Reply reply = asks.receive();
  REQUIRE(reply.type == WIRE_CRASHED);
  CHECK(reply.as<wire_crashed>().pid == crashed);
  CHECK(reply.payload.find("SIGSEGV (SEGV_MAPERR), ") == sizeof(wire_crashed));
  CHECK(reply.payload.find("(null pointer)") != std::string::npos);
  const Reply end = asks.receive();
  REQUIRE(end.type == WIRE_PROGRAM_ENDED);
  CHECK(end.as<wire_program_ended>().ended_at == reply.as<wire_crashed>().crashed_at);

  REQUIRE(leaves.launch(LaunchRequest("/bin/sh", {"-c", "exec /bin/sleep 0.1"})));
  const pid_t left = leaves.started();
  CHECK(leaves.ended() == 0);
  CHECK(asks.receive().type == WIRE_PROGRAM_STARTED);
  const Reply news = asks.receive();
  REQUIRE(news.type == WIRE_PROGRAM_LEFT);
  CHECK(news.as<wire_program_left>().pid == left);
  CHECK(news.as<wire_program_left>().how == WIRE_LEFT);
  CHECK(asks.receive().type == WIRE_PROGRAM_ENDED);

  for (const wire_type type : {WIRE_PROGRAM_STARTED, WIRE_PROGRAM_ENDED, WIRE_PROGRAM_STARTED, WIRE_PROGRAM_ENDED})
    CHECK(plain.receive().type == type);
}

TEST_CASE("a program that is to stay cannot leave, and who watches hears that it wanted to") {
  Listening listening;
  Client watcher(listening.path());
  REQUIRE(watcher.send_frame(WIRE_WATCH, bytes_of(wire_watch{WIRE_WATCH_LEAVING})));
  CHECK(watcher.receive().type == WIRE_DONE);
  LaunchRequest request("/bin/sh", {"-c", "exec /bin/true"});
  request.settings.flags = WIRE_LAUNCH_STAY;
  Client client(listening.path());
  REQUIRE(client.launch(request));
  client.started();
  CHECK(client.ended() == 126);
  CHECK(watcher.receive().type == WIRE_PROGRAM_STARTED);
  const Reply news = watcher.receive();
  REQUIRE(news.type == WIRE_PROGRAM_LEFT);
  CHECK(news.as<wire_program_left>().how == WIRE_LEAVE_REFUSED);
  CHECK(watcher.receive().type == WIRE_PROGRAM_ENDED);
}

TEST_CASE("a watch for what is unknown is refused") {
  Listening listening;
  Client strange(listening.path()), odd(listening.path());
  REQUIRE(strange.send_frame(WIRE_WATCH, bytes_of(wire_watch{4})));
  CHECK(strange.receive().message() == "a watch for what is unknown here (0x4) (EPROTO)");
  REQUIRE(odd.send_frame(WIRE_WATCH, "xx"));
  CHECK(odd.receive().message() == "a watch of 2 bytes (EPROTO)");
}

TEST_CASE("a client that watches and does not read is dropped, and keeps nobody waiting") {
  Listening listening;
  Client idler(listening.path());
  REQUIRE(idler.send_frame(WIRE_WATCH));
  LaunchRequest request(test_program("end"), {"exit", "0", std::string(WIRE_COMMAND_MAX, 'x')});
  pollfd hung_up{idler.descriptor(), 0, 0};
  int launches = 0;
  while (poll(&hung_up, 1, 0) == 0 && launches < 2000) {
    Client client(listening.path());
    REQUIRE(client.launch(request));
    client.started();
    CHECK(client.ended() == 99); /* three arguments are too many for it */
    launches++;
  }
  CHECK(launches > 1);
  CHECK(launches < 2000);
  check_works(listening);
}

TEST_CASE("a request that is not whole in time is refused, at whatever byte it stops") {
  Listening listening(with_request_time(300)); /* so long may what is whole take on a busy machine */
  const std::string whole = launch_frame(1);
  for (const size_t sent : {size_t{0}, size_t{1}, size_t{15}, size_t{16}, size_t{100}, whole.size() - 1}) {
    CAPTURE(sent);
    Client client(listening.path());
    if (sent > 0) client.send(whole.substr(0, sent), {STDERR_FILENO});
    const Reply reply = client.receive();
    CHECK(reply.error_code() == ETIMEDOUT);
    CHECK(reply.message() == "no whole request within 300 ms: Connection timed out (ETIMEDOUT)");
    CHECK(client.receive().type == 0);
  }
  Client second(listening.path()); /* also after a first, whole one */
  second.send_frame(WIRE_LIST);
  CHECK(second.receive().type == WIRE_LISTED);
  CHECK(second.receive(700).type == -1); /* between requests there is no hurry */
  second.send("T");
  CHECK(second.receive().error_code() == ETIMEDOUT);
  check_works(listening);
}

TEST_CASE("requests that are not whole take no more memory than the host has for all clients") {
  server_options options = server_default_options;
  options.bytes_max = 1u << 20;
  Listening listening(options);
  const std::string header = bytes_of(wire_header_for(WIRE_LAUNCH, 4u << 20, 1));
  const auto answer_now = [&] {
    Client client(listening.path());
    client.send(header + std::string(5000, 'x'), {STDERR_FILENO});
    return client.receive(200);
  };
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 2; i++) { /* each takes half a MiB, as room is doubled */
    clients.push_back(std::make_unique<Client>(listening.path()));
    clients.back()->send(header + std::string(400u << 10, 'x'), {STDERR_FILENO});
  }
  CHECK(eventually([&] {
    const Reply reply = answer_now();
    return reply.type == WIRE_FAILED && reply.error_code() == EAGAIN &&
           reply.message() == "the host holds 1 MiB for its clients already (EAGAIN)";
  }));
  clients.clear();
  CHECK(eventually([&] { return answer_now().type == -1; })); /* the rest of it is waited for */
  check_works(listening);
}

TEST_CASE("answers that are not read take no more memory than the host has for all clients") {
  server_options options = server_default_options;
  options.bytes_max = 1u << 20;
  Listening listening(options);
  for (int i = 0; i < 80; i++) start_long_command(listening.host()); /* a list that no socket's buffer holds */
  std::vector<std::unique_ptr<Client>> idlers;
  for (int i = 0; i < 8; i++) {
    idlers.push_back(std::make_unique<Client>(listening.path()));
    for (int asked = 0; asked < 2; asked++) idlers.back()->send_frame(WIRE_LIST);
  }
  CHECK(eventually([&] { /* those for whose answers there was no room are closed */
                         size_t closed = 0;
                         for (const auto &each : idlers) {
                           pollfd hung_up{each->descriptor(), 0, 0};
                           closed += poll(&hung_up, 1, 0) == 1;
                         }
                         return closed > 2 && closed < 8;
  }));
  idlers.clear();
  CHECK(eventually([&] {
    Client client(listening.path());
    return client.launch(LaunchRequest(test_program("end"), {"exit", "7"})) && client.receive().type == WIRE_STARTED;
  }));
}

TEST_CASE("a connection may ask several times, and shut down its side after a request") {
  Listening listening;
  Client client(listening.path());
  for (int i = 0; i < 5; i++) REQUIRE(client.send_frame(WIRE_LIST));
  shutdown(client.descriptor(), SHUT_WR);
  for (int i = 0; i < 5; i++) CHECK(client.receive().type == WIRE_LISTED);
  CHECK(client.receive().type == 0);
}

TEST_CASE("a client that reads late gets all, and one that does not read is dropped") {
  Listening listening(with_request_time(1000));
  for (int i = 0; i < 80; i++) start_long_command(listening.host()); /* a list that no socket's buffer holds */
  Client reader(listening.path()), idler(listening.path());
  for (int i = 0; i < 4; i++) {
    reader.send_frame(WIRE_LIST);
    idler.send_frame(WIRE_LIST);
  }
  for (int i = 0; i < 4; i++) {
    const Reply reply = reader.receive();
    REQUIRE(reply.type == WIRE_LISTED);
    CHECK(reply.as<wire_listed>().count == 80);
    CHECK(reply.payload.size() > 80 * 4096);
    size_t offset = sizeof(wire_listed), count = 0;
    wire_threadproc entry{};
    const char *command = nullptr;
    while (wire_listed_next(reply.payload.data(), reply.payload.size(), &offset, &entry, &command)) {
      count++;
      CHECK(entry.flags == WIRE_COMMAND_CUT);
      CHECK(entry.argument_count == 3);
    }
    CHECK(count == 80);
    CHECK(offset == reply.payload.size());
  }
  pollfd hung_up{idler.descriptor(), 0, 0};
  CHECK(poll(&hung_up, 1, 20000) == 1);
  check_works(listening);
}

TEST_CASE("a thousand idle connections do not keep a launch waiting") {
  in_own_process([] {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    EXPECT(limit.rlim_max > 2200); /* both ends are in this process */
    server_options options = server_default_options;
    options.connections_max = 1002;
    Listening listening(options);
    std::vector<std::unique_ptr<Client>> idle;
    for (int i = 0; i < 1000; i++) {
      idle.push_back(std::make_unique<Client>(listening.path()));
      if (i % 2 == 0) idle.back()->send("TROC");
    }
    for (int i = 0; i < 20; i++) {
      Client client(listening.path());
      client.launch(LaunchRequest(test_program("end"), {"exit", "5"}));
      client.started();
      EXPECT_EQUAL(client.ended(), 5);
    }
    Client last_but_one(listening.path()), last(listening.path()), too_many(listening.path());
    const Reply reply = too_many.receive();
    EXPECT_EQUAL(reply.error_code(), EAGAIN);
    EXPECT_EQUAL(reply.message(), "the host has 1002 connections already (EAGAIN)");
    last.close();
    const bool again = eventually([&] {
      Client client(listening.path());
      client.send_frame(WIRE_LIST);
      return client.receive().type == WIRE_LISTED;
    });
    EXPECT(again);
  });
}

TEST_CASE("without descriptors clients are told so, and the host recovers") {
  in_own_process([] {
    Listening listening;
    Client earlier(listening.path());
    earlier.send_frame(WIRE_LIST);
    EXPECT_EQUAL(earlier.receive().type, static_cast<int>(WIRE_LISTED));
    std::vector<int> taken;
    in_host(listening.host(), [&taken] { /* the clients' are in a table of their own */
                                         int one;
                                         while ((one = dup(STDERR_FILENO)) >= 0) {
                                           taken.push_back(one);
                                           if (taken.size() == 5000) { /* a limit that one can reach in a test */
                                             const rlimit low{static_cast<rlim_t>(one) + 1, 1u << 20};
                                             setrlimit(RLIMIT_NOFILE, &low);
                                           }
                                         }
                                         EXPECT_EQUAL(errno, EMFILE);
    });
    for (int i = 0; i < 3; i++) {
      Client client(listening.path());
      const Reply reply = client.receive();
      EXPECT_EQUAL(reply.error_code(), EMFILE);
      EXPECT_EQUAL(reply.message(), "the host has no descriptors left (ulimit -n) (EMFILE)");
      EXPECT_EQUAL(client.receive().type, 0); /* the host has closed its end: it needs the place for the next refusal */
      client.close();
    }
    earlier.send(launch_frame(1), {STDERR_FILENO}); /* a descriptor that has no place here */
    const Reply reply = earlier.receive();
    EXPECT_EQUAL(reply.error_code(), EMFILE);
    EXPECT_EQUAL(reply.message(), "take the descriptors of a frame: Too many open files (EMFILE)");
    in_host(listening.host(), [&taken] {
      for (const int each : taken) close(each);
    });
    check_works(listening);
  });
}

TEST_CASE("a client of another user is refused") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only root can become another user");
    return;
  }
  int path_to[2];
  REQUIRE(pipe2(path_to, O_CLOEXEC) == 0);
  const pid_t stranger = fork();
  if (stranger == 0) {
    char path[108] = "";
    if (read(path_to[0], path, sizeof path - 1) <= 0) _exit(1);
    become_ordinary_user();
    Client client(path);
    client.send_frame(WIRE_LIST);
    const Reply reply = client.receive();
    _exit(reply.error_code() == EPERM && client.receive().type == 0 ? 0 : 2);
  }
  Listening listening;
  REQUIRE(chmod(listening.path().c_str(), 0666) == 0); /* a user who opens the door by mistake */
  REQUIRE(write(path_to[1], listening.path().data(), listening.path().size()) > 0);
  int status = -1;
  REQUIRE(waitpid(stranger, &status, 0) == stranger);
  CHECK(status == 0);
  close(path_to[0]);
  close(path_to[1]);
}

TEST_CASE("random bytes beside a working launch loop") {
  CHECK(leaks_of(
            [] {
              Listening listening(with_request_time(500));
              std::atomic<bool> stop{false};
              std::vector<std::thread> noise;
              for (unsigned seed = 1; seed <= 2; seed++)
                noise.emplace_back([&listening, &stop, seed] {
                  std::mt19937 random(seed);
                  while (!stop) {
                    Client client(listening.path());
                    std::string bytes = random() % 2 == 0 ? launch_frame(random() % 3) : std::string(64, '\0');
                    for (unsigned i = 0; i < 1 + random() % 8; i++)
                      bytes[random() % bytes.size()] = static_cast<char>(random());
                    std::vector<int> descriptors(random() % 3, STDERR_FILENO);
                    client.send(bytes, descriptors);
                    if (random() % 2 == 0) client.receive(20);
                  }
                });
              for (int i = 0; i < 30; i++) check_works(listening);
              stop = true;
              for (std::thread &each : noise) each.join();
            },
            1) == "");
}

TEST_SUITE_END();
