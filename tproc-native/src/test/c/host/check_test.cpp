#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <set>
#include <string>

#include "support/hosting.h"
#include "support/own_process.h"
#include "support/resources.h"
#include "support/system_call_filter.h"

namespace {

std::map<std::string, tproc_finding> findings() {
  tproc_finding entries[TPROC_FINDINGS_MAX];
  const size_t count = tproc_check(entries, TPROC_FINDINGS_MAX);
  std::map<std::string, tproc_finding> by_name;
  for (size_t i = 0; i < count; i++) by_name[entries[i].name] = entries[i];
  return by_name;
}

/* In a process where `calls` are forbidden: the finding's verdict and value, and whether a host opens. */
void expect_finding(const std::vector<Forbidden> &calls, const char *name, tproc_verdict verdict, const char *value) {
  CAPTURE(name);
  in_own_process([&] {
    forbid(calls);
    const std::map<std::string, tproc_finding> found = findings();
    EXPECT_EQUAL(found.count(name), 1u);
    EXPECT_EQUAL(static_cast<int>(found.at(name).verdict), static_cast<int>(verdict));
    EXPECT_EQUAL(std::string(found.at(name).value), value);
    EXPECT(found.at(name).advice[0] != '\0');
    tproc_host *host = nullptr;
    tproc_error error{};
    const int opened = tproc_host_open(&host, &error);
    if (verdict == TPROC_MISSING) {
      EXPECT_EQUAL(opened, -ENOSYS);
      EXPECT_EQUAL(std::string(error.message), std::string("cannot open a host: ") + name + ": " + value + "; " +
                                                   found.at(name).advice + " (ENOSYS)");
    } else {
      EXPECT_EQUAL(std::string(error.message), "");
      EXPECT_EQUAL(opened, 0);
      if (opened == 0) tproc_host_close(host);
      Host other;
      EXPECT_EQUAL(other.run(Launch(test_program("end"), {"exit", "8"})), 8);
    }
  });
}

}  // namespace

TEST_SUITE_BEGIN("check");

TEST_CASE("this machine can host, and every finding is complete") {
  const std::map<std::string, tproc_finding> found = findings();
  for (const char *name :
       {"kernel", "proc", "clone", "clone3", "waitid-pidfd", "pidfd", "pidfd-getfd", "close-range", "seccomp-listener",
        "kcmp", "max-map-count", "overcommit", "page-size", "address-bits", "yama", "asan-shadow", "launch"})
    CHECK_MESSAGE(found.count(name) == 1, name);
  for (const auto &each : found) {
    CAPTURE(each.first);
    CHECK(each.second.verdict != TPROC_MISSING);
    CHECK(each.second.value[0] != '\0');
    CHECK((each.second.advice[0] == '\0') == (each.second.verdict == TPROC_OK));
    for (char c : each.first) CHECK((std::islower(c) || std::isdigit(c) || c == '-'));
  }
  CHECK(std::string(found.at("page-size").value) == std::to_string(sysconf(_SC_PAGESIZE)));
}

TEST_CASE("no more is written than there is room for") {
  tproc_finding all[TPROC_FINDINGS_MAX];
  const size_t count = tproc_check(all, TPROC_FINDINGS_MAX);
  CHECK(count < TPROC_FINDINGS_MAX);
  for (size_t capacity = 0; capacity <= count; capacity++) {
    tproc_finding some[TPROC_FINDINGS_MAX];
    std::memset(some, 0x5a, sizeof some);
    CHECK(tproc_check(some, capacity) == capacity);
    const unsigned char *beyond = reinterpret_cast<const unsigned char *>(some + capacity);
    for (size_t i = 0; i < sizeof(tproc_finding); i++) REQUIRE(beyond[i] == 0x5a);
    for (size_t i = 0; i < capacity; i++) CHECK(std::string(some[i].name) == all[i].name);
  }
}

