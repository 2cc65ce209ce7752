#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/hosting.h"
#include "support/own_process.h"

namespace {

uint64_t inode_of(int descriptor) {
  struct stat status {};
  fstat(descriptor, &status);
  return status.st_ino;
}

/* A file of its own at exactly this number. */
int open_numbered(int number) {
  const int file = memfd_create("numbered", MFD_CLOEXEC);
  if (file != number) {
    dup3(file, number, O_CLOEXEC);
    close(file);
  }
  return number;
}

/* Whether exactly what was wanted is open, and would survive an exec. */
void expect_descriptors(const state_report &report, const Launch &launch, const std::string &which) {
  std::map<int, int> wanted;
  for (int i = 0; i < 3; i++)
    if (launch.stdio[i] != TPROC_FD_CLOSED) wanted[i] = launch.stdio[i];
  for (const tproc_descriptor &each : launch.descriptors) wanted[each.number] = each.source;
  if (report.open_descriptors != static_cast<int>(wanted.size()))
    complain(
        __FILE__, __LINE__,
        which + ": " + std::to_string(report.open_descriptors) + " are open, not " + std::to_string(wanted.size()));
  for (int i = 0; i < std::min<int>(report.open_descriptors, DESCRIPTORS_REPORTED); i++) {
    const descriptor_report &found = report.descriptors[i];
    const std::string at = which + ": " + std::to_string(found.number);
    if (wanted.count(found.number) == 0)
      complain(__FILE__, __LINE__, at + " is open");
    else if (found.inode != inode_of(wanted[found.number]))
      complain(__FILE__, __LINE__, at + " is another file than " + std::to_string(wanted[found.number]));
    if (found.flags != 0) complain(__FILE__, __LINE__, at + " would be closed by an exec");
  }
}

void try_descriptors(Host &host, const Launch &launch, const std::string &which) {
  expect_descriptors(*state_of(host, launch), launch, which);
}

void try_all(Host &host, const std::vector<int> &sources) {
  for (int in : sources)
    for (int out : sources)
      for (int error : sources) {
        Launch launch(test_program("state"));
        launch.stdio[0] = in;
        launch.stdio[1] = out;
        launch.stdio[2] = error;
        try_descriptors(host, launch, std::to_string(in) + "," + std::to_string(out) + "," + std::to_string(error));
      }
}

}  // namespace

TEST_SUITE_BEGIN("child_descriptors");

TEST_CASE("every permutation of descriptors, closed ones and duplicates") {
  in_own_process([] {
    for (int i = 0; i < 3; i++) open_numbered(i);
    open_numbered(40);
    Host host;
    try_all(host, {TPROC_FD_CLOSED, 0, 1, 2, 40});
  });
}

TEST_CASE("a host without stdin, stdout and stderr of its own") {
  in_own_process([] {
    for (int i = 0; i < 3; i++) close(i);
    Host host; /* whose own descriptors now have the numbers 0-2 */
    for (int number : {50, 51, 52}) open_numbered(number);
    try_all(host, {TPROC_FD_CLOSED, 50, 51, 52});
  });
}

TEST_CASE("the host's descriptors are not disturbed") {
  Host host;
  const int file = memfd_create("mine", 0);
  Launch launch(test_program("state"));
  for (int &each : launch.stdio) each = file;
  const auto report = state_of(host, launch);
  REQUIRE(report->open_descriptors == 3);
  for (int i = 0; i < 3; i++) CHECK(report->descriptors[i].inode == inode_of(file));
  CHECK(fcntl(file, F_GETFD) == 0);
  for (int i = 0; i < 3; i++) CHECK(fcntl(i, F_GETFD) >= 0);
  close(file);
}

