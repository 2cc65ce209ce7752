#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "support/patience.h"
#include "support/resources.h"
#include "support/wire_client.h"

TEST_SUITE_BEGIN("server work");

namespace {

struct Listed {
  wire_threadproc entry;
  std::string command;
};

std::vector<Listed> list(const Listening &listening) {
  Client client(listening.path());
  client.send_frame(WIRE_LIST);
  const Reply reply = client.receive();
  REQUIRE(reply.type == WIRE_LISTED);
  std::vector<Listed> found;
  size_t offset = sizeof(wire_listed);
  Listed each{};
  const char *command = nullptr;
  while (wire_listed_next(reply.payload.data(), reply.payload.size(), &offset, &each.entry, &command)) {
    each.command.assign(command, each.entry.command_size);
    found.push_back(each);
  }
  CHECK(offset == reply.payload.size());
  CHECK(reply.as<wire_listed>().count == found.size());
  CHECK(reply.as<wire_listed>().total == found.size());
  return found;
}

// The launch step of a file system that does not answer: programs called "hang" wait for the listener.
std::atomic<bool> listener{false};
std::atomic<int> hanging{0};

int launch_or_hang(tproc_host *host, const tproc_launch *launch, const launch_client *who,
                   tproc_threadproc **threadproc, tproc_error *error) {
  if (std::string(launch->program) == "hang") {
    ++hanging;
    eventually([] { return listener.load(); });
    --hanging;
    tproc_launch later = *launch;
    const std::string program = test_program("wait");
    later.program = program.c_str();
    return launch_for(host, &later, who, threadproc, error);
  }
  return launch_for(host, launch, who, threadproc, error);
}

server_options hanging_options(unsigned launches_max, unsigned queue_milliseconds) {
  listener = false;
  hanging = 0;
  server_options options = server_default_options;
  options.launch = launch_or_hang;
  options.launches_max = launches_max;
  options.queue_milliseconds = queue_milliseconds;
  return options;
}

int run_end(const Listening &listening) {
  Client client(listening.path());
  client.launch(LaunchRequest(test_program("end"), {"exit", "9"}));
  client.started();
  return client.ended();
}

}  // namespace

TEST_CASE("a list names who asked for what, clients' programs and the host's own") {
  Listening listening;
  CHECK(list(listening).empty());
  WaitWord word;
  LaunchRequest request(test_program("wait"), {address_of(word.get())});
  request.arguments[0] = "waiting room";
  Client client(listening.path());
  REQUIRE(client.launch(request));
  const pid_t pid = client.started();
  word.await_running();
  const std::string program = test_program("end");
  const char *const argv[] = {"own", "exit", "0", nullptr};
  tproc_launch own{};
  own.program = program.c_str();
  own.argv = argv;
  own.envp = argv + 3;
  own.stdio[0] = own.stdio[1] = own.stdio[2] = TPROC_FD_CLOSED;
  own.umask = TPROC_UMASK_INHERIT;
  tproc_threadproc *threadproc = nullptr;
  REQUIRE(tproc_host_launch(listening.host(), &own, &threadproc, nullptr) == 0);
  CHECK(eventually([&] { return list(listening)[0].entry.state == WIRE_STATE_ENDED; }));
  const std::vector<Listed> found = list(listening);
  REQUIRE(found.size() == 2);
  CHECK(found[0].entry.pid == tproc_threadproc_pid(threadproc));
  CHECK(found[0].entry.launcher == 0);
  CHECK(found[0].command == std::string("own\0exit\0"
                                        "0\0",
                                        11));
  CHECK(found[1].entry.pid == pid);
  CHECK(found[1].entry.launcher == getpid());
  CHECK(found[1].entry.uid == getuid());
  CHECK(found[1].entry.state == WIRE_STATE_RUNNING);
  CHECK(found[1].entry.argument_count == 2);
  CHECK(found[1].entry.flags == 0);
  CHECK(found[1].entry.mapped > 500000);
  CHECK(found[1].entry.resident > 0);
  CHECK(found[1].entry.uptime > 0);
  CHECK(found[1].command == std::string("waiting room\0", 13) + address_of(word.get()) + '\0');
}

TEST_CASE("the registry and the heap of a host") {
  Listening listening;
  tproc_registered what{};
  what.address = 0x1000;
  std::snprintf(what.name, sizeof what.name, "acme");
  REQUIRE(tproc_host_publish(listening.host(), &what, nullptr) == 0);
  Client client(listening.path());
  REQUIRE(client.send_frame(WIRE_REGISTRY));
  const Reply names = client.receive();
  REQUIRE(names.type == WIRE_REGISTERED);
  REQUIRE(names.payload.size() == sizeof(wire_listed) + sizeof(wire_registered));
  wire_registered entry{};
  memcpy(&entry, names.payload.data() + sizeof(wire_listed), sizeof entry);
  CHECK(entry.id == what.id);
  CHECK(std::string(entry.name) == "acme");
  CHECK(entry.pid == getpid());

  REQUIRE(client.send_frame(WIRE_HEAP));
  const Reply usage = client.receive();
  REQUIRE(usage.type == WIRE_HEAP_USED);
  CHECK(usage.as<wire_heap>().size > 0);
  CHECK(usage.as<wire_heap>().resident > 0);
  REQUIRE(usage.payload.size() == sizeof(wire_heap) + sizeof(wire_listed) + sizeof(wire_heap_use));
  wire_heap_use own{};
  memcpy(&own, usage.payload.data() + sizeof(wire_heap) + sizeof(wire_listed), sizeof own);
  CHECK(own.owner == WIRE_HEAP_HOST);
  CHECK(own.pid == getpid());
}

