#include <doctest/doctest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" {
#include "host/inherited.h"
}

namespace {

inherited of_this_thread(int *mask) {
  inherited found{};
  REQUIRE(inherited_read(static_cast<pid_t>(syscall(SYS_gettid)), &found, mask));
  return found;
}

}  // namespace

TEST_SUITE_BEGIN("inherited");

TEST_CASE("what a process inherits is the same until something of it changes") {
  int mask = 0;
  const inherited before = of_this_thread(&mask);
  inherited after = of_this_thread(&mask);
  CHECK(inherited_equals(&before, &after));

  rlimit limit{};
  getrlimit(RLIMIT_CORE, &limit);
  const rlimit other{limit.rlim_cur == 0 ? limit.rlim_max : 0, limit.rlim_max};
  if (other.rlim_cur != limit.rlim_cur) {
    setrlimit(RLIMIT_CORE, &other);
    after = of_this_thread(&mask);
    setrlimit(RLIMIT_CORE, &limit);
    CHECK_FALSE(inherited_equals(&before, &after));
  }

  cpu_set_t all, one;
  sched_getaffinity(0, sizeof all, &all);
  if (CPU_COUNT(&all) > 1) {
    CPU_ZERO(&one);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &all)) cpu++;
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    after = of_this_thread(&mask);
    sched_setaffinity(0, sizeof all, &all);
    CHECK_FALSE(inherited_equals(&before, &after));
  }
}

TEST_CASE("the umask is told, and is no part of what is compared") {
  int mask = 0;
  const mode_t before = umask(0123);
  const inherited one = of_this_thread(&mask);
  CHECK(mask == 0123);
  umask(before);
  const inherited other = of_this_thread(&mask);
  CHECK(mask == static_cast<int>(before));
  CHECK(inherited_equals(&one, &other));
}

TEST_CASE("of a thread that is not there nothing can be read") {
  inherited found{};
  int mask = 0;
  CHECK_FALSE(inherited_read(0x7ffffff0, &found, &mask));
}

TEST_SUITE_END();
