#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "support/memory_file.h"
#include "support/patience.h"

extern "C" {
#include "loader/exe_texts_cache.h"
}

namespace {

/* A file of one segment, and a descriptor of it that cannot be read: what is found by it was known before. */
class Program {
 public:
  explicit Program(const std::string &content) : file_(content) {
    segment_.file_size = segment_.memory_size = content.size();
    elf_.segments = &segment_;
    elf_.segment_count = 1;
    const std::string path = "/proc/self/fd/" + std::to_string(file_.descriptor());
    unreadable_ = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  }
  Program(const Program &) = delete;
  ~Program() { close(unreadable_); }

  exe_texts find() { return exe_texts_cache_find(file_.descriptor(), &elf_); }

  bool is_known() { return !exe_texts_cache_find(unreadable_, &elf_).more_places; }

  void write(const std::string &content) const {
    CHECK(pwrite(file_.descriptor(), content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
  }

 private:
  MemoryFile file_;
  int unreadable_;
  elf_segment segment_{};
  elf_file elf_{};
};

}  // namespace

TEST_SUITE_BEGIN("exe_texts_cache");

TEST_CASE("what was found in a file is known until the file changes") {
  const std::string without(1000, 'x'), with = "/proc/self/exe" + std::string(1, '\0') + std::string(985, 'x');
  Program program(without);
  CHECK_FALSE(program.is_known());
  /* A file that has just changed is looked through each time: it may change again at the same time. */
  CHECK(eventually([&] { return !program.find().own_executable && program.is_known(); }));
  program.write(with);
  CHECK_FALSE(program.is_known());
  CHECK(program.find().own_executable);
  CHECK(eventually([&] { return program.find().place_count == 1 && program.is_known(); }));
}

TEST_CASE("files that have the same size are told apart, and many are known") {
  const std::string with = "/proc/self/exe" + std::string(1, '\0');
  Program one(with), other(std::string(with.size(), 'x'));
  CHECK(eventually([&] { return one.find().own_executable && one.is_known(); }));
  CHECK(eventually([&] { return !other.find().own_executable && other.is_known(); }));
  CHECK(one.find().own_executable);
  CHECK(one.is_known());
}

TEST_CASE("what cannot be read is not known") {
  Program program(std::string(10, 'x'));
  CHECK_FALSE(program.is_known());
  CHECK_FALSE(program.is_known());
  CHECK_FALSE(program.find().own_executable);
}

TEST_SUITE_END();
