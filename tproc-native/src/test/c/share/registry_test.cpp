// The registry as a host and its programs use it.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "support/hosting.h"
#include "support/own_process.h"
#include "support/resources.h"
#include "support/sharer.h"

namespace {

tproc_registered named(const std::string &name, uint64_t address = 0) {
  tproc_registered what{};
  what.address = address;
  what.size = 64;
  std::snprintf(what.name, sizeof what.name, "%s", name.c_str());
  std::snprintf(what.type, sizeof what.type, "trial/1");
  return what;
}

uint64_t publish(const Host &host, const std::string &name, uint64_t address = 0) {
  tproc_registered what = named(name, address);
  tproc_error error{};
  const int failed = tproc_host_publish(host.get(), &what, &error);
  CAPTURE(error.message);
  REQUIRE(failed == 0);
  return what.id;
}

int lookup(const Host &host, const std::string &name, tproc_registered *found) {
  return tproc_host_lookup(host.get(), name.c_str(), found, nullptr);
}

void kill(Host &host, tproc_threadproc *program) {
  tproc_threadproc_signal(program, SIGKILL, nullptr);
  host.await(program);
}

uint32_t *event_of(const Host &host) {
  uint32_t *event = nullptr;
  REQUIRE(tproc_host_registry_event(host.get(), &event, nullptr) == 0);
  return event;
}

// Sleeps, as the waiter thread of a host does, until a condition holds.
template <typename Condition>
void await(const Host &host, Condition condition) {
  uint32_t *event = event_of(host);
  while (!condition()) {
    const uint64_t begun = tproc_host_wait_begin(host.get());
    tproc_wait wait{reinterpret_cast<uint64_t>(event), begun, tproc_host_event_prepare(event), 0};
    if (condition()) return;
    tproc_host_wait(host.get(), begun, &wait, 1);
  }
}

}  // namespace

TEST_SUITE_BEGIN("registry");

TEST_CASE("a program finds what the host has published, whenever that was") {
  Host host;
  uint64_t block[8] = {};
  const auto address = reinterpret_cast<uint64_t>(block);
  sharer_report before{}, later{};
  auto *early = host.start(sharer(&before, {"await=acme"}));
  publish(host, "acme", address);
  CHECK(host.await(early).status == 0);
  CHECK(before.blocks[0] == address);
  CHECK(host.run(sharer(&later, {"await=acme"})) == 0);
  CHECK(later.blocks[0] == address);
  CHECK(host.run(sharer(&later, {"publish=acme"})) == EEXIST);
  CHECK(host.run(sharer(&later, {"withdraw=acme"})) == EPERM);
}

TEST_CASE("the host finds what a program has published, until that one ends") {
  Host host;
  sharer_report report{};
  tproc_registered found{};
  CHECK(lookup(host, "one", &found) == -ENOENT);
  auto *program = host.start(sharer(&report, {"alloc=64", "publish=one", "keep=two", "stop"}));
  await(host, [&] { return lookup(host, "two", &found) == 0; });
  CHECK(lookup(host, "one", &found) == 0);
  CHECK(found.pid == tproc_threadproc_pid(program));
  CHECK(found.version == 3);
  CHECK(std::string(found.type) == "trial/1");
  await_stop(report);
  CHECK(found.address == report.blocks[0]);
  const uint64_t id = found.id;
  tproc_registered taken = named("one");
  CHECK(tproc_host_publish(host.get(), &taken, nullptr) == -EEXIST);
  kill(host, program);
  CHECK(lookup(host, "one", &found) == -ENOENT);
  CHECK(tproc_host_registered(host.get(), id, &found, nullptr) == -ESTALE);
  CHECK(lookup(host, "two", &found) == 0);
  CHECK(found.ended == 1);
  CHECK(found.status == 256 + SIGKILL);
  CHECK(publish(host, "one") != id);
  publish(host, "two");
  CHECK(lookup(host, "two", &found) == 0);
  CHECK(found.ended == 0);
}

TEST_CASE("who watches a program's publication learns of its end") {
  Host host;
  sharer_report first{}, second{}, third{}, fourth{};
  auto *owner = host.start(sharer(&first, {"alloc=64", "keep=kept", "publish=gone", "stop"}));
  await_stop(first);
  auto *of_kept = host.start(sharer(&second, {"watch=kept"}));
  auto *of_gone = host.start(sharer(&third, {"watch=gone"}));
  await_stop(second);
  await_stop(third);
  kill(host, owner);
  CHECK(host.await(of_kept).status == SIGKILL);
  CHECK(host.await(of_gone).status == 100);
  // What has ended does not satisfy who waits for one that lives.
  auto *waiter = host.start(sharer(&fourth, {"await=kept"}));
  publish(host, "kept", 4096);
  CHECK(host.await(waiter).status == 0);
  CHECK(fourth.blocks[0] == 4096);
}

