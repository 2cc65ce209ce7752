#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "support/temporary_directory.h"

extern "C" {
#include "host/leading_arguments.h"
}

TEST_SUITE_BEGIN("leading_arguments");

namespace {

// What a launch in a directory has found.
struct Found {
  int directory;
  executable program{};
  file_identity identity{};
  std::vector<const char *> argv;

  Found(const std::string &in, const std::string &path, std::vector<const char *> arguments)
      : directory(open(in.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)), argv(std::move(arguments)) {
    struct stat status {};
    REQUIRE(fstat(directory, &status) == 0);
    identity = file_identity_of(&status);
    std::strcpy(program.path, path.c_str());
    program.argc = argv.size();
    argv.push_back(nullptr);
    program.argv = argv.data();
  }
  ~Found() { close(directory); }
  Found(const Found &) = delete;
  Found &operator=(const Found &) = delete;
};

struct Leading {
  leading_arguments leading{};
  file_list files{};

  explicit Leading(const Found &found) {
    REQUIRE(leading_arguments_note(&leading, &found.program, found.directory, &files) == 0);
  }
  ~Leading() {
    leading_arguments_release(&leading);
    file_list_release(&files);
  }
  Leading(const Leading &) = delete;
  Leading &operator=(const Leading &) = delete;
  bool fit(const Found &found) const { return leading_arguments_fit(&leading, &found.program, &found.identity); }
};

}  // namespace

TEST_CASE("further arguments fit; fewer, others and another path do not") {
  TemporaryDirectory here;
  const Leading leading(Found(here.path(), "/p", {"p", "-m", "tool"}));
  CHECK(leading.fit(Found(here.path(), "/p", {"p", "-m", "tool"})));
  CHECK(leading.fit(Found("/", "/p", {"p", "-m", "tool", "x"})));
  CHECK_FALSE(leading.fit(Found(here.path(), "/p", {"p", "-m"})));
  CHECK_FALSE(leading.fit(Found(here.path(), "/p", {"p", "-m", "other"})));
  CHECK_FALSE(leading.fit(Found(here.path(), "/p", {"q", "-m", "tool"})));
  CHECK_FALSE(leading.fit(Found(here.path(), "/q", {"p", "-m", "tool"})));
  CHECK(leading.files.count == 0);
}

TEST_CASE("a file that is named from the directory on is that directory's") {
  TemporaryDirectory here, there;
  here.file("script", "1");
  there.file("script", "1");
  const Leading leading(Found(here.path(), "/p", {"p", "script"}));
  CHECK(leading.fit(Found(here.path(), "/p", {"p", "script"})));
  CHECK_FALSE(leading.fit(Found(there.path(), "/p", {"p", "script"})));
  CHECK(leading.files.count == 1);
  CHECK(file_list_is_unchanged(&leading.files));
  here.file("script", "12");
  CHECK_FALSE(file_list_is_unchanged(&leading.files));
}

TEST_CASE("a file that is named by its whole path is the same everywhere, and a directory is no file") {
  TemporaryDirectory here;
  const std::string file = here.file("script", "1");
  const Leading leading(Found(here.path(), "/p", {"p", file.c_str(), "/", ""}));
  CHECK(leading.fit(Found("/", "/p", {"p", file.c_str(), "/", ""})));
  CHECK(leading.files.count == 1);
  const Leading directory(Found(here.path(), "/p", {"p", "."}));
  CHECK_FALSE(directory.fit(Found("/", "/p", {"p", "."})));
  CHECK(directory.files.count == 0);
}

TEST_SUITE_END();