TEST_CASE("the mappings of a threadproc") {
  Listening listening;
  WaitWord word;
  Client client(listening.path());
  REQUIRE(client.launch(LaunchRequest(test_program("wait"), {address_of(word.get())})));
  const wire_maps asked{client.started()};
  word.await_running();
  Client other(listening.path());
  REQUIRE(other.send_frame(WIRE_MAPS, bytes_of(asked)));
  const Reply reply = other.receive();
  REQUIRE(reply.type == WIRE_MAPPED);
  size_t offset = sizeof(wire_mapped), count = 0;
  bool code = false, stack = false;
  wire_mapping mapping{};
  const char *name = nullptr;
  while (wire_mapped_next(reply.payload.data(), reply.payload.size(), &offset, &mapping, &name)) {
    count++;
    CHECK(mapping.length > 0);
    if (std::string(name) == "[stack]") stack = true;
    if (mapping.protection == (WIRE_READABLE | WIRE_EXECUTABLE) && std::string(name) == test_program("wait"))
      code = true;
  }
  CHECK(offset == reply.payload.size());
  CHECK(reply.as<wire_mapped>().total == count);
  CHECK(code);
  CHECK(stack);
  const wire_maps foreign{1};
  REQUIRE(other.send_frame(WIRE_MAPS, bytes_of(foreign)));
  CHECK(other.receive().error_code() == ESRCH);
}

TEST_CASE("a launch that hangs holds up neither other launches nor lists") {
  Listening listening(hanging_options(3, 30000));
  WaitWord word;
  Client first(listening.path()), second(listening.path());
  first.launch(LaunchRequest("hang", {address_of(word.get())}));
  second.launch(LaunchRequest("hang", {address_of(word.get())}));
  CHECK(eventually([] { return hanging == 2; }));
  for (int i = 0; i < 5; i++) CHECK(run_end(listening) == 9);
  CHECK(eventually([&] { return list(listening).empty(); }));
  listener = true;
  first.started();
  second.started();
  word.go();
  CHECK(first.ended() == 0);
  CHECK(second.ended() == 0);
}

TEST_CASE("a launch for which no worker has time is refused") {
  Listening listening(hanging_options(2, 500));
  WaitWord word;
  Client first(listening.path()), second(listening.path()), third(listening.path());
  first.launch(LaunchRequest("hang", {address_of(word.get())}));
  second.launch(LaunchRequest("hang", {address_of(word.get())}));
  CHECK(eventually([] { return hanging == 2; }));
  third.launch(LaunchRequest("hang", {address_of(word.get())}));
  const Reply reply = third.receive();
  CHECK(reply.error_code() == EAGAIN);
  CHECK(reply.exit_code() == 125);
  CHECK(reply.message() == "not begun within 500 ms: 2 launches hang (EAGAIN)");
  listener = true;
  first.started();
  word.go();
  CHECK(first.ended() == 0);
}

TEST_CASE("the program of a client that is lost while its launch hangs is ended") {
  Listening listening(hanging_options(1, 30000));
  WaitWord word;
  Client client(listening.path()), queued(listening.path());
  client.launch(LaunchRequest("hang", {address_of(word.get())}));
  CHECK(eventually([] { return hanging == 1; }));
  queued.launch(LaunchRequest("hang", {address_of(word.get())}));
  queued.close(); /* its launch is not even begun */
  client.close();
  Client probe(listening.path());
  probe.send_frame(WIRE_LIST); /* the host has seen the loss by the time it answers */
  CHECK(probe.receive().type == WIRE_LISTED);
  listener = true;
  CHECK(eventually([&] { return hanging == 0 && listening.count() == 0; }));
  CHECK(run_end(listening) == 9);
}

TEST_CASE("closing while launches hang or are queued leaves nothing") {
  CHECK(leaks_of([] {
          Listening listening(hanging_options(1, 30000));
          WaitWord word;
          Client hangs(listening.path()), queued(listening.path());
          hangs.launch(LaunchRequest("hang", {address_of(word.get())}));
          CHECK(eventually([] { return hanging == 1; }));
          queued.launch(LaunchRequest("hang", {address_of(word.get())}));
          std::thread closing([&listening] { listening.close(); });
          CHECK(hangs.receive().error_code() == ESHUTDOWN); /* told before the launch has come to an end */
          CHECK(queued.receive().error_code() == ESHUTDOWN);
          listener = true;
          closing.join();
          CHECK(listening.count() == 0);
        }) == "");
}

TEST_SUITE_END();
