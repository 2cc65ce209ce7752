#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/elf_builder.h"
#include "support/memory_file.h"
#include "support/own_process.h"
#include "support/proc_maps.h"
#include "support/resources.h"
#include "support/temporary_directory.h"

extern "C" {
#include "memory/address_space.h"
}

namespace {

constexpr address_range kEverything = {0, INT64_MAX};

struct Seen {
  mapping what;
  std::string name;
};

using Visit = void(const address_space *, address_range, mapping_visitor *, void *);

struct Collector {
  std::vector<Seen> seen;
  size_t most;
};

bool collect(const mapping *found, void *context) {
  auto *collector = static_cast<Collector *>(context);
  collector->seen.push_back({*found, found->name});
  return collector->seen.size() < collector->most;
}

std::vector<Seen> visit(const address_space &space, address_range range, Visit *how = address_space_visit,
                        size_t most = SIZE_MAX) {
  Collector collector{{}, most};
  how(&space, range, collect, &collector);
  return collector.seen;
}

// The ways the kernel can be asked; the first only where there is PROCMAP_QUERY.
template <typename Body>
void both_ways(Body body) {
  address_space space{};
  REQUIRE(address_space_open(&space, nullptr) == 0);
  if (space.can_query) {
    body(space);
  } else {
    MESSAGE("not tested with PROCMAP_QUERY, which this kernel does not have");
  }
  space.can_query = false;
  body(space);
  address_space_close(&space);
}

}  // namespace

TEST_SUITE_BEGIN("address_space");

TEST_CASE("neighbouring mappings of every kind, in order") {
  const uint64_t page = test_page();
  const Area area(16 * page);
  MemoryFile file(std::string(8 * page, 'x'));
  auto at = [&](uint64_t pages) { return reinterpret_cast<void *>(area.low() + pages * page); };
  REQUIRE(mmap(at(1), page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at(1));
  REQUIRE(mmap(at(3), 2 * page, PROT_READ, MAP_PRIVATE | MAP_FIXED, file.descriptor(), 3 * static_cast<off_t>(page)) ==
          at(3));
  REQUIRE(mmap(at(5), page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file.descriptor(), 0) == at(5));
  both_ways([&](const address_space &space) {
    const std::vector<Seen> seen = visit(space, {area.low() + page, area.low() + 7 * page});
    REQUIRE(seen.size() == 5); /* data, nothing, file, shared file, nothing */
    CHECK(seen[0].what.range.low == area.low() + page);
    CHECK(range_size(seen[0].what.range) == page);
    CHECK((seen[0].what.readable && seen[0].what.writable && !seen[0].what.executable && !seen[0].what.shared));
    CHECK_FALSE(seen[0].what.has_file);
    CHECK(seen[0].name.empty());
    CHECK_FALSE(seen[1].what.readable);
    CHECK(seen[2].what.has_file);
    CHECK(seen[2].what.file_offset == 3 * page);
    CHECK((seen[2].what.readable && !seen[2].what.writable && !seen[2].what.shared));
    CHECK(seen[2].name.find("tproc-test") != std::string::npos);
    CHECK((seen[3].what.shared && seen[3].what.writable && seen[3].what.has_file));
    CHECK(seen[4].what.range.low == area.low() + 6 * page);

    const std::vector<Seen> writable = visit(space, {area.low(), area.high()}, address_space_visit_writable);
    REQUIRE(writable.size() == 2);
    CHECK(writable[0].what.range.low == area.low() + page);
    CHECK(writable[1].what.range.low == area.low() + 5 * page);
  });
}

TEST_CASE("a range within one mapping finds it; an empty range or hole nothing; a visitor ends the visit") {
  uint64_t hole = 0;
  const Area area(4 * test_page(), PROT_READ | PROT_WRITE);
  {
    const Area gone(64 * test_page());
    hole = gone.low();
  }
  both_ways([&](const address_space &space) {
    CHECK(visit(space, {area.low() + 100, area.low() + 101}).size() == 1);
    CHECK(visit(space, {area.low(), area.low()}).empty());
    CHECK(visit(space, {hole + test_page(), hole + 2 * test_page()}).empty());
    CHECK(visit(space, kEverything, address_space_visit, 3).size() == 3);
  });
}

TEST_CASE("both ways see the whole process as /proc/self/maps shows it") {
  both_ways([](const address_space &space) {
    const std::vector<Mapping> expected = mappings();
    std::vector<std::string> names;
    for (const Seen &each : visit(space, kEverything)) names.push_back(each.name);
    unsigned missing = 0;
    for (const Mapping &each : expected)
      if (!each.name.empty() && each.name != "[vsyscall]")
        missing += std::find(names.begin(), names.end(), each.name) == names.end();
    CHECK(missing == 0);
    CHECK(names.size() > 5);
  });
}

TEST_CASE("opened and closed again, with nothing left; closed twice") {
  CHECK(leaks_of([] {
          address_space space{};
          CHECK(address_space_open(&space, nullptr) == 0);
          visit(space, kEverything);
          address_space_close(&space);
          address_space_close(&space);
        }) == "");
}

TEST_CASE("a mapping whose path is longer than any path may be is seen") {
  in_own_process([] {
    TemporaryDirectory directory;
    const std::string part(200, 'd');
    EXPECT_EQUAL(chdir(directory.path().c_str()), 0);
    for (int depth = 0; depth < 22; depth++) {
      mkdir(part.c_str(), 0755);
      EXPECT_EQUAL(chdir(part.c_str()), 0);
    }
    const int file = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    EXPECT_EQUAL(ftruncate(file, static_cast<off_t>(test_page())), 0);
    void *mapped = mmap(nullptr, test_page(), PROT_READ, MAP_SHARED, file, 0);
    EXPECT(mapped != MAP_FAILED);
    const auto low = reinterpret_cast<uint64_t>(mapped);
    address_space space{};
    EXPECT_EQUAL(address_space_open(&space, nullptr), 0);
    const std::vector<Seen> seen = visit(space, {low, low + test_page()});
    EXPECT_EQUAL(seen.size(), 1u);
    EXPECT_EQUAL(seen[0].what.range.low, low);
    EXPECT(visit(space, kEverything).back().what.range.low > low);
    for (int depth = 0; depth < 22; depth++) EXPECT_EQUAL(chdir(".."), 0); /* what has no path is removed from above */
  });
}

TEST_SUITE_END();
