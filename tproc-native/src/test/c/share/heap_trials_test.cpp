// The heap holds when a process dies, or stands still, at any instruction.
#include "share/heap_trials.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>

#include "support/own_process.h"

namespace {

bool can_step() {
  const char *reason = cannot_step();
  if (reason != nullptr) MESSAGE("skipped: ", reason);
  return reason == nullptr;
}

void expect_well(const trial &done, uint64_t instructions) {
  CAPTURE(done.first);
  CHECK(done.failures == 0);
  CHECK(done.instructions > instructions);
}

}  // namespace

TEST_CASE("shared heap: a process is killed at each instruction of all it does") {
  if (!can_step()) return;
  const trial done = kill_at_every_instruction(LIMITED_NOBODY);
  expect_well(done, 5000);
  CHECK(done.checks > 300);
}

TEST_CASE("shared heap: a process with a limit is killed at each instruction, and what is counted stays right") {
  if (!can_step()) return;
  expect_well(kill_at_every_instruction(LIMITED_VICTIM), 5000);
}

TEST_CASE("shared heap: a process is killed at each instruction of what it does to blocks of one with a limit") {
  if (!can_step()) return;
  expect_well(kill_at_every_instruction(LIMITED_OTHER), 5000);
}

TEST_CASE("shared heap: a process stands still at each instruction, another works, and the first is killed") {
  if (!can_step()) return;
  for (int what = 0; what < PREEMPTIONS; what++) {
    CAPTURE(what);
    expect_well(preempt_and_kill(static_cast<preemption>(what)), 100);
  }
}

TEST_CASE("registry: a process is killed at each instruction of publishing, finding and withdrawing") {
  if (!can_step()) return;
  const trial done = kill_with_registry();
  expect_well(done, 1000);
}

TEST_CASE("channels: a process is killed at each instruction of opening, sending, receiving and closing") {
  if (!can_step()) return;
  const trial done = kill_with_channels();
  expect_well(done, 3000);
}

TEST_CASE("channels: a sender takes another's place, and stands still at each instruction while room comes") {
  if (!can_step()) return;
  expect_well(take_over_while_room_comes(false), 50);
  expect_well(take_over_while_room_comes(true), 50);
}

TEST_CASE("arenas: a process is killed at each instruction of filling and sending them, and all of a graph arrives") {
  if (!can_step()) return;
  const trial done = kill_with_arenas();
  expect_well(done, 3000);
  CHECK(done.checks > 3000);
}

TEST_CASE("registry: a process stands still while it publishes, and another wants the name") {
  if (!can_step()) return;
  const char *wanted = std::getenv("TPROC_TRIAL_STRIDE");
  const uint64_t stride = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 61;
  for (int what = 0; what < BOARD_RACES; what++) {
    CAPTURE(what);
    const trial done = race_for_a_name(static_cast<board_race>(what), static_cast<uint64_t>(getpid()) % stride, stride);
    expect_well(done, 100);
    CHECK(done.checks > 0);
  }
}

// Each instruction costs a run of its own: TPROC_TRIAL_STRIDE=1 tries all, otherwise it is each 149th, from another
// beginning in each process.
TEST_CASE("shared heap: a process stands still, another works, and the first goes on") {
  if (!can_step()) return;
  const char *wanted = std::getenv("TPROC_TRIAL_STRIDE");
  const uint64_t stride = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 149;
  for (int what = 0; what < PREEMPTIONS; what++) {
    CAPTURE(what);
    const trial done =
        preempt_and_go_on(static_cast<preemption>(what), static_cast<uint64_t>(getpid()) % stride, stride);
    expect_well(done, 100);
    CHECK(done.checks > 0);
  }
}

TEST_CASE("locks: a process is killed at each instruction of locking, waiting and signalling") {
  if (!can_step()) return;
  expect_well(kill_with_locks(), 1000);
}

TEST_CASE("barriers: a party is killed at each instruction of arriving, giving up and leaving") {
  if (!can_step()) return;
  expect_well(kill_with_barrier(), 500);
}

TEST_CASE("shared heap: workers are killed at random while they hand blocks to each other") {
  expect_well(torture(scaled(300), 4, 42), static_cast<uint64_t>(scaled(10000)));
}

TEST_CASE("channels: senders and receivers are killed at random") {
  expect_well(channel_torture(scaled(300), 4, 7), static_cast<uint64_t>(scaled(1000)));
}
