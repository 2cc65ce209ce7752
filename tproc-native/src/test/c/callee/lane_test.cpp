#include <doctest/doctest.h>
#include <sched.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "callee/lane_part.h"

namespace {

constexpr uint32_t host = 0, call = 1, callback = 2, returned = 3, waiting = 0x100;
constexpr uint64_t for_ever = uint64_t{1} << 62;
constexpr uint64_t least = 1000;
constexpr uint32_t elsewhere = UINT32_MAX;

struct Freed {
  void operator()(lane *one) const { lane_part_free(one); }
};
using Lane = std::unique_ptr<lane, Freed>;

Lane make(uint64_t spin_limit) {
  lane_part_set_spin_limit(spin_limit);
  Lane one{lane_part_make()};
  REQUIRE(one);
  return one;
}

cpu_set_t allowed() {
  cpu_set_t set;
  REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
  return set;
}

// In a thread that has one processor, so that it is known where a wait finds itself, and that stays with it.
void pinned(const std::function<void(uint32_t processor)> &body) {
  std::thread thread{[&] {
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(sched_getcpu(), &here);
    REQUIRE(sched_setaffinity(0, sizeof here, &here) == 0);
    body(static_cast<uint32_t>(sched_getcpu()));
    const cpu_set_t after = allowed();
    CHECK(CPU_EQUAL(&here, &after));
  }};
  thread.join();
}

// Its turn has come already, so a wait ends at once, be it by spinning or by what would be sleep.
void wait_often(lane *one, int times) {
  for (int i = 0; i < times; i++) {
    lane_part_post(one, call);
    REQUIRE(lane_part_wait(one) == call);
  }
}

}  // namespace

TEST_SUITE_BEGIN("lane");

TEST_CASE("a callee that sleeps is woken, for calls and returns, and what was written before is there") {
  const auto one = make(0);
  int value = 0;
  for (uint32_t turn : {call, returned}) {
    uint32_t woken_by = 0;
    int seen = 0;
    lane_part_post(one.get(), host);
    std::thread callee{[&] {
      woken_by = lane_part_wait(one.get());
      seen = value;
      lane_part_answer(one.get(), callback);
    }};
    lane_part_await(one.get(), host | waiting);
    value = static_cast<int>(turn) + 40;
    CHECK(lane_part_post(one.get(), turn));
    callee.join();
    CHECK(woken_by == turn);
    CHECK(seen == static_cast<int>(turn) + 40);
    CHECK(lane_part_turn(one.get()) == callback);
  }
}

TEST_CASE("an answer wakes a host that sleeps, and takes its bit away") {
  const auto one = make(0);
  lane_part_post(one.get(), call | waiting);
  lane_part_answer(one.get(), host);
  CHECK(lane_part_turn(one.get()) == host);
}

TEST_CASE("a wake-up for nothing is slept through") {
  const auto one = make(0);
  uint32_t woken_by = 0;
  std::thread callee{[&] { woken_by = lane_part_wait(one.get()); }};
  for (int i = 0; i < 3; i++) {
    lane_part_await(one.get(), host | waiting);
    CHECK(lane_part_post(one.get(), host));  // as the host rings
  }
  lane_part_await(one.get(), host | waiting);
  CHECK(lane_part_post(one.get(), call));
  callee.join();
  CHECK(woken_by == call);
}

TEST_CASE("it spins longer where that pays, up to the limit") {
  const auto one = make(for_ever);
  lane_part_set_processors(one.get(), elsewhere, 0);
  wait_often(one.get(), 1);
  CHECK(lane_part_learnt(one.get()).spin == 2 * least);
  wait_often(one.get(), 100);
  CHECK(lane_part_learnt(one.get()).spin == for_ever);
}

TEST_CASE("a limit below the least is kept") {
  const auto one = make(10);
  lane_part_set_processors(one.get(), elsewhere, 0);
  wait_often(one.get(), 100);
  CHECK(lane_part_learnt(one.get()).spin == 10);
}

TEST_CASE("on one processor it does not spin, and thinks of moving less and less often") {
  const auto one = make(for_ever);
  pinned([&](uint32_t processor) {
    lane_part_set_processors(one.get(), processor, processor);
    wait_often(one.get(), 7);
    CHECK(lane_part_learnt(one.get()).together == 7);
    CHECK(lane_part_learnt(one.get()).spin == least);
    wait_often(one.get(), 1);
    CHECK(lane_part_learnt(one.get()).together == 0);
    CHECK(lane_part_learnt(one.get()).patience == 16);
    CHECK(lane_part_learnt(one.get()).spin == for_ever);
    wait_often(one.get(), 16 + 32);
    CHECK(lane_part_learnt(one.get()).patience == 64);
    wait_often(one.get(), 2000);
    CHECK(lane_part_learnt(one.get()).patience == 256);
  });
}

TEST_CASE("a move that has lasted takes as little to be tried again as the first one") {
  const auto one = make(for_ever);
  pinned([&](uint32_t processor) {
    const auto together = [&](int times) {
      lane_part_set_processors(one.get(), processor, processor);
      wait_often(one.get(), times);
    };
    const auto apart = [&](int times) {
      lane_part_set_processors(one.get(), elsewhere, processor);
      wait_often(one.get(), times);
    };
    together(8);
    apart(63);
    together(16);
    CHECK(lane_part_learnt(one.get()).patience == 32);
    apart(64);
    together(32);
    CHECK(lane_part_learnt(one.get()).patience == 8);
  });
}

TEST_CASE("having moved, it may run where it might before") {
  const cpu_set_t before = allowed();
  const auto one = make(for_ever);
  for (int i = 0; i < 8; i++) {
    const auto processor = static_cast<uint32_t>(sched_getcpu());
    lane_part_set_processors(one.get(), processor, processor);
    wait_often(one.get(), 1);
  }
  const cpu_set_t after = allowed();
  CHECK(CPU_EQUAL(&before, &after));
}

TEST_CASE("calls that do not follow each other are no reason to move") {
  const auto one = make(1);
  for (int i = 0; i < 20; i++) {
    const auto processor = static_cast<uint32_t>(sched_getcpu());
    lane_part_set_processors(one.get(), processor, processor);
    wait_often(one.get(), 1);
  }
  CHECK(lane_part_learnt(one.get()).patience == 0);
}

TEST_CASE("a text that says why fits its frame") {
  const auto one = make(0);
  CHECK(!lane_part_failed(one.get()));
  CHECK(std::string{lane_part_fail(one.get(), "no such thing", 8)} == "no such");
  CHECK(lane_part_failed(one.get()));
}