TEST_CASE("a table of descriptors that is full") {
  in_own_process([] {
    Host host;
    std::vector<int> files;
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 64;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int file; (file = memfd_create("filler", 0)) >= 0;) files.push_back(file);
    EXPECT_EQUAL(errno, EMFILE);
    EXPECT_EQUAL(files.back(), 63);
    Launch launch(test_program("state"));
    launch.stdio[0] = 63;
    launch.stdio[1] = 62;
    launch.stdio[2] = 63;
    bool started = false;
    for (size_t next_to_close = 0; !started && next_to_close < 12; next_to_close++) {
      auto report = std::make_unique<state_report>();
      launch.arguments = {address_of(report.get())};
      const Launched launched = host.launch(launch);
      started = launched.result == 0;
      if (started) {
        host.await(launched.threadproc);
        EXPECT_EQUAL(report->done, 1u);
        expect_descriptors(*report, launch, "full table");
      } else {
        EXPECT_EQUAL(launched.result, -EMFILE);
        EXPECT(launched.message().find("(EMFILE)") != std::string::npos);
        close(files[next_to_close]);
      }
    }
    EXPECT(started);
  });
}

TEST_CASE("descriptors that are not open are refused by name") {
  Host host;
  Launch launch(test_program("end"), {"exit", "0"});
  launch.stdio[1] = 12345;
  const Launched launched = host.launch(launch);
  CHECK(launched.result == -EBADF);
  CHECK(launched.message() ==
        "cannot host " + test_program("end") + ": stdout: descriptor 12345: Bad file descriptor (EBADF)");
  launch.stdio[1] = -2;
  CHECK(host.launch(launch).result == -EBADF);
}

TEST_CASE("descriptors at random numbers, from random sources, among the host's own") {
  in_own_process([] {
    std::mt19937 random(20240502);
    Host host; /* whose own descriptors stand at some of the numbers that are wanted */
    std::vector<int> sources;
    for (int number : {0, 1, 2}) sources.push_back(open_numbered(number));
    for (int number = 30; number < 50; number++) sources.push_back(open_numbered(number));
    std::vector<int> numbers;
    for (int number = 3; number < 60; number++) numbers.push_back(number);
    for (int round = 0; round < 60; round++) {
      Launch launch = Launch(test_program("state"));
      std::shuffle(numbers.begin(), numbers.end(), random);
      for (int &each : launch.stdio) each = random() % 4 == 0 ? TPROC_FD_CLOSED : sources[random() % sources.size()];
      for (size_t i = random() % numbers.size(); i > 0; i--)
        launch.descriptors.push_back({numbers[i], sources[random() % sources.size()]});
      std::string which = std::to_string(round) + ":";
      for (const tproc_descriptor &each : launch.descriptors)
        which += " " + std::to_string(each.number) + "<-" + std::to_string(each.source);
      try_descriptors(host, launch, which);
    }
  });
}

TEST_CASE("descriptors that are exchanged with stdio, and turned round") {
  in_own_process([] {
    for (int number : {0, 1, 2, 40, 41, 42}) open_numbered(number);
    Host host;
    Launch launch = Launch(test_program("state"));
    launch.stdio[0] = 40;
    launch.stdio[1] = 41;
    launch.stdio[2] = 42;
    launch.descriptors = {{40, 0}, {41, 1}, {42, 2}};
    try_descriptors(host, launch, "exchanged");
    launch.descriptors = {{40, 41}, {41, 42}, {42, 40}, {43, 40}, {44, 0}};
    try_descriptors(host, launch, "turned round");
    launch.descriptors = {{40, 40}, {3, 40}};
    try_descriptors(host, launch, "kept");
  });
}

TEST_CASE("the highest number, above the soft limit, which stays what it was") {
  in_own_process([] {
    set_own_limit(RLIMIT_NOFILE, 64, 4096);
    Host host;
    Launch launch = Launch(test_program("state"));
    launch.descriptors = {{4095, open_numbered(50)}, {64, 50}};
    const auto report = state_of(host, launch);
    expect_descriptors(*report, launch, "above");
    EXPECT_EQUAL(report->soft_limits[RLIMIT_NOFILE], 64u);
    EXPECT_EQUAL(report->hard_limits[RLIMIT_NOFILE], 4096u);
    EXPECT_EQUAL(own_limits()[RLIMIT_NOFILE].soft, 64u);
    launch.descriptors = {{4096, 50}};
    const Launched launched = host.launch(launch);
    EXPECT_EQUAL(launched.result, -EBADF);
    EXPECT_EQUAL(launched.message(),
                 start_of(launch) + "descriptor number 4096: the host's hard limit on open files is 4096 (EBADF)");
  });
}

