// Forked children of threadprocs that take part in the shared heap, and their ends.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "host/owners_in_use.h"
#include "host/watching_again.h"
#include "support/hosting.h"
#include "support/own_process.h"
#include "support/patience.h"
#include "support/resources.h"
#include "support/sharer.h"

TEST_SUITE_BEGIN("descendants");

namespace {

// What `sharer` uses as its struct mailbox.
void *new_mailbox(const Host &host, sharer_report *report) {
  void *block = nullptr;
  REQUIRE(tproc_host_alloc(host.get(), 64, 16, &block, nullptr) == 0);
  memset(block, 0, 64);
  report->blocks[0] = reinterpret_cast<uint64_t>(block);
  report->count = 1;
  return block;
}

pid_t owner(const Host &host, uint64_t block) {
  return tproc_host_block_owner(host.get(), reinterpret_cast<void *>(block));
}

void kill_and_await(Host &host, tproc_threadproc *program) {
  tproc_threadproc_signal(program, SIGKILL, nullptr);
  host.await(program);
}

}  // namespace

// A stop that came between two looks of the thread at its words was slept through.
TEST_CASE("the watch over forked children ends whenever it is stopped") {
  in_own_process([] {
    alarm(240);
    Host host;
    for (int round = 0; round < scaled(10000); round++)
      EXPECT_EQUAL(watch_again(host.get(), static_cast<unsigned>(round % 1000)), 0);
  });
}

TEST_CASE("a forked child that dies with a lock leaves it to the next one, and its block to all") {
  Host host;
  sharer_report report{};
  new_mailbox(host, &report);
  CHECK(host.run(sharer(&report, {"outlive", "outlive"})) == 0);
  REQUIRE(report.count == 3);
  CHECK(eventually([&] { return owner(host, report.blocks[1]) != report.child; }));
  CHECK(eventually([&] { return owner(host, report.blocks[2]) == 0; }));
}

TEST_CASE("what short-lived children leave is found, though they may have gone before the host looks") {
  Host host;
  sharer_report report{};
  const std::vector<std::string> what{"forks=300"};
  CHECK(host.run(sharer(&report, what)) == 0);
  CHECK(eventually([&] { return owners_in_use(host.get()) == 0; }));
}

TEST_CASE("a forked child that lives keeps what it has, also beyond its program's end") {
  Host host;
  sharer_report report{}, other{};
  new_mailbox(host, &report);
  auto *program = host.start(sharer(&report, {"holder", "stop"}));
  await_stop(report);
  const pid_t child = report.child;
  kill_and_await(host, program);
  tproc_threadproc_close(program, nullptr);
  CHECK(host.run(sharer(&other, {"forks=3"})) == 0);
  CHECK(owner(host, report.blocks[1]) == child);
  kill(child, SIGKILL);
  CHECK(eventually([&] { return owner(host, report.blocks[1]) == 0; }));
}

TEST_CASE("a process that has another number in the host's pid namespace keeps what it has") {
  Host host;
  sharer_report report{}, other{};
  new_mailbox(host, &report);
  auto *program = host.start(sharer(&report, {"apart", "stop"}));
  if (geteuid() != 0) {
    host.await(program);
    MESSAGE("not run: a pid namespace of its own needs CAP_SYS_ADMIN");
    return;
  }
  await_stop(report);
  const pid_t before = owner(host, report.blocks[1]);
  CHECK(before == 1);
  CHECK(host.run(sharer(&other, {"forks=3"})) == 0);
  CHECK(owner(host, report.blocks[1]) == before);
  kill(report.child, SIGKILL);
  kill_and_await(host, program);
}

TEST_CASE("closing a host beside living children of its programs leaves nothing of the host's") {
  pid_t child = 0;
  CHECK(leaks_of([&] {
          Host host;
          sharer_report report{};
          new_mailbox(host, &report);
          auto *program = host.start(sharer(&report, {"holder", "stop"}));
          await_stop(report);
          if (child != 0) kill(child, SIGKILL);
          child = report.child;
          kill_and_await(host, program);
        }) == "");
  kill(child, SIGKILL);
}

TEST_SUITE_END();
