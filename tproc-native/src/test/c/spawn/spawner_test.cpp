#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "support/hosting.h"
#include "support/own_process.h"
#include "support/proc_maps.h"
#include "support/resources.h"
#include "support/system_call_filter.h"

extern "C" {
#include "base/raw_syscall.h"
#include "spawn/spawner.h"
}

namespace {

/* Child code: see the rules in child.c. */
struct Notes {
  uint32_t alive = 1; /* the kernel clears it at the end */
  long pid = 0;
  long parent = 0;
  uint64_t blocked = 0;
};

__attribute__((no_sanitize("address", "undefined"))) void take_notes(void *argument) {
  Notes *notes = static_cast<Notes *>(argument);
  notes->pid = raw_syscall0(SYS_getpid);
  notes->parent = raw_syscall0(SYS_getppid);
  raw_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, 0, &notes->blocked, 8);
  for (;;) raw_syscall1(SYS_exit_group, 42);
}

struct Cloned {
  Area stack{64 << 10, PROT_READ | PROT_WRITE};
  Notes notes;
  int pidfd = -1;
  clone_request request{{stack.low(), stack.high()}, &notes.alive, take_notes, &notes};

  pid_t clone(spawner *by) {
    spawning spawning{};
    if (spawning_open(&spawning, nullptr, 0) != 0) return -1;
    const pid_t pid = spawning_clone(by, &spawning, &request, &pidfd);
    int left;
    spawning_close(by, &spawning, -1, &left);
    return pid;
  }
  int wait() {
    siginfo_t info{};
    const int result =
        waitid(static_cast<idtype_t>(3) /* P_PIDFD */, static_cast<id_t>(pidfd), &info, WEXITED | __WALL);
    close(pidfd);
    return result == 0 ? info.si_status : -errno;
  }
};

}  // namespace

TEST_SUITE_BEGIN("spawner");

TEST_CASE("a clone shares the memory, is the process's child, has every signal blocked and no exit signal") {
  spawner spawner{};
  REQUIRE(spawner_start(&spawner, nullptr) == 0);
  Cloned cloned;
  const pid_t pid = cloned.clone(&spawner);
  REQUIRE(pid > 0);
  CHECK((fcntl(cloned.pidfd, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(cloned.wait() == 42);
  CHECK(cloned.notes.pid == pid);
  CHECK(cloned.notes.parent == getpid());
  CHECK(cloned.notes.alive == 0);
  /* All but SIGKILL and SIGSTOP, and glibc's own two, which sigfillset leaves out. */
  CHECK((cloned.notes.blocked | 1ull << 8 | 1ull << 18 | 3ull << 31) == ~0ull);
  spawner_stop(&spawner);
}

TEST_CASE("starting and stopping leaves nothing") {
  CHECK(leaks_of([] {
          spawner spawner{};
          CHECK(spawner_start(&spawner, nullptr) == 0);
          spawner_stop(&spawner);
        }) == "");
}

TEST_CASE("many threads order at once, and each gets its own") {
  spawner spawner{};
  REQUIRE(spawner_start(&spawner, nullptr) == 0);
  std::vector<std::thread> threads;
  std::vector<int> good(8);
  for (int &mine : good)
    threads.emplace_back([&spawner, &mine] {
      for (int i = 0; i < 10; i++) {
        Cloned cloned;
        const pid_t pid = cloned.clone(&spawner);
        mine += pid > 0 && cloned.wait() == 42 && cloned.notes.pid == pid;
      }
    });
  for (std::thread &thread : threads) thread.join();
  for (int mine : good) CHECK(mine == 10);
  spawner_stop(&spawner);
}

TEST_CASE("where clone3 is forbidden, clone does it") {
  for (int code : {ENOSYS, EPERM})
    in_own_process([code] {
      spawner spawner{};
      EXPECT_EQUAL(spawner_start(&spawner, nullptr), 0); /* before: pthread_create takes no EPERM from clone3 */
      forbid({{SYS_clone3, code}});
      Cloned cloned;
      const pid_t pid = cloned.clone(&spawner);
      EXPECT(pid > 0);
      EXPECT_EQUAL(cloned.wait(), 42);
      EXPECT_EQUAL(cloned.notes.pid, pid);
      EXPECT_EQUAL(cloned.notes.alive, 0u);
      spawner_stop(&spawner);
    });
}

TEST_CASE("other errors of clone3 are not hidden by a second try") {
  in_own_process([] {
    spawner spawner{};
    EXPECT_EQUAL(spawner_start(&spawner, nullptr), 0);
    forbid({{SYS_clone3, EAGAIN}});
    Cloned cloned;
    EXPECT_EQUAL(cloned.clone(&spawner), -EAGAIN);
    EXPECT_EQUAL(cloned.pidfd, -1);
    spawner_stop(&spawner);
  });
}

TEST_CASE("where both are forbidden a launch fails clearly and leaves nothing") {
  in_own_process([] {
    Host host;
    host.run(Launch(test_program("end"), {"exit", "0"}));
    const Resources before = Resources::settled();
    forbid({{SYS_clone3, ENOSYS}, {SYS_clone, EACCES}});
    const Launched launched = host.launch(Launch(test_program("end"), {"exit", "0"}));
    EXPECT_EQUAL(launched.result, -EACCES);
    EXPECT_EQUAL(launched.message(),
                 "cannot host " + test_program("end") +
                     ": start a thread for the launch (limit on threads): Permission denied (EACCES)");
    EXPECT_EQUAL(left_behind(before), "");
  });
}

TEST_CASE("where no thread can be had the host says so") {
  in_own_process([] {
    forbid({{SYS_clone3, EAGAIN}, {SYS_clone, EAGAIN}}); /* which of them makes a thread is up to the C library */
    spawner spawner{};
    tproc_error error{};
    EXPECT_EQUAL(spawner_start(&spawner, &error), -EAGAIN);
    EXPECT_EQUAL(std::string(error.message),
                 "start the host's thread (limit on threads, or clone forbidden): Resource temporarily unavailable "
                 "(EAGAIN)");
  });
}

TEST_SUITE_END();
