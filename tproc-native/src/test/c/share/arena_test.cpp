extern "C" {
#include "shared/arena.h"
}

#include <doctest/doctest.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

TEST_SUITE_BEGIN("arenas");

namespace {

struct Made {
  std::vector<char> bytes = std::vector<char>(64 << 10);
  tproc_arena *arena = reinterpret_cast<tproc_arena *>((reinterpret_cast<std::uintptr_t>(bytes.data()) + 63) & -64);
  std::size_t capacity = 32 << 10;

  Made() { tproc_arena_format(arena, capacity); }
  char *take(std::size_t size) { return static_cast<char *>(tproc_arena_take(arena, size, 16)); }
};

}  // namespace

TEST_CASE("what an arena has not handed out is not taken back") {
  Made made;
  char *first = made.take(100), *last = made.take(100);
  const std::uint64_t used = made.arena->used;
  CHECK_FALSE(tproc_arena_put_back(made.arena, reinterpret_cast<char *>(made.arena), 100));
  CHECK_FALSE(tproc_arena_put_back(made.arena, first + 8, 100));
  CHECK_FALSE(tproc_arena_put_back(made.arena, last, 1000));
  CHECK_FALSE(tproc_arena_put_back(made.arena, last + 4096, 100));
  CHECK_FALSE(tproc_arena_put_back(made.arena, made.bytes.data() + made.bytes.size(), 16));
  CHECK_FALSE(tproc_arena_put_back(made.arena, last, SIZE_MAX));
  CHECK(made.arena->used == used);
  CHECK(tproc_arena_put_back(made.arena, last, 100));
  CHECK_FALSE(tproc_arena_put_back(made.arena, last, 100));
}

TEST_CASE("what was freed in an arena is not taken back once more") {
  Made made;
  char *first = made.take(100);
  made.take(100);
  CHECK(tproc_arena_put_back(made.arena, first, 100));
  CHECK_FALSE(tproc_arena_put_back(made.arena, first, 100));
  CHECK(made.take(100) == first);
  CHECK(made.take(100) != first);
}

TEST_CASE("a piece that was written to after it was freed leads nowhere") {
  Made made;
  char *freed = made.take(100);
  made.take(100);
  REQUIRE(tproc_arena_put_back(made.arena, freed, 100));
  std::uint64_t wrong = 0;
  for (const std::uint64_t each : {std::uint64_t{16}, reinterpret_cast<std::uint64_t>(made.arena),
                                   reinterpret_cast<std::uint64_t>(made.arena) + made.capacity, UINT64_MAX & -16}) {
    wrong = each;
    std::memcpy(freed, &wrong, sizeof wrong);
    REQUIRE(made.take(100) == freed);
    const char *next = made.take(100);
    REQUIRE(next != nullptr);
    CHECK(next > freed);
    REQUIRE(tproc_arena_put_back(made.arena, freed, 100));
  }
}

TEST_CASE("a root lies in its arena, and its capacity in its block") {
  Made made;
  char *root = made.take(16);
  void *found = nullptr;
  CHECK(tproc_arena_find_root(made.arena, made.capacity, nullptr, &found) == EPROTO);
  CHECK(tproc_arena_name_root(made.arena, root + 16, "it.Node/1") == EINVAL);
  CHECK(tproc_arena_name_root(made.arena, made.arena, "it.Node/1") == EINVAL);
  CHECK(tproc_arena_name_root(made.arena, root, std::string(48, 'x').c_str()) == EINVAL);
  REQUIRE(tproc_arena_name_root(made.arena, root, "it.Node/1") == 0);
  CHECK(tproc_arena_find_root(made.arena, made.capacity, nullptr, &found) == 0);
  CHECK(found == root);
  CHECK(tproc_arena_find_root(made.arena, made.capacity, "it.Node/2", &found) == EPROTOTYPE);
  CHECK(tproc_arena_find_root(made.arena, made.capacity - 16, nullptr, &found) == EPROTO);
  CHECK(tproc_arena_find_root(made.arena, 16, nullptr, &found) == EPROTO);
}

TEST_SUITE_END();