TEST_CASE("a limit on open files below the descriptors that are passed on") {
  in_own_process([] {
    Host host;
    Launch launch = with_limits(Launch(test_program("state")));
    for (int number = 3; number < 200; number++) launch.descriptors.push_back({number, open_numbered(250 + number)});
    launch.limits[RLIMIT_NOFILE] = {5, 5};
    const auto report = state_of(host, launch);
    expect_descriptors(*report, launch, "limit of 5");
    EXPECT_EQUAL(report->soft_limits[RLIMIT_NOFILE], 5u);
    EXPECT_EQUAL(report->hard_limits[RLIMIT_NOFILE], 5u);
  });
}

TEST_CASE("a table that is full to its hard limit, turned round") {
  in_own_process([] {
    Host host;
    set_own_limit(RLIMIT_NOFILE, 64, 64);
    std::vector<int> files;
    for (int file; (file = memfd_create("filler", MFD_CLOEXEC)) >= 0;) files.push_back(file);
    EXPECT_EQUAL(errno, EMFILE);
    Launch launch = Launch(test_program("state"));
    bool started = false;
    std::string message;
    while (!started && files.size() > 40) {
      close(files.back()); /* a launch itself takes a few */
      files.pop_back();
      launch.descriptors.clear();
      for (int i = 0; i < 3; i++) launch.stdio[i] = files[static_cast<size_t>(i)];
      for (int number = 3; number < 40; number++) { /* beside which the host has its own */
        const auto at = std::find(files.begin(), files.end(), number);
        const size_t next = at == files.end() ? 0 : static_cast<size_t>(at - files.begin() + 1) % files.size();
        launch.descriptors.push_back({number, files[next]});
      }
      auto report = std::make_unique<state_report>();
      launch.arguments = {address_of(report.get())};
      const Launched launched = host.launch(launch);
      message = launched.message();
      started = launched.result == 0;
      if (!started) {
        EXPECT_EQUAL(launched.result, -EMFILE);
        continue;
      }
      host.await(launched.threadproc);
      EXPECT_EQUAL(report->done, 1u);
      expect_descriptors(*report, launch, "full table");
    }
    EXPECT(started);
    EXPECT(files.size() > 40);
  });
}

TEST_CASE("as many descriptors as can be given, and one more") {
  in_own_process([] {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < TPROC_DESCRIPTORS_MAX + 100) {
      std::puts("not tested: the hard limit on open files is too low");
      return;
    }
    set_own_limit(RLIMIT_NOFILE, limit.rlim_max, limit.rlim_max);
    Host host;
    Launch launch = Launch(test_program("state"));
    constexpr int kFirst = 3, kLast = kFirst + TPROC_DESCRIPTORS_MAX - 1;
    for (int number = 100; number <= kLast; number++) open_numbered(number);
    for (int number = kFirst; number <= kLast; number++)
      launch.descriptors.push_back({number, std::max(100, kFirst + kLast - number)});
    try_descriptors(host, launch, "reversed");
    launch.descriptors.push_back({kLast + 1, 100});
    const Launched launched = host.launch(launch);
    EXPECT_EQUAL(launched.result, -EINVAL);
    EXPECT_EQUAL(launched.message(), start_of(launch) + "1025 descriptors, 1024 are the most (EINVAL)");
  });
}

TEST_CASE("descriptors that cannot be given are refused by number") {
  Host host;
  Launch launch = quick_end();
  launch.descriptors = {{7, 12345}};
  refused(host, launch, EBADF, "descriptor number 7: descriptor 12345: Bad file descriptor (EBADF)");
  launch.descriptors = {{7, -1}};
  refused(host, launch, EBADF, "descriptor number 7: descriptor -1: Bad file descriptor (EBADF)");
  for (int number : {2, 0, -1}) {
    launch.descriptors = {{number, 0}};
    refused(host, launch, EBADF,
            "descriptor number " + std::to_string(number) + ": those beyond stdio begin at 3 (EBADF)");
  }
  launch.descriptors = {{7, 0}, {8, 0}, {7, 1}};
  refused(host, launch, EINVAL, "descriptor 7 is wanted twice (EINVAL)");
}

TEST_SUITE_END();