TEST_CASE("a program takes its own name back, and another has it") {
  Host host;
  sharer_report first{}, second{}, third{};
  CHECK(host.run(sharer(&first, {"alloc=64", "publish=name", "withdraw=name", "publish=name"})) == 0);
  CHECK(host.run(sharer(&second, {"alloc=64", "publish=name"})) == 0);
  CHECK(host.run(sharer(&third, {"list"})) == 0);
}

TEST_CASE("names and types have their bounds, and a registry that is full says so") {
  Host host;
  tproc_error error{};
  tproc_registered what = named("");
  CHECK(tproc_host_publish(host.get(), &what, &error) == -EINVAL);
  CHECK(std::string(error.message).find("a name has 1 to 95 bytes, a type up to 47") != std::string::npos);
  what = named("x");
  for (char &each : what.type) each = 't';
  CHECK(tproc_host_publish(host.get(), &what, nullptr) == -EINVAL);
  CHECK(tproc_host_registry(host.get(), nullptr, 0) == 0);
  for (int i = 0; i < 4096; i++) publish(host, "name " + std::to_string(i));
  what = named("one more");
  CHECK(tproc_host_publish(host.get(), &what, &error) == -ENOSPC);
  CHECK(tproc_host_registry(host.get(), nullptr, 0) == 4096);
  tproc_registered found{};
  REQUIRE(lookup(host, "name 4095", &found) == 0);
  CHECK(tproc_host_withdraw(host.get(), found.id, nullptr) == 0);
  CHECK(tproc_host_withdraw(host.get(), found.id, &error) == -ESTALE);
  CHECK(tproc_host_withdraw(host.get(), 0, nullptr) == -ESTALE);
  CHECK(tproc_host_publish(host.get(), &what, nullptr) == 0);
}

TEST_CASE("the waiter is told of a death, and when it is rung for") {
  Host host;
  sharer_report report{};
  auto *program = host.start(sharer(&report, {"stop"}));
  uint32_t word = 7;
  const uint64_t begun = tproc_host_wait_begin(host.get());
  tproc_wait wait{reinterpret_cast<uint64_t>(&word), begun, 7, 0};
  tproc_host_wait_ring(host.get());
  tproc_host_wait(host.get(), begun, &wait, 1);
  CHECK(wait.moved == 0);
  kill(host, program);
  // Also when it began to sleep after the death, as long as the waiter was there before.
  tproc_host_wait(host.get(), tproc_host_wait_begin(host.get()), &wait, 1);
  CHECK(wait.moved == 1);
  wait.since = tproc_host_wait_begin(host.get());
  wait.value = 6;
  tproc_host_wait(host.get(), tproc_host_wait_begin(host.get()), &wait, 1);
  CHECK(wait.moved == 1);
}

TEST_CASE("names leave nothing later") {
  CHECK(leaks_of([] {
          Host host;
          sharer_report report{};
          publish(host, "host's");
          CHECK(host.run(sharer(&report, {"alloc=64", "publish=one", "keep=two"})) == 0);
        }) == "");
}

TEST_CASE("without a shared heap there is no registry, and the host says why") {
  in_own_process([] {
    set_own_limit(RLIMIT_FSIZE, 1 << 20, 1 << 20);
    Host host;
    tproc_registered what = named("x");
    tproc_error error{};
    EXPECT_EQUAL(tproc_host_publish(host.get(), &what, &error), -ENOTSUP);
    EXPECT(std::string(error.message).find("no shared heap: ") == 0);
    EXPECT_EQUAL(tproc_host_lookup(host.get(), "x", &what, nullptr), -ENOTSUP);
    EXPECT_EQUAL(tproc_host_withdraw(host.get(), 1, nullptr), -ENOTSUP);
    tproc_listing listing{};
    EXPECT_EQUAL(tproc_host_registry_listing(host.get(), 1024, &listing, nullptr), -ENOTSUP);
    EXPECT_EQUAL(tproc_host_heap_listing(host.get(), 1024, &listing, nullptr), -ENOTSUP);
    EXPECT_EQUAL(tproc_host_registry(host.get(), nullptr, 0), size_t{0});
    sharer_report report{};
    EXPECT_EQUAL(host.run(sharer(&report, {"await=x"})), ENOTSUP);
  });
}

TEST_SUITE_END();
