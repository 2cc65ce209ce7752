#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/elf_builder.h"
#include "support/own_process.h"
#include "support/proc_maps.h"

extern "C" {
#include "memory/slot.h"
}

namespace {

struct Space {
  std::unique_ptr<slot_space> space = std::make_unique<slot_space>();
  slot_owner owner{};
  tproc_error error{};

  Space() { slot_space_init(space.get()); }
  ~Space() { slot_space_destroy(space.get()); }
  Space(const Space &) = delete;
  Space &operator=(const Space &) = delete;

  slot_space *operator->() const { return space.get(); }
  int reserve(slot *place) { return slot_reserve(space.get(), &owner, place, &error); }
  void release(slot *place) { slot_release(space.get(), place); }
};

/* A page of another. */
class OccupiedPage {
 public:
  explicit OccupiedPage(uint64_t at) {
    page_ = mmap(reinterpret_cast<void *>(at), test_page(), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    REQUIRE(page_ == reinterpret_cast<void *>(at));
    *static_cast<int *>(page_) = 4711;
  }
  ~OccupiedPage() { munmap(page_, test_page()); }
  OccupiedPage(const OccupiedPage &) = delete;
  OccupiedPage &operator=(const OccupiedPage &) = delete;
  bool untouched() const { return *static_cast<int *>(page_) == 4711; }

 private:
  void *page_;
};

bool anything_in(address_range range) {
  for (const Mapping &mapping : mappings())
    if (mapping.low < range.high && mapping.high > range.low) return true;
  return false;
}

}  // namespace

TEST_SUITE_BEGIN("slot");

TEST_CASE("a slot is aligned to its size, empty, inside the slots' range, with a guard at its end") {
  Space space;
  slot place;
  REQUIRE(space.reserve(&place) == 0);
  const uint64_t size = range_size(place.whole);
  CHECK(size == space->slot_size);
  CHECK((size & (size - 1)) == 0);
  CHECK(size >= 1ull << 30);
  CHECK(place.whole.low % size == 0);
  CHECK(place.usable.low == place.whole.low);
  CHECK(place.usable.high < place.whole.high);
  CHECK(range_covers(slot_space_range(space.space.get()), place.whole));
  CHECK_FALSE(anything_in({place.whole.low, slot_claim(place.whole).low}));
  CHECK(protection_at(slot_claim(place.whole).low) == "---p");
  space.release(&place);
}

TEST_CASE("the host's own mappings are not where slots stand") {
  if (under_address_sanitizer()) {
    MESSAGE("not tested under AddressSanitizer, whose shadow lies anywhere");
    return;
  }
  Space space;
  CHECK_FALSE(anything_in(slot_space_range(space.space.get())));
}

TEST_CASE("releasing takes everything that was mapped into the slot with it, and may be repeated") {
  Space space;
  slot place;
  REQUIRE(space.reserve(&place) == 0);
  const address_range whole = place.whole;
  for (uint64_t i = 1; i < 20; i += 2) {
    void *page = mmap(reinterpret_cast<void *>(whole.low + i * test_page()), test_page(), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    REQUIRE(page != MAP_FAILED);
  }
  space.release(&place);
  CHECK_FALSE(anything_in(whole));
  space.release(&place);
  slot never_reserved{};
  space.release(&never_reserved);
}

TEST_CASE("slots do not overlap, and a freed one is not the next to be handed out") {
  Space space;
  const uint64_t most = space->places < 40 ? space->places / 2 : 20;
  std::set<uint64_t> seen;
  slot previous{};
  for (uint64_t i = 0; i < most; i++) {
    slot place;
    REQUIRE(space.reserve(&place) == 0);
    CHECK(seen.insert(place.whole.low).second);
    space.release(&previous);
    previous = place;
  }
  space.release(&previous);
}

TEST_CASE("freed places come back when all others have had their turn") {
  Space space;
  space->places = 3;
  space->next = 0;
  std::vector<uint64_t> order;
  for (int i = 0; i < 7; i++) {
    slot place;
    REQUIRE(space.reserve(&place) == 0);
    order.push_back(place.whole.low);
    space.release(&place);
  }
  CHECK(order[1] != order[0]);
  CHECK(order[2] != order[0]);
  CHECK(order[2] != order[1]);
  CHECK(order[3] == order[0]);
  CHECK(order[6] == order[0]);
}

TEST_CASE("two hosts of one process never have the same place, though nothing is mapped in it yet") {
  Space one, other;
  one->places = other->places = 2;
  one->next = other->next = 0;
  slot first, second, third;
  REQUIRE(one.reserve(&first) == 0);
  REQUIRE(other.reserve(&second) == 0);
  CHECK(first.whole.low != second.whole.low);
  CHECK(one.reserve(&third) == -ENOMEM);
  pthread_mutex_lock(&one->lock);
  CHECK(slot_space_is_owned(one.space.get(), {second.whole.low + test_page(), second.whole.low + 2 * test_page()}));
  pthread_mutex_unlock(&one->lock);
  other.release(&second);
  pthread_mutex_lock(&one->lock);
  CHECK_FALSE(
      slot_space_is_owned(one.space.get(), {other->first + other->slot_size, other->first + other->slot_size + 1}));
  pthread_mutex_unlock(&one->lock);
  CHECK(one.reserve(&third) == 0);
  one.release(&third);
  one.release(&first);
}

TEST_CASE("a place that is occupied, if only by a page, is passed over and not touched") {
  Space space;
  space->places = 2;
  for (uint64_t at : {uint64_t{0}, space->slot_size / 2, space->slot_size - test_page()}) {
    space->next = 0;
    OccupiedPage page(space->first + at);
    slot place;
    REQUIRE(space.reserve(&place) == 0);
    CHECK(place.whole.low == space->first + space->slot_size);
    CHECK(page.untouched());
    space.release(&place);
  }
}

TEST_CASE("when all places are taken the message says so, and a released one heals it") {
  Space space;
  space->places = 2;
  space->next = 0;
  slot first, second, third;
  REQUIRE(space.reserve(&first) == 0);
  REQUIRE(space.reserve(&second) == 0);
  CHECK(space.reserve(&third) == -ENOMEM);
  CHECK(std::string(space.error.message) == "take a slot: all 2 places are taken (ENOMEM)");
  CHECK(range_size(third.whole) == 0);
  space.release(&first);
  CHECK(space.reserve(&third) == 0);
  space.release(&second);
  space.release(&third);
}

TEST_CASE("a limit on the address space is an error, and lifting it heals") {
  if (under_address_sanitizer()) {
    MESSAGE("not tested under AddressSanitizer, which needs an unlimited address space itself");
    return;
  }
  in_own_process([] {
    Space space;
    rlimit before{};
    getrlimit(RLIMIT_AS, &before);
    const rlimit limit{space->slot_size / 2, before.rlim_max};
    EXPECT_EQUAL(setrlimit(RLIMIT_AS, &limit), 0);
    slot place;
    EXPECT_EQUAL(space.reserve(&place), -ENOMEM);
    EXPECT_EQUAL(space.error.message, "take a slot of " + std::to_string(space->slot_size >> 20) +
                                          " MiB (ulimit -v, or vm.max_map_count): Cannot allocate memory (ENOMEM)");
    setrlimit(RLIMIT_AS, &before);
    EXPECT_EQUAL(space.reserve(&place), 0);
    space.release(&place);
  });
}

TEST_CASE("many threads get different slots") {
  Space space;
  const unsigned each = space->places < 200 ? 2 : 10;
  std::vector<std::vector<slot>> slots(8);
  std::vector<std::thread> threads;
  for (auto &mine : slots)
    threads.emplace_back([&space, &mine, each] {
      for (unsigned i = 0; i < each; i++) {
        slot place;
        if (slot_reserve(space.space.get(), &space.owner, &place, nullptr) == 0) mine.push_back(place);
      }
    });
  for (std::thread &thread : threads) thread.join();
  std::set<uint64_t> seen;
  for (auto &mine : slots) {
    CHECK(mine.size() == each);
    for (slot &place : mine) {
      CHECK(seen.insert(place.whole.low).second);
      space.release(&place);
    }
  }
}

TEST_CASE("an address tells its threadproc: in the slot, mapped or not, and in what it has outside") {
  Space space;
  int first_one = 0, second_one = 0;
  slot_owner first{}, second{};
  first.threadproc = &first_one;
  second.threadproc = &second_one;
  slot place, other;
  REQUIRE(slot_reserve(space.space.get(), &first, &place, nullptr) == 0);
  REQUIRE(slot_reserve(space.space.get(), &second, &other, nullptr) == 0);
  auto owner_of = [&space](uint64_t address) { return slot_threadproc_at(space.space.get(), address); };
  CHECK(owner_of(place.whole.low) == &first_one);
  CHECK(owner_of(place.whole.high - 1) == &first_one);
  CHECK(owner_of(other.whole.low) == &second_one);
  CHECK(owner_of(0) == nullptr);
  CHECK(owner_of(~0ull) == nullptr);
  CHECK(owner_of(reinterpret_cast<uint64_t>(&space)) == nullptr);
  CHECK(owner_of(slot_space_range(space.space.get()).low - 1) == nullptr);
  CHECK(owner_of(slot_space_range(space.space.get()).high) == nullptr);

  for (const address_range range : {address_range{0x900000, 0x910000}, address_range{0x400000, 0x500000}}) {
    REQUIRE(slot_owner_prepare_external(space.space.get(), &first));
    range_set_add(&first.external, range);
  }
  CHECK(owner_of(0x3fffff) == nullptr);
  CHECK(owner_of(0x400000) == &first_one);
  CHECK(owner_of(0x4fffff) == &first_one);
  CHECK(owner_of(0x500000) == nullptr);
  CHECK(owner_of(0x90ffff) == &first_one);
  CHECK(slot_space_has_external(space.space.get(), {0x4ff000, 0x600000}));
  CHECK(slot_space_has_external(space.space.get(), {0, 0x1000000}));
  CHECK_FALSE(slot_space_has_external(space.space.get(), {0x500000, 0x900000}));
  range_set all = slot_owner_take_external(space.space.get(), &first);
  CHECK(all.count == 2);
  range_set_release(&all);
  CHECK(owner_of(0x400000) == nullptr);
  CHECK(space.space->external_owners == nullptr);
  space.release(&place);
  space.release(&other);
}

TEST_CASE("a slot of a program that never forks is found, marked without its guard, and forgotten with its owner") {
  in_own_process([] {
    Space space;
    slot place{}, next{};
    address_range found{};
    EXPECT_EQUAL(space.reserve(&place), 0);
    EXPECT(!slot_next_out_of_forks(space.space.get(), 0, &found));
    slot_keep_out_of_forks(space.space.get(), &space.owner);
    EXPECT(slot_next_out_of_forks(space.space.get(), 0, &found));
    EXPECT_EQUAL(found.low, place.whole.low);
    EXPECT_EQUAL(found.high, place.whole.high);
    EXPECT(slot_next_out_of_forks(space.space.get(), place.whole.low + 5, &found));
    EXPECT_EQUAL(found.low, place.whole.low + 5);
    EXPECT(!slot_next_out_of_forks(space.space.get(), place.whole.high, &found));
    slot_mark_out_of_forks(space.space.get(), {place.whole.low, place.whole.high + test_page()});
    EXPECT(is_in_forks(slot_claim(place.whole).low));

    const uint64_t low = place.whole.low;
    space.release(&place);
    EXPECT(!slot_next_out_of_forks(space.space.get(), 0, &found));
    slot_owner forking{};
    space->next = (low - space->first) / space->slot_size;
    EXPECT_EQUAL(slot_reserve(space.space.get(), &forking, &next, &space.error), 0);
    EXPECT_EQUAL(next.whole.low, low);
    const OccupiedPage page(next.whole.low);
    slot_mark_out_of_forks(space.space.get(), next.whole);
    EXPECT(is_in_forks(next.whole.low));
    slot_keep_out_of_forks(space.space.get(), &forking);
    slot_mark_out_of_forks(space.space.get(), next.whole);
    EXPECT(!is_in_forks(next.whole.low));
    slot_release(space.space.get(), &next);
  });
}

TEST_CASE("of what has been unmapped and is another's by now nothing is marked") {
  in_own_process([] {
    Space space;
    slot_owner other{};
    const Area area(4 * test_page());
    const address_range first{area.low(), area.low() + test_page()}, second{first.high, first.high + test_page()};
    for (slot_owner *owner : {&space.owner, &other}) {
      EXPECT(slot_owner_prepare_external(space.space.get(), owner));
      range_set_add(&owner->external, second); /* of both, for a moment */
    }
    EXPECT(slot_owner_prepare_external(space.space.get(), &space.owner));
    range_set_add(&space.owner.external, first);
    slot_keep_out_of_forks(space.space.get(), &space.owner);
    slot_mark_out_of_forks(space.space.get(), {area.low(), area.high()});
    EXPECT(is_in_forks(second.low));
    EXPECT(is_in_forks(area.high() - test_page()));
    range_set other_set = slot_owner_take_external(space.space.get(), &other);
    slot_owner_changes(space.space.get(), &space.owner, true); /* it may be another host's, which is not seen here */
    slot_mark_out_of_forks(space.space.get(), {area.low(), area.high()});
    EXPECT(is_in_forks(first.low));
    slot_owner_changes(space.space.get(), &space.owner, false);
    slot_mark_out_of_forks(space.space.get(), {area.low(), area.high()});
    EXPECT(!is_in_forks(first.low));
    EXPECT(!is_in_forks(second.low));
    EXPECT(is_in_forks(second.high));
    range_set own_set = slot_owner_take_external(space.space.get(), &space.owner);
    range_set_release(&own_set);
    range_set_release(&other_set);
  });
}

TEST_CASE("a released slot has no owner") {
  Space space;
  int who = 0;
  slot_owner owner{};
  owner.threadproc = &who;
  slot place;
  REQUIRE(slot_reserve(space.space.get(), &owner, &place, nullptr) == 0);
  const uint64_t low = place.whole.low;
  space.release(&place);
  CHECK(slot_threadproc_at(space.space.get(), low) == nullptr);
}

TEST_SUITE_END();
