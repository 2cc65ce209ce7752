// RLIMIT_AS and RLIMIT_DATA of one program, though all share an address space.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "support/hosting.h"

TEST_SUITE_BEGIN("limits");

namespace {

constexpr int kAsWanted = 7;

int run_natively(const std::string &program) {
  const pid_t child = fork();
  if (child == 0) {
    execl(program.c_str(), program.c_str(), static_cast<char *>(nullptr));
    _exit(127);
  }
  int status = -1;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a program limits its own memory, and that of what it forks and execs, as a process does") {
  CHECK(run_natively(test_program("limits")) == kAsWanted);
  Host host;
  CHECK(host.run(Launch(test_program("limits"))) == kAsWanted);
}

TEST_CASE("limits go with a program that execs another in its place") {
  Host host;
  CHECK(host.run(Launch(test_program("limits"), {"exec"})) == kAsWanted);
}

TEST_CASE("limits of a launch are the program's, and nobody else's") {
  Host host;
  Launch launch = with_limits(Launch(test_program("reserve")));
  rlimit before{}, after{};
  getrlimit(RLIMIT_AS, &before);
  CHECK(host.run(launch) == 3); /* it has its GiB, somewhere */
  launch.limits[RLIMIT_AS] = {1ull << 30, 1ull << 30};
  CHECK(host.run(launch) == 1);
  getrlimit(RLIMIT_AS, &after);
  CHECK(before.rlim_cur == after.rlim_cur);
}

TEST_SUITE_END();
