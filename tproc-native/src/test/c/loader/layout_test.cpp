#include <doctest/doctest.h>
#include <sys/resource.h>

#include <cerrno>
#include <set>
#include <string>

#include "support/elf_builder.h"

extern "C" {
#include "base/page.h"
#include "loader/layout.h"
}

namespace {

constexpr uint64_t kMiB = 1ull << 20;
constexpr uint64_t kGiB = 1ull << 30;

/* layout_plan only computes: a slot that is not reserved will do. */
slot imagined_slot(uint64_t size) {
  slot place{};
  place.whole = {0x200000000000, 0x200000000000 + size};
  place.usable = {place.whole.low, place.whole.low + size / 4 * 3};
  return place;
}

elf_file image_of(uint64_t low, uint64_t high, uint64_t alignment = test_page()) {
  elf_file elf{};
  elf.position_independent = true;
  elf.low = low;
  elf.high = high;
  elf.alignment = alignment;
  return elf;
}

class StackLimit {
 public:
  explicit StackLimit(rlim_t soft) {
    getrlimit(RLIMIT_STACK, &before_);
    rlimit limit{soft, before_.rlim_max};
    set_ = setrlimit(RLIMIT_STACK, &limit) == 0;
  }
  ~StackLimit() { setrlimit(RLIMIT_STACK, &before_); }
  StackLimit(const StackLimit &) = delete;
  StackLimit &operator=(const StackLimit &) = delete;
  bool set() const { return set_; }

 private:
  rlimit before_{};
  bool set_ = false;
};

}  // namespace

TEST_SUITE_BEGIN("layout");

TEST_CASE("everything lies inside the slot, aligned, apart, with a guard below the stack") {
  const slot place = imagined_slot(16 * kGiB);
  for (uint64_t alignment : {test_page(), uint64_t{64} << 10, 2 * kMiB, kGiB}) {
    for (int i = 0; i < 200; i++) {
      const elf_file program = image_of(0, 5 * kMiB, alignment);
      const elf_file interpreter = image_of(0, kMiB / 4, alignment);
      layout plan;
      tproc_error error{};
      REQUIRE(layout_plan(&place, &program, &interpreter, 8 * kMiB, 1000, 0, &plan, &error) == 0);
      const address_range program_range = {plan.program_bias, plan.program_bias + 5 * kMiB};
      const address_range interpreter_range = {plan.interpreter_bias, plan.interpreter_bias + kMiB / 4};
      REQUIRE(range_covers(place.usable, program_range));
      REQUIRE(range_covers(place.usable, interpreter_range));
      REQUIRE(range_covers(place.usable, plan.stack));
      REQUIRE(program_range.low >
              place.usable.low); /* not even the first page: a null-ish pointer plus the base faults */
      REQUIRE(plan.program_bias % alignment == 0);
      REQUIRE(plan.interpreter_bias % alignment == 0);
      REQUIRE(range_size(plan.stack) == 128 * kMiB);
      REQUIRE(range_covers(plan.stack, plan.stack_begun));
      REQUIRE(plan.stack_begun.high == plan.stack.high);
      REQUIRE(plan.stack.high % test_page() == 0);
      REQUIRE(plan.stack.high < place.usable.high);
      REQUIRE(program_range.high < plan.heap.low);
      REQUIRE(range_size(plan.heap) == 128 * 1024);
      REQUIRE(plan.heap.high < plan.anonymous.low);
      REQUIRE(range_size(plan.anonymous) > kGiB);
      REQUIRE(plan.anonymous.high + kMiB <= plan.stack.low);
      REQUIRE(plan.stack.high < plan.files.low);
      REQUIRE(range_size(plan.files) > kGiB);
      REQUIRE(plan.files.high < interpreter_range.low);
      REQUIRE((plan.heap.low | plan.heap.high | plan.anonymous.low | plan.anonymous.high) % test_page() == 0);
      REQUIRE((plan.files.low | plan.files.high) % test_page() == 0);
    }
  }
}

