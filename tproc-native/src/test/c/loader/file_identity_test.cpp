#include <doctest/doctest.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <string>

#include "support/patience.h"
#include "support/temporary_directory.h"

extern "C" {
#include "loader/file_identity.h"
}

namespace {

struct List {
  file_list list{};
  ~List() { file_list_release(&list); }
};

int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return int64_t{time.tv_sec} * 1000000000 + time.tv_nsec;
}

}  // namespace

TEST_SUITE_BEGIN("file_identity");

TEST_CASE("files are the same until one is written, replaced, removed, or comes to be") {
  TemporaryDirectory directory;
  const std::string kept = directory.file("kept", "1"), missing = directory / "missing";
  for (int change = 0; change < 4; change++) {
    CAPTURE(change);
    const std::string path = directory.file("changed", "old");
    List files;
    for (const std::string &each : {kept, path, missing}) REQUIRE(file_list_add(&files.list, each.c_str()) == 0);
    CHECK(file_list_is_unchanged(&files.list));
    switch (change) {
      case 0:
        directory.file("changed", "longer");
        break;
      case 1:
        std::filesystem::rename(directory.file("other", "new"), path);
        break;
      case 2:
        std::filesystem::remove(path);
        break;
      default:
        directory.file("missing", "");
        break;
    }
    CHECK_FALSE(file_list_is_unchanged(&files.list));
    std::filesystem::remove(missing);
  }
}

TEST_CASE("a file that has changed just now is not old enough to be told from a later change") {
  TemporaryDirectory directory;
  List files;
  REQUIRE(file_list_add(&files.list, directory.file("new", "1").c_str()) == 0);
  CHECK_FALSE(file_list_is_older(&files.list, now()));
  CHECK(eventually([&] { return file_list_is_older(&files.list, now()); }));
  REQUIRE(file_list_add(&files.list, (directory / "missing").c_str()) == 0);
  CHECK(file_list_is_older(&files.list, now()));
}

TEST_CASE("more files than there is room for at first; a path that cannot be looked at") {
  List files;
  for (int i = 0; i < 100; i++) REQUIRE(file_list_add(&files.list, "/") == 0);
  CHECK(files.list.count == 100);
  CHECK(file_list_is_unchanged(&files.list));
  CHECK(file_list_add(&files.list, std::string(5000, 'x').c_str()) == -ENAMETOOLONG);
  CHECK(files.list.count == 100);
}

TEST_SUITE_END();
