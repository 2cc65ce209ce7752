// Ordinary processes that take part in a host's shared heap.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "support/own_process.h"
#include "support/patience.h"
#include "support/resources.h"
#include "support/wire_client.h"

extern char **environ;

TEST_SUITE_BEGIN("attach");

namespace {

// As attached.c has it.
struct Counters {
  uint64_t mutex, first, second;
};

Counters *publish(const Listening &listening) {
  void *block = nullptr;
  REQUIRE(tproc_host_alloc(listening.host(), sizeof(Counters), 16, &block, nullptr) == 0);
  memset(block, 0, sizeof(Counters));
  tproc_registered what{};
  what.address = reinterpret_cast<uint64_t>(block);
  what.size = sizeof(Counters);
  std::snprintf(what.name, sizeof what.name, "counters");
  REQUIRE(tproc_host_publish(listening.host(), &what, nullptr) == 0);
  return static_cast<Counters *>(block);
}

pid_t start(const std::string &socket, const char *what) {
  const std::string program = test_program("attached");
  const char *arguments[] = {program.c_str(), socket.c_str(), what, "counters", nullptr};
  pid_t pid = -1;
  CHECK(posix_spawn(&pid, program.c_str(), nullptr, nullptr, const_cast<char **>(arguments), environ) == 0);
  return pid;
}

int status_of(pid_t pid) {
  int status = -1;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int run(const std::string &socket, const char *what) { return status_of(start(socket, what)); }

}  // namespace

TEST_CASE("an ordinary process finds what is published where it lies, and so does its child") {
  Listening listening;
  Counters *counters = publish(listening);
  CHECK(run(listening.path(), "count") == 0);
  CHECK(counters->first == 1000);
  CHECK(run(listening.path(), "fork") == 0);
  CHECK(counters->second == 2000);
}

TEST_CASE("two ordinary processes, and their children, share a lock with each other") {
  Listening listening;
  Counters *counters = publish(listening);
  const pid_t one = start(listening.path(), "count"), other = start(listening.path(), "fork");
  CHECK(status_of(one) == 0);
  CHECK(status_of(other) == 0);
  CHECK(counters->first == 2000);
  CHECK(counters->second == 2000);
}

TEST_CASE("an ordinary process that is killed leaves its lock to the next, and its block to all") {
  Listening listening;
  Counters *counters = publish(listening);
  const pid_t pid = start(listening.path(), "hold");
  CHECK(eventually([&] { return __atomic_load_n(&counters->second, __ATOMIC_ACQUIRE) != 0; }));
  auto *block = reinterpret_cast<void *>(counters->second);
  CHECK(tproc_host_block_owner(listening.host(), block) == pid);
  CHECK(tproc_host_mutex_try(listening.host(), counters, 0, nullptr) == -EBUSY);
  kill(pid, SIGKILL);
  CHECK(status_of(pid) == 1000 + SIGKILL);
  CHECK(eventually([&] { return tproc_host_mutex_try(listening.host(), counters, 0, nullptr) == -EOWNERDEAD; }));
  CHECK(eventually([&] { return tproc_host_block_owner(listening.host(), block) == 0; }));
}

TEST_CASE("attaching twice, to no host, and as another host's program is refused") {
  Listening listening;
  publish(listening);
  CHECK(run(listening.path(), "twice") == EALREADY);
  CHECK(run(listening.path() + ".none", "count") == ENOENT);
  CHECK(run(std::string(200, 'x'), "count") == ENAMETOOLONG);
  Client client(listening.path());
  REQUIRE(client.launch(LaunchRequest(test_program("attached"), {listening.path(), "twice", "counters"})));
  client.started();
  CHECK(client.ended() == EALREADY);
}

TEST_CASE("what an attached process is given it cannot make shorter") {
  Listening listening;
  Client client(listening.path());
  REQUIRE(client.send_frame(WIRE_ATTACH));
  const Reply reply = client.receive();
  REQUIRE(reply.type == WIRE_ATTACHED);
  const int file = reply.descriptor;
  REQUIRE(file >= 0);
  CHECK(ftruncate(file, 4096) == -1);
  CHECK(errno == EPERM);
  CHECK(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) == -1);
  close(file);
}

TEST_CASE("a host without a shared heap has nothing to attach to") {
  in_own_process([] {
    signal(SIGXFSZ, SIG_DFL);
    set_own_limit(RLIMIT_FSIZE, 1 << 20, 1 << 20);
    Listening listening;
    EXPECT_EQUAL(run(listening.path(), "count"), ENOTSUP);
  });
}

TEST_CASE("attached processes that come and go leave nothing") {
  CHECK(leaks_of([] {
          Listening listening;
          publish(listening);
          run(listening.path(), "count");
        }) == "");
}

TEST_SUITE_END();