TEST_CASE("a static program's thread-local storage has room in its break, one with an interpreter maps its own") {
  const slot place = imagined_slot(16 * kGiB);
  elf_file program = image_of(0, 5 * kMiB);
  program.thread_storage = 2 * kMiB + 100;
  layout plan;
  tproc_error error{};
  REQUIRE(layout_plan(&place, &program, nullptr, 8 * kMiB, 1000, 0, &plan, &error) == 0);
  CHECK(range_size(plan.heap) == 128 * 1024 + 2 * kMiB);
  CHECK(plan.heap.high < plan.anonymous.low);
  program.has_interpreter = true;
  REQUIRE(layout_plan(&place, &program, &program, 8 * kMiB, 1000, 0, &plan, &error) == 0);
  CHECK(range_size(plan.heap) == 128 * 1024);
}

TEST_CASE("a program with low addresses of its own starts where the slot says") {
  const slot place = imagined_slot(16 * kGiB);
  const elf_file program = image_of(0x400000, 0x500000, 2 * kMiB);
  layout plan;
  REQUIRE(layout_plan(&place, &program, nullptr, 8 * kMiB, 1000, 0, &plan, nullptr) == 0);
  CHECK(plan.program_bias % (2 * kMiB) == 0);
  CHECK(range_covers(place.usable, {program.low + plan.program_bias, program.high + plan.program_bias}));
  CHECK(plan.interpreter_bias == 0);
  CHECK(plan.anonymous.high + kMiB <= plan.stack.low);
}

TEST_CASE("a program whose first address is no multiple of its alignment") {
  const slot place = imagined_slot(16 * kGiB);
  const elf_file program = image_of(kMiB, 3 * kMiB, 2 * kMiB);
  layout plan;
  REQUIRE(layout_plan(&place, &program, nullptr, 8 * kMiB, 1000, 0, &plan, nullptr) == 0);
  CHECK(plan.program_bias % (2 * kMiB) == 0);
  CHECK(range_covers(place.usable, {program.low + plan.program_bias, program.high + plan.program_bias}));
}

TEST_CASE("of an alignment that leaves no room as much is kept as fits") {
  const slot place = imagined_slot(kGiB);
  for (uint64_t alignment : {256 * kMiB, kGiB, uint64_t{1} << 47, uint64_t{1} << 63}) {
    const elf_file program = image_of(0, 32 * kMiB, alignment), interpreter = image_of(0, kMiB, alignment);
    layout plan;
    REQUIRE(layout_plan(&place, &program, &interpreter, 8 * kMiB, 0, 0, &plan, nullptr) == 0);
    CHECK(plan.program_bias % (128 * kMiB) == 0);
    CHECK(plan.program_bias >= place.usable.low);
    CHECK(plan.program_bias + program.high < plan.heap.low);
    CHECK(plan.interpreter_bias > plan.files.high);
    CHECK(plan.interpreter_bias + interpreter.high <= place.usable.high);
  }
}

TEST_CASE("a program for fixed addresses is not moved") {
  const slot place = imagined_slot(16 * kGiB);
  elf_file program = image_of(0x400000, 0x500000);
  program.position_independent = false;
  layout plan;
  REQUIRE(layout_plan(&place, &program, nullptr, 8 * kMiB, 1000, 0, &plan, nullptr) == 0);
  CHECK(plan.program_bias == 0);
}

TEST_CASE("places are random") {
  const slot place = imagined_slot(16 * kGiB);
  const elf_file program = image_of(0, kMiB);
  std::set<uint64_t> programs, interpreters, stacks;
  for (int i = 0; i < 50; i++) {
    layout plan;
    REQUIRE(layout_plan(&place, &program, &program, 8 * kMiB, 0, 0, &plan, nullptr) == 0);
    programs.insert(plan.program_bias);
    interpreters.insert(plan.interpreter_bias);
    stacks.insert(plan.stack.high);
  }
  CHECK(programs.size() > 40);
  CHECK(interpreters.size() > 40);
  CHECK(stacks.size() > 40);
}

