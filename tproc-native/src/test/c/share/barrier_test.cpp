// Barriers and condition variables between programs and the host.
#include <doctest/doctest.h>
#include <tproc.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include "support/hosting.h"
#include "support/patience.h"
#include "support/sharer.h"

TEST_SUITE_BEGIN("barrier");

namespace {

template <typename Shared>
Shared *shared(const Host &host) {
  void *block = nullptr;
  REQUIRE(tproc_host_alloc(host.get(), sizeof(Shared), 64, &block, nullptr) == 0);
  memset(block, 0, sizeof(Shared));
  return static_cast<Shared *>(block);
}

tproc_barrier *barrier_for(const Host &host, uint32_t parties) {
  auto *barrier = shared<tproc_barrier>(host);
  barrier->parties = parties;
  return barrier;
}

sharer_report with(const void *block) {
  sharer_report report{};
  report.blocks[0] = reinterpret_cast<uint64_t>(block);
  return report;
}

uint32_t rounds_of(const sharer_report &report) { return __atomic_load_n(&report.count, __ATOMIC_ACQUIRE); }

int look(const Host &host, tproc_barrier *barrier, uint32_t round, bool give_up = false) {
  return tproc_host_barrier_look(host.get(), barrier, round, give_up ? 1 : 0, nullptr);
}

}  // namespace

TEST_CASE("programs go through rounds together") {
  Host host;
  tproc_barrier *barrier = barrier_for(host, 3);
  std::vector<sharer_report> reports(3, with(barrier));
  std::vector<tproc_threadproc *> programs;
  for (auto &each : reports) programs.push_back(host.start(sharer(&each, {"rounds=2000"})));
  for (auto *each : programs) CHECK(host.await(each).status == 0);
  for (const auto &each : reports) CHECK(rounds_of(each) == 2000);
}

TEST_CASE("a party that is killed on its way breaks one round, and the others go on without it") {
  Host host;
  tproc_barrier *barrier = barrier_for(host, 3);
  std::vector<sharer_report> reports(2, with(barrier));
  sharer_report victim = with(barrier);
  auto *first = host.start(sharer(&reports[0], {"rounds=50"}));
  auto *second = host.start(sharer(&reports[1], {"rounds=50"}));
  auto *dying = host.start(sharer(&victim, {"rounds=10", "stop"}));
  await_stop(victim);
  CHECK(eventually([&] { return rounds_of(reports[0]) == 10 && rounds_of(reports[1]) == 10; }));
  tproc_threadproc_signal(dying, SIGKILL, nullptr);
  host.await(dying);
  CHECK(host.await(first).status == 201);
  CHECK(host.await(second).status == 201);
  CHECK(rounds_of(reports[0]) == 50);
}

TEST_CASE("another program takes the place of one that has died") {
  Host host;
  tproc_barrier *barrier = barrier_for(host, 2);
  sharer_report victim = with(barrier), survivor = with(barrier), next = with(barrier), third = with(barrier);
  auto *dying = host.start(sharer(&victim, {"rounds=1", "stop"}));
  auto *lasting = host.start(sharer(&survivor, {"rounds=1", "stop"}));
  await_stop(victim);
  await_stop(survivor);
  tproc_threadproc_signal(dying, SIGKILL, nullptr);
  host.await(dying);
  auto *added = host.start(sharer(&next, {"rounds=1"}));
  CHECK(eventually([&] { return barrier->round == 2; }));
  CHECK(host.run(sharer(&third, {"rounds=1"})) == EUSERS);
  tproc_threadproc_signal(lasting, SIGKILL, nullptr);
  host.await(lasting);
  const int status = host.await(added).status;
  CHECK((status == 0 || status == 201));
}

TEST_CASE("the host's threads are parties, too; a party that has left is not waited for") {
  Host host;
  tproc_barrier *barrier = barrier_for(host, 3);
  const int one = tproc_host_barrier_join(host.get(), barrier, nullptr);
  const int other = tproc_host_barrier_join(host.get(), barrier, nullptr);
  CHECK(one == 0);
  CHECK(other == 1);
  sharer_report report = with(barrier);
  auto *program = host.start(sharer(&report, {"rounds=1", "leave"}));
  uint32_t round = 0, same = 1;
  REQUIRE(tproc_host_barrier_arrive(host.get(), barrier, one, &round, nullptr) == 0);
  CHECK(look(host, barrier, round) == TPROC_BARRIER_WAITS);
  REQUIRE(tproc_host_barrier_arrive(host.get(), barrier, other, &same, nullptr) == 0);
  CHECK(same == round);
  CHECK(eventually([&] { return look(host, barrier, round) != TPROC_BARRIER_WAITS; }));
  CHECK(host.await(program).status == 0);
  REQUIRE(tproc_host_barrier_arrive(host.get(), barrier, one, &round, nullptr) == 0);
  CHECK(look(host, barrier, round) == TPROC_BARRIER_WAITS);
  REQUIRE(tproc_host_barrier_leave(host.get(), barrier, other, nullptr) == 0);
  CHECK(look(host, barrier, round) == TPROC_BARRIER_LAST);
}

