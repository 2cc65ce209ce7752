#include <doctest/doctest.h>

#include <string>
#include <vector>

extern "C" {
#include "host/launch_copy.h"
}

namespace {

struct Original {
  std::vector<const char *> environment{"A=1", "B=2", nullptr};
  std::vector<tproc_limit> limits{TPROC_LIMIT_COUNT};
  tproc_launch launch{};

  Original() {
    launch.program = "program";
    launch.search_path = "/a:/b";
    launch.envp = environment.data();
    launch.limits = limits.data();
  }
};

struct Copy {
  launch_copy copy{};

  explicit Copy(const Original &original) { REQUIRE(launch_copy_make(&copy, &original.launch, false, nullptr) == 0); }
  ~Copy() { launch_copy_release(&copy); }
  Copy(const Copy &) = delete;
  Copy &operator=(const Copy &) = delete;
};

bool same(const Original &one, const Original &other) {
  const Copy first(one), second(other);
  return launch_copy_equals(&first.copy, &second.copy);
}

}  // namespace

TEST_SUITE_BEGIN("launch_copy");

TEST_CASE("a copy has texts of its own, and no descriptors") {
  std::string program = "program";
  Original original;
  original.launch.program = program.c_str();
  original.launch.stdio[1] = 1;
  original.launch.umask = 0077;
  const Copy copy(original);
  program[0] = 'P';
  const tproc_launch &launch = copy.copy.launch;
  CHECK(std::string(launch.program) == "program");
  CHECK(std::string(launch.argv[0]) == "program");
  CHECK(launch.argv[1] == nullptr);
  CHECK(std::string(launch.envp[1]) == "B=2");
  CHECK(launch.envp[2] == nullptr);
  CHECK(launch.directory == nullptr);
  for (const int descriptor : launch.stdio) CHECK(descriptor == TPROC_FD_CLOSED);
  CHECK(launch.umask == TPROC_UMASK_INHERIT);
}

TEST_CASE("what bears on the program is compared, and nothing else") {
  const Original one;
  CHECK(same(one, Original()));
  Original other;
  other.launch.program = "other";
  CHECK_FALSE(same(one, other));
  other = Original();
  other.launch.search_path = nullptr;
  CHECK_FALSE(same(one, other));
  other = Original();
  other.launch.directory = "/";
  CHECK_FALSE(same(one, other));
  other = Original();
  other.launch.flags = TPROC_LAUNCH_STAY;
  CHECK_FALSE(same(one, other));
  other = Original();
  other.launch.flags = TPROC_LAUNCH_SPILL | TPROC_LAUNCH_SESSION | TPROC_LAUNCH_CRASH_REPORT;
  other.launch.nice = 5;
  CHECK(same(one, other));
}

TEST_CASE("environments of different length, and limits, are compared") {
  const Original one;
  Original other;
  std::vector<const char *> shorter{"A=1", nullptr}, longer{"A=1", "B=2", "C=3", nullptr};
  for (const auto *environment : {&shorter, &longer}) {
    other.launch.envp = environment->data();
    CHECK_FALSE(same(one, other));
    CHECK_FALSE(same(other, one));
  }
  Original limited;
  limited.launch.flags = TPROC_LAUNCH_LIMITS;
  Original less = limited;
  less.limits[0].soft = 5;
  less.launch.limits = less.limits.data();
  CHECK_FALSE(same(limited, less));
}

TEST_CASE("with its arguments a copy has texts of its own of them, too, and they are compared") {
  std::string word = "word";
  std::vector<const char *> argv{"name", word.c_str(), nullptr};
  Original original;
  original.launch.argv = argv.data();
  launch_copy one{}, other{};
  REQUIRE(launch_copy_make(&one, &original.launch, true, nullptr) == 0);
  word[0] = 'W';
  CHECK(std::string(one.launch.argv[0]) == "name");
  CHECK(std::string(one.launch.argv[1]) == "word");
  CHECK(one.launch.argv[2] == nullptr);
  REQUIRE(launch_copy_make(&other, &original.launch, true, nullptr) == 0);
  CHECK_FALSE(launch_copy_equals(&one, &other));
  launch_copy_release(&other);
  word[0] = 'w';
  REQUIRE(launch_copy_make(&other, &original.launch, true, nullptr) == 0);
  CHECK(launch_copy_equals(&one, &other));
  launch_copy_release(&other);
  launch_copy_release(&one);
}

TEST_SUITE_END();
