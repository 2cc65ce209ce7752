#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "support/hosting.h"
#include "support/own_process.h"
#include "support/resources.h"
#include "support/system_call_filter.h"

extern "C" {
#include "broker/broker_call.h"
#include "broker/target.h"
}

namespace {

// Everything that has to know who asks: threads, forked and vforked children, descriptors.
void use(Host &host, const std::vector<const char *> &modes) {
  for (const char *mode : modes)
    EXPECT_EQUAL(mode + (": " + host.output_of(Launch(test_program("calls"), {mode}))), mode + std::string(": done\n"));
}

void use_all(Host &host) { use(host, {"flags", "thread", "fork", "break", "execute", "executable"}); }

void without(const std::vector<Forbidden> &calls) {
  in_own_process([&calls] {
    forbid(calls);
    Host host;
    host.output_of(Launch(test_program("calls"), {"controls"}));
    const Resources before = Resources::settled();
    use_all(host);
    const Launch becoming(test_program("fixed_calls"), {"become"});
    EXPECT_EQUAL(host.output_of(becoming), "done\n");
    EXPECT_EQUAL(left_behind(before), "");
  });
}

}  // namespace

TEST_SUITE_BEGIN("target");

TEST_CASE("an answer to a call that does not wait any more is written nowhere, for another may have its caller's id") {
  target_check check{};
  REQUIRE(target_check_open(&check, nullptr) == 0);
  fence_listener listener{};
  listener.notify_fd = open("/dev/null", O_RDWR | O_CLOEXEC); /* which knows of no call */
  for (const bool shares : {true, false}) {
    broker_call call{};
    call.tid = getpid();
    call.shares = shares;
    char memory[] = "kept";
    const auto address = reinterpret_cast<uint64_t>(memory);
    CHECK(target_answer(&check, &listener, &call, address, "lost", 4) == -EFAULT);
    CHECK(target_overwrite(&check, &listener, &call, address, "lost", 4) == -EFAULT);
    CHECK(std::string(memory) == "kept");
  }
  close(listener.notify_fd);
  target_check_close(&check);
}

TEST_CASE("a thread that has a descriptor table of its own") {
  const int thread = static_cast<int>(syscall(SYS_pidfd_open, getpid(), O_EXCL)); /* PIDFD_THREAD */
  if (thread < 0) {
    MESSAGE("not run: there are no pidfds of threads before Linux 6.9");
    return;
  }
  close(thread);
  in_own_process([] {
    Host host;
    use(host, {"own-table"});
  });
}

TEST_CASE("without kcmp") {
  without({{SYS_kcmp, EPERM}});
  without({{SYS_kcmp, ENOSYS}});
}

TEST_CASE("without pidfd_getfd") {
  without({{SYS_pidfd_getfd, EPERM}});
  without({{SYS_pidfd_getfd, ENOSYS}});
}

TEST_CASE("without both, and without clone3: Docker's default profile") {
  without({{SYS_kcmp, EPERM}, {SYS_pidfd_getfd, EPERM}, {SYS_clone3, ENOSYS}});
}

TEST_CASE("as an ordinary user") {
  in_own_process([] {
    become_ordinary_user();
    forbid({{SYS_kcmp, EPERM}, {SYS_pidfd_getfd, EPERM}});
    Host host;
    use_all(host);
  });
}

TEST_CASE("a program that has changed its user, for a root without the right to look into others") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only root can become another user");
    return;
  }
  for (const std::vector<Forbidden> &calls :
       {std::vector<Forbidden>{}, std::vector<Forbidden>{{SYS_kcmp, EPERM}, {SYS_pidfd_getfd, EPERM}}}) {
    in_own_process([&calls] {
      give_up_capability(CAP_SYS_PTRACE);
      forbid(calls);
      Host host;
      EXPECT_EQUAL(host.output_of(Launch(test_program("calls"), {"user"})), "done\n");
      const Resources before = Resources::settled();
      EXPECT_EQUAL(host.output_of(Launch(test_program("calls"), {"user"})), "done\n");
      EXPECT_EQUAL(prctl(PR_GET_DUMPABLE), 0); /* as the kernel left it, and not for longer than a look */
      use(host,
          {"flags", "thread", "fork", "executable"}); /* the next program's files are as much within reach as before */
      EXPECT_EQUAL(left_behind(before), "");
    });
  }
}

TEST_CASE("where /proc is read-only") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only root can mount");
    return;
  }
  in_own_process([] {
    EXPECT_EQUAL(unshare(CLONE_NEWNS), 0);
    EXPECT_EQUAL(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    EXPECT_EQUAL(mount("/proc", "/proc", nullptr, MS_BIND, nullptr), 0);
    EXPECT_EQUAL(mount(nullptr, "/proc", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr), 0);
    EXPECT(open("/proc/self/mem", O_RDWR) < 0 && errno == EROFS);
    Host host;
    use_all(host);
  });
}

TEST_CASE("a host whose memory is not dumpable") {
  in_own_process([] {
    become_ordinary_user();
    prctl(PR_SET_DUMPABLE, 0);
    Host host;
    use(host, {"flags", "thread", "fork", "executable"}); /* forked children cannot be looked into */
    EXPECT_EQUAL(prctl(PR_GET_DUMPABLE), 0);
  });
}

TEST_SUITE_END();