TEST_CASE("who gives up breaks the round; who comes later is told, and is in the next") {
  Host host;
  tproc_barrier *barrier = barrier_for(host, 2);
  const int one = tproc_host_barrier_join(host.get(), barrier, nullptr);
  const int late = tproc_host_barrier_join(host.get(), barrier, nullptr);
  CHECK(tproc_host_barrier_join(host.get(), barrier, nullptr) == -EUSERS);
  uint32_t round = 0;
  REQUIRE(tproc_host_barrier_arrive(host.get(), barrier, one, &round, nullptr) == 0);
  CHECK(look(host, barrier, round, true) == TPROC_BARRIER_GAVE_UP);
  CHECK(look(host, barrier, round) == TPROC_BARRIER_BROKEN);
  CHECK(tproc_host_barrier_arrive(host.get(), barrier, late, &round, nullptr) == -ECANCELED);
  REQUIRE(tproc_host_barrier_arrive(host.get(), barrier, one, &round, nullptr) == 0);
  CHECK(look(host, barrier, round) == TPROC_BARRIER_WAITS);
  REQUIRE(tproc_host_barrier_arrive(host.get(), barrier, late, &round, nullptr) == 0);
  CHECK(look(host, barrier, round) == TPROC_BARRIER_LAST);
  CHECK(look(host, barrier, round) == TPROC_BARRIER_PASSED);
}

TEST_CASE("a round that has passed has passed for who looks late, too, when the next is broken meanwhile") {
  Host host;
  tproc_barrier *barrier = barrier_for(host, 2);
  const int one = tproc_host_barrier_join(host.get(), barrier, nullptr);
  const int late = tproc_host_barrier_join(host.get(), barrier, nullptr);
  uint32_t passed = 0, broken = 0;
  REQUIRE(tproc_host_barrier_arrive(host.get(), barrier, late, &passed, nullptr) == 0);
  REQUIRE(tproc_host_barrier_arrive(host.get(), barrier, one, &passed, nullptr) == 0);
  CHECK(look(host, barrier, passed) == TPROC_BARRIER_LAST);
  for (int i = 0; i < 2; i++) {
    REQUIRE(tproc_host_barrier_arrive(host.get(), barrier, one, &broken, nullptr) == 0);
    CHECK(look(host, barrier, broken, true) == TPROC_BARRIER_GAVE_UP);
    CHECK(look(host, barrier, passed) == TPROC_BARRIER_PASSED);
    CHECK(look(host, barrier, broken) == TPROC_BARRIER_BROKEN);
  }
  for (int i = 0; i < 2; i++)
    CHECK(tproc_host_barrier_arrive(host.get(), barrier, late, &passed, nullptr) == -ECANCELED);
  REQUIRE(tproc_host_barrier_arrive(host.get(), barrier, late, &passed, nullptr) == 0);
  CHECK(look(host, barrier, passed) == TPROC_BARRIER_WAITS);
}

TEST_CASE("a barrier that is none is refused") {
  Host host;
  tproc_barrier *barrier = barrier_for(host, 0);
  tproc_barrier elsewhere{};
  tproc_error error{};
  CHECK(tproc_host_barrier_join(host.get(), barrier, &error) == -EINVAL);
  CHECK(std::string(error.message).find("for 0 parties, where 1 to 64 are right") != std::string::npos);
  barrier->parties = 65;
  CHECK(tproc_host_barrier_join(host.get(), barrier, nullptr) == -EINVAL);
  CHECK(tproc_host_barrier_join(host.get(), reinterpret_cast<char *>(barrier) + 4, nullptr) == -EINVAL);
  CHECK(tproc_host_barrier_join(host.get(), &elsewhere, nullptr) == -EINVAL);
  sharer_report report = with(barrier);
  CHECK(host.run(sharer(&report, {"rounds=1"})) == EINVAL);
  barrier->parties = 1;
  CHECK(tproc_host_barrier_leave(host.get(), barrier, 64, nullptr) == -EINVAL);
  CHECK(host.run(sharer(&report, {"leave"})) == ENOENT);
}

TEST_CASE("programs wait for a condition under a mutex, until all have come") {
  Host host;
  struct Shared {
    tproc_mutex mutex;
    tproc_cond changed;
    uint32_t made, enough;
  };
  auto *state = shared<Shared>(host);
  state->enough = 4;
  std::vector<sharer_report> reports(4, with(state));
  std::vector<tproc_threadproc *> programs;
  for (auto &each : reports) programs.push_back(host.start(sharer(&each, {"enough"})));
  for (auto *each : programs) CHECK(host.await(each).status == 0);
  CHECK(state->made == 4);
}

TEST_SUITE_END();
