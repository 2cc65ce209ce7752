#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <string>
#include <vector>

#include "support/hosting.h"
#include "support/patience.h"
#include "support/resources.h"

TEST_SUITE_BEGIN("status");

namespace {

struct Status {
  tproc_status fields;
  std::string command;
};

std::vector<Status> list(tproc_host *host) {
  std::vector<Status> found;
  tproc_host_list(
      host,
      [](const tproc_status *status, void *context) {
        static_cast<std::vector<Status> *>(context)->push_back(
            {*status, std::string(status->command, status->command_size)});
        return 1;
      },
      &found);
  return found;
}

tproc_state state_of_first(const Host &host) { return list(host.get())[0].fields.state; }

}  // namespace

TEST_CASE("a host without threadprocs lists none") {
  Host host;
  CHECK(list(host.get()).empty());
}

TEST_CASE("a threadproc is listed from its start until it is closed") {
  Host host;
  WaitWord word;
  timespec before{};
  clock_gettime(CLOCK_REALTIME, &before);
  Launch what(test_program("wait"), {address_of(word.get())});
  what.argv0 = "waiter";
  tproc_threadproc *threadproc = host.start(what);
  word.await_running();
  std::vector<Status> found = list(host.get());
  REQUIRE(found.size() == 1);
  tproc_status status = found[0].fields;
  CHECK(status.pid == tproc_threadproc_pid(threadproc));
  CHECK(status.launcher == 0);
  CHECK(status.uid == getuid());
  CHECK(status.state == TPROC_RUNNING);
  CHECK(status.started_at >= static_cast<uint64_t>(before.tv_sec) * 1000000000u);
  CHECK(status.uptime > 0);
  CHECK(status.mapped > 500000); /* a static program of some 800 KB, and its stack */
  CHECK(status.resident > 0);
  CHECK(status.resident < status.mapped);
  CHECK(status.argument_count == 2);
  CHECK(!status.command_cut);
  CHECK(found[0].command == std::string("waiter\0", 7) + address_of(word.get()) + '\0');

  REQUIRE(tproc_threadproc_signal(threadproc, SIGSTOP, nullptr) == 0);
  CHECK(eventually([&] { return state_of_first(host) == TPROC_STOPPED; }));
  REQUIRE(tproc_threadproc_signal(threadproc, SIGCONT, nullptr) == 0);
  CHECK(eventually([&] { return state_of_first(host) == TPROC_RUNNING; }));
  word.go();
  CHECK(eventually([&] { return state_of_first(host) == TPROC_ENDED; })); /* also before its exit is collected */
  host.await(threadproc);
  found = list(host.get());
  REQUIRE(found.size() == 1);
  CHECK(found[0].fields.state == TPROC_ENDED);
  CHECK(found[0].fields.mapped > 500000);
  const uint64_t uptime = found[0].fields.uptime;
  CHECK(list(host.get())[0].fields.uptime == uptime); /* it does not grow any more */
  host.close_threadproc(threadproc);
  CHECK(list(host.get()).empty());
}

TEST_CASE("a long command is cut, and says so") {
  Host host;
  for (const size_t length : {4089u, 4090u, 4091u, 10000u}) { /* after "x" and its NUL, and the "y" */
    CAPTURE(length);
    Launch what(test_program("say"), {std::string(length, 'a'), "y"});
    what.argv0 = "x";
    host.await(host.start(what));
    const Status status = list(host.get())[0];
    const std::string whole = std::string("x\0", 2) + std::string(length, 'a') + std::string("\0y\0", 3);
    CHECK(status.fields.argument_count == 3);
    CHECK(status.fields.command_cut == (whole.size() > TPROC_COMMAND_SIZE));
    CHECK(status.command.back() == '\0');
    CHECK(status.command.size() == std::min<size_t>(whole.size(), TPROC_COMMAND_SIZE));
    CHECK(status.command.substr(0, 4000) == whole.substr(0, 4000));
  }
}

TEST_CASE("a list may be ended early, and closing does not wait for it") {
  CHECK(leaks_of([] {
          Host host;
          for (int i = 0; i < 3; i++) host.start(Launch(test_program("end"), {"exit", "0"}));
          int seen = 0;
          tproc_host_list(
              host.get(), [](const tproc_status *, void *context) -> int { return ++*static_cast<int *>(context) < 2; },
              &seen);
          CHECK(seen == 2);
        }) == "");
}

TEST_SUITE_END();
