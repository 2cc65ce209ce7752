#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/memory_file.h"

extern "C" {
#include "loader/exe_texts.h"
}

namespace {

exe_texts texts_in(const std::string &content, uint64_t offset, uint64_t size) {
  MemoryFile file(content);
  elf_segment segment{};
  segment.file_offset = offset;
  segment.file_size = segment.memory_size = size;
  elf_file elf{};
  elf.segments = &segment;
  elf.segment_count = 1;
  return exe_texts_in_image(file.descriptor(), &elf);
}

bool is_in(const std::string &content, uint64_t offset, uint64_t size) {
  return texts_in(content, offset, size).own_executable;
}

}  // namespace

TEST_SUITE_BEGIN("exe_texts");

TEST_CASE("a text that ends in /exe is found wherever it stands, and only as an end") {
  const std::string text("/proc/self/exe\0", 15);
  const size_t chunk = 256 << 10;
  for (const size_t before :
       {size_t{0}, size_t{100}, chunk - 15, chunk - 14, chunk - 3, chunk - 1, chunk, 2 * chunk - 2}) {
    const std::string content = std::string(before, 'x') + text + std::string(1000, 'y');
    CAPTURE(before);
    CHECK(is_in(content, 0, content.size()));
    CHECK_FALSE(is_in(content, 0, before + 14)); /* its NUL is not loaded */
  }
  CHECK_FALSE(is_in(std::string("/execute\0/ex\0e", 14), 0, 14));
}

TEST_CASE("whole paths of the own executable are known by their places") {
  const std::string path("/proc/self/exe\0", 15), format("/proc/%d/exe\0", 13);
  const size_t chunk = 256 << 10;
  for (const size_t before : {size_t{0}, size_t{100}, chunk - 15, chunk - 14, chunk - 3, chunk - 1, chunk}) {
    const std::string content =
        std::string(before, 'x') + path + std::string("/etc/exe\0", 9) + std::string(1000, 'y') + format;
    CAPTURE(before);
    const exe_texts found = texts_in(content, 0, content.size());
    REQUIRE(found.place_count == 2);
    CHECK(found.places[0].low == before);
    CHECK(found.places[0].high == before + path.size());
    CHECK(found.places[1].low == content.size() - format.size());
    CHECK_FALSE(found.more_places);
  }
  std::string many;
  for (int i = 0; i < 5; i++) many += path;
  CHECK(texts_in(many, 0, many.size()).place_count == 1);
  many.clear();
  for (int i = 0; i < 5; i++) many += path + std::string(200, 'x');
  CHECK(texts_in(many, 0, many.size()).more_places);
}

TEST_CASE("other spellings of it, and its parts, are known by their places, too") {
  const size_t chunk = 256 << 10;
  for (const std::string &path :
       std::vector<std::string>{"//proc//self/exe", "/usr/../proc/self/exe", "self/exe", "exe", "../thread-self/exe"})
    for (const size_t before : {size_t{0}, size_t{1}, size_t{100}, chunk - 4, chunk - 3, chunk - 1, chunk}) {
      const std::string content = std::string(before, '\0') + path + std::string(1, '\0') + std::string(1000, 'y');
      CAPTURE(path);
      CAPTURE(before);
      const exe_texts found = texts_in(content, 0, content.size());
      REQUIRE(found.place_count == 1);
      CHECK(found.places[0].low == before);
      CHECK(found.places[0].high == before + path.size() + 1);
      CHECK(found.own_executable == (path != "exe"));
    }
  for (const char *other : {"%s/exe", "/exe", "/usr/lib/exe", "a.exe", "exec"}) {
    const std::string content = std::string(1, '\0') + other + std::string(1, '\0');
    CAPTURE(other);
    CHECK(texts_in(content, 0, content.size()).place_count == 0);
  }
}

TEST_CASE("paths of other files of its own are known by their places, and are no reason to ask for more") {
  const size_t chunk = 256 << 10;
  for (const std::string &path :
       {std::string("/proc/self/cmdline"), std::string("/proc/self/environ"), std::string("/proc/self/auxv")})
    for (const size_t before : {size_t{0}, size_t{100}, chunk - 19, chunk - 12, chunk - 3, chunk - 1, chunk}) {
      const std::string content = std::string(before, 'x') + path + std::string(1, '\0') + std::string(1000, 'y');
      CAPTURE(path);
      CAPTURE(before);
      const exe_texts found = texts_in(content, 0, content.size());
      REQUIRE(found.view_count == 1);
      CHECK(found.views[0].low == before);
      CHECK(found.views[0].high == before + path.size() + 1);
      CHECK(found.place_count == 0);
      CHECK_FALSE(found.own_executable);
    }
  std::string many;
  for (int i = 0; i < 9; i++) many += std::string("/proc/self/auxv") + std::string(200, '\0');
  CHECK(texts_in(many, 0, many.size()).view_count == EXE_TEXTS_MAX);
  CHECK_FALSE(texts_in(many, 0, many.size()).more_places);
  for (const char *other : {"/proc/self/stat", "/proc/self/auxvec", "/proc/1/auxv", "auxv"}) {
    const std::string content = other + std::string(1, '\0');
    CAPTURE(other);
    CHECK(texts_in(content, 0, content.size()).view_count == 0);
  }
}

TEST_CASE("names of what sets limits are found wherever they stand") {
  const size_t chunk = 256 << 10;
  for (const size_t before : {size_t{0}, chunk - 12, chunk - 6, chunk - 4, chunk - 1, chunk}) {
    const std::string content = std::string(before, 'x') + "setrlimit64" + std::string(1000, 'y');
    CAPTURE(before);
    CHECK(texts_in(content, 0, content.size()).limits);
    CHECK_FALSE(texts_in(content, 0, before + 8).limits);
    CHECK_FALSE(texts_in(content, 0, content.size()).own_executable);
  }
  CHECK(texts_in("short", 0, 100).limits);
}

TEST_CASE("what cannot be read or is too large may hold it") {
  CHECK(is_in("short", 0, 100));
  CHECK(is_in("", 0, 17ull << 20));
}

TEST_CASE("strings") {
  const char *const own[] = {"a", "PATH=/proc/self/exe", nullptr}, *const other[] = {"exec", "/exec", "", nullptr};
  const char *const name[] = {"exe", nullptr};
  CHECK(exe_texts_are_in_strings(own));
  CHECK(exe_texts_are_in_strings(name));
  CHECK_FALSE(exe_texts_are_in_strings(other));
  const char *const view[] = {"/proc/self/cmdline", nullptr}, *const word[] = {"cmdline", nullptr};
  CHECK(exe_texts_are_in_strings(view));
  CHECK_FALSE(exe_texts_are_in_strings(word));
}

TEST_SUITE_END();