TEST_CASE("probing leaves nothing, and the signal mask as it was") {
  sigset_t before, after;
  sigemptyset(&before);
  sigaddset(&before, SIGUSR2);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  CHECK(leaks_of([] { findings(); }) == "");
  sigprocmask(SIG_SETMASK, nullptr, &after);
  for (int signal = 1; signal < 32; signal++) CHECK(sigismember(&after, signal) == (signal == SIGUSR2));
  sigemptyset(&before);
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

#if defined(__x86_64__)
TEST_CASE("whose AddressSanitizer's range is, is said") {
  in_own_process([] {
    if (under_address_sanitizer()) return; /* it has it */
    EXPECT_EQUAL(std::string(findings().at("asan-shadow").value), "free");
    const auto at = uint64_t{1} << 36;
    void *heap = mmap(reinterpret_cast<void *>(at), 1 << 20, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    EXPECT(heap == reinterpret_cast<void *>(at));
    EXPECT_EQUAL(std::string(findings().at("asan-shadow").value), "taken by 0x1000000000-0x1000100000 ");
  });
}
#endif

TEST_CASE("what only makes hosting worse is said and done without") {
  expect_finding({{SYS_clone3, ENOSYS}}, "clone3", TPROC_LIMITED, "ENOSYS");
  expect_finding({{SYS_pidfd_getfd, EPERM}}, "pidfd-getfd", TPROC_LIMITED, "EPERM");
  expect_finding({{SYS_kcmp, EPERM}}, "kcmp", TPROC_LIMITED, "EPERM");
  expect_finding({{SYS_kcmp, EPERM}, {SYS_pidfd_getfd, EPERM}, {SYS_clone3, ENOSYS}}, "kcmp", TPROC_LIMITED, "EPERM");
}

TEST_CASE("what a container's default profile forbids is not needed") {
  in_own_process([] {
    forbid(
        {{SYS_clone3, ENOSYS}, {SYS_unshare, EPERM}, {SYS_kcmp, EPERM}, {SYS_pidfd_getfd, EPERM}, {SYS_mbind, EPERM}});
    const std::map<std::string, tproc_finding> found = findings();
    for (const auto &each : found)
      if (each.second.verdict == TPROC_MISSING) EXPECT_EQUAL(each.first, "");
    Host host;
    EXPECT_EQUAL(host.run(Launch(test_program("end"), {"exit", "8"})), 8);
    EXPECT_EQUAL(host.output_of(Launch(test_program("dynamic_say"), {"mapped"})).empty(), false);
  });
}

TEST_CASE("where the host's threads cannot wait for events the check says so, and ends") {
  in_own_process([] {
#ifdef SYS_epoll_wait
    forbid({{SYS_epoll_wait, EPERM}});
#else
    forbid({{SYS_epoll_pwait, EPERM}});
#endif
    const tproc_finding launch = findings().at("launch");
    EXPECT_EQUAL(static_cast<int>(launch.verdict), static_cast<int>(TPROC_MISSING));
    EXPECT_EQUAL(std::string(launch.value), "EPERM");
  });
}

TEST_CASE("a kernel with an older number is tried, and taken when it contains crashes") {
  in_own_process([] {
    EXPECT(personality(UNAME26) >= 0); /* the kernel calls itself 2.6 from here on */
    const tproc_finding kernel = findings().at("kernel");
    EXPECT_EQUAL(std::string(kernel.value).rfind("2.6.", 0), 0u);
    EXPECT_EQUAL(static_cast<int>(kernel.verdict), static_cast<int>(TPROC_OK));
    Host host;
    EXPECT_EQUAL(host.run(Launch(test_program("end"), {"exit", "8"})), 8);
  });
}

TEST_CASE("a kernel with an older number that cannot be tried is refused") {
  in_own_process([] {
    EXPECT(personality(UNAME26) >= 0);
    forbid({{SYS_clone, EPERM, CLONE_THREAD}}); /* as fork() has it */
    const tproc_finding kernel = findings().at("kernel");
    EXPECT_EQUAL(static_cast<int>(kernel.verdict), static_cast<int>(TPROC_MISSING));
    EXPECT(std::string(kernel.advice).find("Linux 5.16 or later is needed") != std::string::npos);
  });
}

TEST_CASE("a launch tells what no probe asks for") {
  expect_finding({{SYS_execve, EPERM}}, "launch", TPROC_LIMITED, "no exec");
  expect_finding({{SYS_wait4, EPERM}}, "launch", TPROC_LIMITED, "no exec");
  in_own_process([] {
    forbid({{SYS_fchdir, EPERM}});
    const tproc_finding found = findings().at("launch");
    EXPECT_EQUAL(static_cast<int>(found.verdict), static_cast<int>(TPROC_MISSING));
    EXPECT_EQUAL(std::string(found.value), "EPERM");
    EXPECT(std::string(found.advice).find("change to the working directory (fchdir)") != std::string::npos);
  });
}

TEST_CASE("where there is a listener already, hosts are refused when they are opened") {
  in_own_process([] {
    EXPECT_EQUAL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const sock_fprog program{1, &allow};
    EXPECT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program) >= 0);
    EXPECT_EQUAL(std::string(findings().at("seccomp-listener").value), "EBUSY");
    tproc_host *host = nullptr;
    tproc_error error{};
    const Resources before = Resources::now();
    EXPECT_EQUAL(tproc_host_open(&host, &error), -ENOSYS);
    EXPECT(std::string(error.message).find("seccomp-listener: EBUSY; there can be only one") != std::string::npos);
    EXPECT_EQUAL(left_behind(before), "");
  });
}

TEST_CASE("a sandbox that says a call is done, and does not do it, is found out") {
  for (const unsigned long unless_first : {0ul, 1ul << 31})
    expect_finding({{SYS_close_range, 0, unless_first}}, "close-range", TPROC_MISSING, "of no effect");
  expect_finding({{SYS_seccomp, 0}}, "seccomp-listener", TPROC_MISSING, "of no effect");
  expect_finding({{SYS_waitid, 0}}, "waitid-pidfd", TPROC_MISSING, "of no effect");
  expect_finding({{SYS_pidfd_send_signal, 0}}, "pidfd", TPROC_MISSING, "of no effect");
}

TEST_CASE("what hosting cannot do without is refused by its name") {
  expect_finding({{SYS_pidfd_open, EPERM}}, "pidfd", TPROC_MISSING, "EPERM");
  expect_finding({{SYS_pidfd_send_signal, ENOSYS}}, "pidfd", TPROC_MISSING, "ENOSYS");
  expect_finding({{SYS_close_range, ENOSYS}}, "close-range", TPROC_MISSING, "ENOSYS");
  expect_finding({{SYS_seccomp, EPERM}}, "seccomp-listener", TPROC_MISSING, "EPERM");
  expect_finding({{SYS_waitid, EPERM}}, "waitid-pidfd", TPROC_MISSING, "EPERM");
  expect_finding({{SYS_clone3, ENOSYS}, {SYS_clone, EPERM, CLONE_THREAD}}, "clone", TPROC_MISSING, "EPERM");
}

TEST_SUITE_END();
