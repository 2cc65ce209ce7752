#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "spawn/descriptor_steps.h"
}

namespace {

using Wanted = std::vector<tproc_descriptor>;
using Table = std::map<unsigned, int>;  // a number and which file is there

constexpr int kForeign = -1;  // a file that is not wanted

/* What the steps make of a table in which each source is a file of its own, and everything else below `size` some
 * other file. "" when it is right, and when no number from `limit` on was used. */
std::string outcome(const Wanted &wanted, int size, int limit) {
  Table table;
  for (int i = 0; i < size; i++) table[static_cast<unsigned>(i)] = kForeign;
  for (const tproc_descriptor &each : wanted) table[static_cast<unsigned>(each.source)] = each.source;
  std::set<unsigned> inherited; /* with close-on-exec clear */
  descriptor_steps made{};
  tproc_error error{};
  if (descriptor_steps_make(wanted.data(), wanted.size(), &made, &error) != 0) return error.message;
  std::string wrong;
  for (size_t i = 0; i < made.count; i++) {
    const descriptor_step &step = made.steps[i];
    if (step.action == DESCRIPTOR_CLOSE) {
      table.erase(table.lower_bound(step.from), table.upper_bound(step.to));
      continue;
    }
    if (table.count(step.from) == 0) wrong += "reads the closed " + std::to_string(step.from) + "; ";
    if (step.to >= static_cast<unsigned>(limit)) wrong += "uses " + std::to_string(step.to) + "; ";
    if (step.action == DESCRIPTOR_COPY) table[step.to] = table[step.from];
    inherited.insert(step.to);
  }
  for (const tproc_descriptor &each : wanted) {
    const auto number = static_cast<unsigned>(each.number);
    if (table.count(number) == 0 || table[number] != each.source)
      wrong += std::to_string(each.number) + " is not what " + std::to_string(each.source) + " was; ";
    if (inherited.count(number) == 0) wrong += std::to_string(each.number) + " may be close-on-exec; ";
  }
  if (table.size() != wanted.size()) wrong += std::to_string(table.size()) + " are open; ";
  if (made.count > 3 * wanted.size() + 1) wrong += "more steps than there is room for; ";
  descriptor_steps_release(&made);
  CHECK(made.steps == nullptr);
  return wrong;
}

std::string text_of(const Wanted &wanted) {
  std::string text;
  for (const tproc_descriptor &each : wanted)
    text += std::to_string(each.number) + "<-" + std::to_string(each.source) + " ";
  return text;
}

}  // namespace

TEST_SUITE_BEGIN("descriptor_steps");

TEST_CASE("nothing wanted: everything is closed") {
  CHECK(outcome({}, 10, 10) == "");
  CHECK(outcome({}, 0, 10) == "");
}

TEST_CASE("kept, copied, chained, exchanged and turned round") {
  const Wanted cases[] = {
      {{0, 0}, {1, 1}, {2, 2}},
      {{0, 7}, {1, 7}, {2, 7}},
      {{3, 4}, {4, 5}, {5, 6}},
      {{5, 4}, {4, 3}, {3, 2}},
      {{3, 4}, {4, 3}},
      {{0, 1}, {1, 2}, {2, 0}},
      {{0, 1}, {1, 0}, {3, 4}, {4, 3}, {7, 7}},
      {{0, 1}, {1, 0}, {2, 0}, {3, 0}, {4, 1}, {5, 4}}, /* others read what is exchanged, and what those were */
      {{9, 3}, {3, 3}, {4, 3}},
  };
  for (const Wanted &wanted : cases) {
    INFO(text_of(wanted));
    CHECK(outcome(wanted, 10, 10) == "");
  }
}

TEST_CASE("every table of four numbers from five sources") {
  constexpr int kSources = 5, kNotWanted = 5;
  for (int code = 0; code < 6 * 6 * 6 * 6; code++) {
    Wanted wanted;
    for (int number = 0, rest = code; number < 4; number++, rest /= 6)
      if (rest % 6 != kNotWanted) wanted.push_back({number, rest % kSources});
    const std::string wrong = outcome(wanted, 6, 6);
    INFO(text_of(wanted));
    CHECK(wrong == "");
  }
}

TEST_CASE("random tables, also full to the limit but for one source") {
  std::mt19937 random(20240501);
  for (int round = 0; round < 3000; round++) {
    const int size = 2 + static_cast<int>(random() % 60);
    std::vector<int> numbers(static_cast<size_t>(size));
    for (int i = 0; i < size; i++) numbers[static_cast<size_t>(i)] = i;
    std::shuffle(numbers.begin(), numbers.end(), random);
    const int spare = numbers.back(); /* which is no source */
    const size_t count = round % 2 == 0 ? numbers.size() : random() % numbers.size();
    std::vector<int> sources(numbers.begin(), numbers.end() - 1);
    if (round % 3 == 0) std::shuffle(sources.begin(), sources.end(), random); /* nearly a permutation: long cycles */
    Wanted wanted;
    for (size_t i = 0; i < count; i++) {
      const size_t which = round % 3 == 0 && i < sources.size() ? i : random() % sources.size();
      wanted.push_back({numbers[i], sources[which]});
    }
    std::shuffle(wanted.begin(), wanted.end(), random);
    INFO("round " << round << ", without " << spare << ": " << text_of(wanted));
    REQUIRE(outcome(wanted, size, size) == "");
  }
}

TEST_CASE("as many as there can be, turned round and reversed") {
  Wanted turned, reversed;
  constexpr int kMost = TPROC_DESCRIPTORS_MAX + 3;
  for (int i = 0; i < kMost; i++) {
    turned.push_back({i, (i + 1) % kMost});
    reversed.push_back({i, kMost - 1 - i});
  }
  CHECK(outcome(turned, kMost + 1, kMost + 1) == "");
  CHECK(outcome(reversed, kMost + 1, kMost + 1) == "");
}

TEST_CASE("a number that is wanted twice is refused") {
  const Wanted wanted = {{3, 5}, {9, 4}, {3, 6}};
  descriptor_steps made{};
  tproc_error error{};
  CHECK(descriptor_steps_make(wanted.data(), wanted.size(), &made, &error) == -EINVAL);
  CHECK(std::string(error.message) == "descriptor 3 is wanted twice (EINVAL)");
  CHECK(made.steps == nullptr);
}

TEST_SUITE_END();
