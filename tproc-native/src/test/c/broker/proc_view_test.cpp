#include <doctest/doctest.h>
#include <fcntl.h>

#include <string>

#include "support/hosting.h"

extern "C" {
#include "broker/proc_view.h"
}

TEST_SUITE_BEGIN("proc_view");

TEST_CASE("/proc/self/cmdline, environ and auxv, and PR_GET_AUXV, are the program's own") {
  Host host;
  Launch launch(test_program("views"), {"one", "", "three words here"});
  launch.environment = {"A=1", "EMPTY=", "LONG=" + std::string(10000, 'x')};
  CHECK(host.output_of(launch) == "done\n");
  launch.environment = {};
  CHECK(host.output_of(launch) == "done\n");
}

TEST_CASE("likewise of a program with many constants that are paths of its executable") {
  Host host;
  CHECK(host.output_of(Launch(test_program("dynamic_views"), {"one"})) == "done\n");
}

TEST_CASE("many arguments") {
  Host host;
  Launch launch(test_program("views"), std::vector<std::string>(500, std::string(100, 'a')));
  launch.environment = {}; /* a title that long is cut, natively as well */
  CHECK(host.output_of(launch) == "done\n");
}

TEST_CASE("opening one for anything but reading is the kernel's to answer") {
  for (const int flags : {O_RDONLY, O_RDONLY | O_CLOEXEC, O_RDONLY | O_NOFOLLOW, O_RDONLY | O_NONBLOCK | O_LARGEFILE})
    CHECK(proc_view_is_read(flags));
  for (const int flags : {O_WRONLY, O_RDWR, O_PATH, O_RDONLY | O_DIRECTORY, O_RDONLY | O_TRUNC, O_CREAT, O_TMPFILE})
    CHECK_FALSE(proc_view_is_read(flags));
}

TEST_SUITE_END();
