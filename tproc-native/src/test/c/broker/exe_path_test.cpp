#include <doctest/doctest.h>
#include <unistd.h>

#include <string>

extern "C" {
#include "broker/exe_path.h"
}

namespace {

const exe_path_owner owner{getpid(), getpid(), true};
const std::string number = std::to_string(getpid());

bool is_own(const std::string &path, const std::string &directory = "/home") {
  return exe_path_own_file(&owner, directory.c_str(), path.c_str()) == OWN_EXECUTABLE;
}

}  // namespace

TEST_SUITE_BEGIN("exe_path");

TEST_CASE("spellings of the own executable's path") {
  for (const std::string &path :
       {std::string("/proc/self/exe"), std::string("/proc/thread-self/exe"), "/proc/" + number + "/exe",
        std::string("//proc///self/./exe"), std::string("/proc/../proc/self/exe"), std::string("/../proc/self/exe"),
        "/proc/self/task/" + number + "/exe", "/proc/" + number + "/task/../task/" + number + "/exe",
        std::string("/proc/thread-self/../../exe"), std::string("/proc/self/fd/../exe"),
        std::string("/a/b/c/d/e/f/g/h/i/../../../../../../../../../proc/self/exe")}) {
    CAPTURE(path);
    CHECK(is_own(path));
  }
}

TEST_CASE("relative ones") {
  CHECK(is_own("exe", "/proc/" + number));
  CHECK(is_own("exe", "/proc/" + number + "/task/" + number));
  CHECK(is_own("self/exe", "/proc"));
  CHECK(is_own("../proc/self/exe", "/home"));
  CHECK(is_own("", "/proc/" + number + "/exe"));
  CHECK(exe_path_is_relative("exe"));
  CHECK(exe_path_is_relative(""));
  CHECK_FALSE(exe_path_is_relative("/proc/self/exe"));
  CHECK_FALSE(exe_path_is_relative("self/exec"));
}

TEST_CASE("the other files of its own") {
  const std::pair<const char *, own_file> files[] = {
      {"exe", OWN_EXECUTABLE}, {"cmdline", OWN_ARGUMENTS}, {"environ", OWN_ENVIRONMENT}, {"auxv", OWN_AUXV},
      {"stat", OWN_NONE},      {"cmdlin", OWN_NONE},       {"cmdline/", OWN_NONE},       {"maps", OWN_NONE}};
  for (const auto &each : files) {
    const char *const name = each.first;
    const own_file file = each.second;
    CAPTURE(name);
    for (const std::string &of : {std::string("/proc/self/"), "/proc/" + number + "/",
                                  std::string("/proc/thread-self/"), "//proc/self/task/" + number + "/"})
      CHECK(exe_path_own_file(&owner, "", (of + name).c_str()) == file);
    CHECK(exe_path_own_file(&owner, "", ("/proc/1/" + std::string(name)).c_str()) == OWN_NONE);
    CHECK(exe_path_own_file(&owner, "/proc/self", name) == file);
  }
  CHECK(exe_path_is_relative("self/cmdline"));
  CHECK_FALSE(exe_path_is_relative("self/stat"));
}

TEST_CASE("what is none") {
  for (const char *path :
       {"/proc/1/exe", "/proc/self/exec", "/proc/self/exe/", "/proc/self/exe/.", "/proc/self/task/exe", "/proc/exe",
        "/proc/self/cwd/../exe", "/proc/self/fd/0/../exe", "/proc/0/exe", "/proc/-1/exe", "/proc/selfish/exe",
        "/etc/self/exe", "exe", "", "/", "/exe", "/proc/task/self/exe"}) {
    CAPTURE(path);
    CHECK_FALSE(is_own(path));
  }
  CHECK_FALSE(is_own("/proc/self/" + std::string("root") + "/../exe"));
  CHECK_FALSE(is_own("/proc/" + number + "0000000000000/exe"));
  CHECK_FALSE(is_own("/proc/" + std::string(100, '1') + "/exe"));
  CHECK_FALSE(is_own("/proc/" + number + std::string(40, ' ') + "/exe"));
  CHECK_FALSE(is_own("exe", "/proc/1"));
}

TEST_CASE("a thread's number is that of its process, as long as there is one") {
  exe_path_owner child = owner;
  child.process = 1;
  CHECK(exe_path_own_file(&child, "", ("/proc/" + number + "/exe").c_str()) == OWN_EXECUTABLE);
  CHECK(exe_path_own_file(&child, "", "/proc/2/exe") == OWN_NONE);
}

TEST_SUITE_END();