TEST_CASE("large arguments get their stack even when the limit is small") {
  const slot place = imagined_slot(16 * kGiB);
  const elf_file program = image_of(0, kMiB);
  layout plan;
  REQUIRE(layout_plan(&place, &program, nullptr, 4096, 6 * kMiB, 0, &plan, nullptr) == 0);
  CHECK(range_size(plan.stack) >= 6 * kMiB + (128 << 10));
}

TEST_CASE("room above a stack is no part of its limit") {
  layout without{}, with{};
  const slot place = imagined_slot(16 * kGiB);
  const elf_file program = image_of(0, 5 * kMiB);
  const uint64_t room = 4 * test_page();
  REQUIRE(layout_plan(&place, &program, nullptr, 256 * kMiB, 1000, 0, &without, nullptr) == 0);
  REQUIRE(layout_plan(&place, &program, nullptr, 256 * kMiB, 1000, room, &with, nullptr) == 0);
  CHECK(range_size(without.stack) == 256 * kMiB);
  CHECK(range_size(without.stack_room) == 0);
  CHECK(range_size(with.stack) == 256 * kMiB + room);
  CHECK(with.stack_room.high == with.stack.high);
  CHECK(range_size(with.stack_room) == room);
  CHECK(with.stack_begun.high == with.stack_room.low);
  CHECK(range_size(with.stack_begun) == layout_stack_begun(1000));
}

TEST_CASE("what does not fit is refused, and the message has both sizes") {
  const slot place = imagined_slot(kGiB);
  const elf_file program = image_of(0, 700 * kMiB);
  layout plan;
  tproc_error error{};
  CHECK(layout_plan(&place, &program, nullptr, 256 * kMiB, 0, 0, &plan, &error) == -ENOMEM);
  const std::string message = error.message;
  CHECK(message.find("the program takes ") == 0);
  CHECK(message.find("MiB, a third of a slot has 256: Cannot allocate memory (ENOMEM)") != std::string::npos);
}

TEST_CASE("the largest program that is not refused leaves room for the program break") {
  const slot place = imagined_slot(kGiB);
  const uint64_t third = range_size(place.usable) / 3;
  layout plan;
  const auto planned = [&](uint64_t size) {
    const elf_file program = image_of(0, size);
    return layout_plan(&place, &program, nullptr, 8 * kMiB, 1000, 0, &plan, nullptr) == 0;
  };
  uint64_t size = third;
  while (!planned(size)) size -= test_page();
  CHECK(size > third / 2);
  bool fits = true;
  for (int i = 0; i < 40000 && fits; i++) {  // few random offsets are as large as they may be
    REQUIRE(planned(size));
    fits = plan.program_bias + size < plan.heap.low && plan.heap.high < plan.anonymous.low &&
           plan.heap.high <= place.usable.low + third;
  }
  CHECK(fits);
}

TEST_CASE("the stack's limit is the caller's, bounded by the slot") {
  slot_space space{};
  space.slot_size = 16 * kGiB;
  {
    StackLimit limit(3 * kMiB);
    REQUIRE(limit.set());
    CHECK(layout_stack_limit(&space, nullptr) == 3 * kMiB);
  }
  StackLimit unlimited(RLIM_INFINITY);
  if (!unlimited.set()) {
    MESSAGE("the stack's hard limit forbids an unlimited stack: that half is not tested");
    return;
  }
  CHECK(layout_stack_limit(&space, nullptr) == 2 * kGiB);
  StackLimit huge(100 * kGiB);
  REQUIRE(huge.set());
  CHECK(layout_stack_limit(&space, nullptr) == 2 * kGiB);
}

TEST_CASE("an unlimited stack fits into the smallest slot") {
  slot_space space{};
  space.slot_size = kGiB;
  StackLimit unlimited(RLIM_INFINITY);
  if (!unlimited.set()) {
    MESSAGE("the stack's hard limit forbids an unlimited stack: not tested");
    return;
  }
  const slot place = imagined_slot(space.slot_size);
  const elf_file program = image_of(0, 100 * kMiB);
  layout plan;
  tproc_error error{};
  CHECK(layout_plan(&place, &program, &program, layout_stack_limit(&space, nullptr), 1000, 0, &plan, &error) == 0);
  CHECK(std::string(error.message) == "");
}

TEST_SUITE_END();
