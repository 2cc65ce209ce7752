// What a launch's limit of the shared heap does, and to whom.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

#include "support/hosting.h"
#include "support/sharer.h"

namespace {

constexpr uint64_t limit = 1u << 20;

Launch limited(Launch launch) {
  launch.heap_limit = limit;
  return launch;
}

void *allocate(const Host &host, size_t size) {
  void *block = nullptr;
  REQUIRE(tproc_host_alloc(host.get(), size, 16, &block, nullptr) == 0);
  return block;
}

}  // namespace

TEST_SUITE_BEGIN("limits of the shared heap");

TEST_CASE("a program goes to its limit, in its threads and children, and has again what it lets go of") {
  Host host;
  sharer_report report{};
  void *hosts = allocate(host, 2 * limit);
  report.blocks[0] = reinterpret_cast<uint64_t>(hosts);
  CHECK(host.run(limited(Launch(test_program("limited"), {address_of(&report)}))) == 0);
  CHECK(report.count == limit / 32768);
  CHECK(tproc_host_block_owner(host.get(), hosts) == getpid());
  CHECK(host.run(limited(Launch(test_program("limited"), {address_of(&report)}))) == 0);  // its room is its own
}

TEST_CASE("one is at its limit, and no other notices") {
  Host host;
  sharer_report full{}, other{};
  auto *program = host.start(limited(sharer(&full, {"alloc=1048576", "stop"})));
  await_stop(full);
  CHECK(tproc_host_block_owner(host.get(), reinterpret_cast<void *>(full.blocks[0])) == tproc_threadproc_pid(program));
  CHECK(host.run(sharer(&other, {"alloc=1048576", "alloc=4194304"})) == 0);
  CHECK(host.run(limited(sharer(&other, {"alloc=1048576"}))) == 0);
  CHECK(host.run(limited(sharer(&other, {"alloc=1048577"}))) == 10);
  void *block = allocate(host, 2 * limit);
  CHECK(tproc_host_give(host.get(), block, tproc_threadproc_pid(program), nullptr) == 0);  // beyond the limit
  tproc_threadproc_signal(program, SIGKILL, nullptr);
  host.await(program);
  host.close_threadproc(program);
  CHECK(tproc_host_block_owner(host.get(), block) == 0);
}

TEST_CASE("limits do not run out with those that have had one") {
  Host host;
  Launch launch = quick_end();
  launch.heap_limit = 1;
  int failed = 0;
  for (int i = 0; i < 1100; i++) failed += host.run(launch) != 0;
  CHECK(failed == 0);
}
