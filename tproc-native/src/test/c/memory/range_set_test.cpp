#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <set>
#include <utility>
#include <vector>

extern "C" {
#include "memory/range_set.h"
}

TEST_SUITE_BEGIN("range_set");

TEST_CASE("ranges that touch become one, and a hole makes two") {
  range_set set{};
  for (uint64_t low : {30, 10, 20}) {
    REQUIRE(range_set_prepare(&set));
    range_set_add(&set, {low, low + 10});
  }
  REQUIRE(set.count == 1);
  CHECK(range_set_covers(&set, {10, 40}));
  REQUIRE(range_set_prepare(&set));
  range_set_remove(&set, {20, 25});
  CHECK(set.count == 2);
  CHECK(!range_set_covers(&set, {10, 40}));
  CHECK(!range_set_overlaps(&set, {20, 25}));
  CHECK(range_set_overlaps(&set, {24, 26}));
  range_set_remove(&set, {0, 100});
  CHECK(set.count == 0);
  CHECK(range_set_covers(&set, {5, 5}));
  range_set_release(&set);
}

TEST_CASE("without room for the second part too much stays, never too little") {
  range_set set{};
  for (uint64_t i = 0; set.count < 8; i++) {
    REQUIRE(range_set_prepare(&set));
    range_set_add(&set, {100 * i, 100 * i + 50});
  }
  REQUIRE(set.count == set.room);
  range_set_remove(&set, {110, 120});
  CHECK(range_set_covers(&set, {100, 150}));
  CHECK(set.count == 8);
  range_set_release(&set);
}

TEST_CASE("it answers as a set of single addresses does") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; round++) {
    range_set set{};
    std::set<uint64_t> model;
    for (int step = 0; step < 100; step++) {
      const uint64_t low = random() % 60, high = low + random() % 12;
      REQUIRE(range_set_prepare(&set));
      if (random() % 2 == 0) {
        range_set_add(&set, {low, high});
        for (uint64_t at = low; at < high; at++) model.insert(at);
      } else {
        range_set_remove(&set, {low, high});
        for (uint64_t at = low; at < high; at++) model.erase(at);
      }
      const uint64_t from = random() % 60, to = from + random() % 12;
      size_t found = 0;
      for (uint64_t at = from; at < to; at++) found += model.count(at);
      REQUIRE(range_set_covers(&set, {from, to}) == (found == to - from));
      REQUIRE(range_set_overlaps(&set, {from, to}) == (found > 0));
      address_range lowest{};
      const auto first = model.lower_bound(from);
      REQUIRE(range_set_lowest(&set, {from, to}, &lowest) == (found > 0));
      if (found > 0) {
        REQUIRE(lowest.low == *first);
        for (uint64_t at = lowest.low; at < lowest.high; at++) REQUIRE(model.count(at) == 1);
        REQUIRE((lowest.high == to || model.count(lowest.high) == 0));
      }
      uint64_t total = 0;
      for (size_t i = 0; i < set.count; i++) {
        total += set.ranges[i].high - set.ranges[i].low;
        REQUIRE(set.ranges[i].low < set.ranges[i].high);
        if (i > 0) REQUIRE(set.ranges[i].high < set.ranges[i - 1].low);
      }
      REQUIRE(total == model.size());
    }
    range_set_release(&set);
  }
}

TEST_CASE("the rest of a range is what is not in the set, the highest first") {
  static std::vector<std::pair<uint64_t, uint64_t>> rest;
  const auto rest_of = [](const range_set &set, address_range range) {
    rest.clear();
    range_set_visit_rest(&set, range, [](address_range each) { rest.emplace_back(each.low, each.high); });
    return rest;
  };
  using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;
  range_set set{};
  CHECK(rest_of(set, {5, 50}) == Ranges{{5, 50}});
  for (uint64_t low : {10, 30}) {
    REQUIRE(range_set_prepare(&set));
    range_set_add(&set, {low, low + 10});
  }
  CHECK(rest_of(set, {5, 50}) == Ranges{{40, 50}, {20, 30}, {5, 10}});
  CHECK(rest_of(set, {15, 35}) == Ranges{{20, 30}});
  CHECK(rest_of(set, {12, 18}).empty());
  CHECK(rest_of(set, {10, 20}).empty());
  CHECK(rest_of(set, {20, 30}) == Ranges{{20, 30}});
  CHECK(rest_of(set, {0, 10}) == Ranges{{0, 10}});
  CHECK(rest_of(set, {40, 41}) == Ranges{{40, 41}});
  range_set_release(&set);
}

TEST_SUITE_END();
