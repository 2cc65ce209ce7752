#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "support/hosting.h"
#include "support/own_process.h"
#include "support/resources.h"
#include "support/system_call_filter.h"
#include "support/temporary_directory.h"

namespace {

constexpr int IDLE_IO_PRIORITY = 3 << 13;

constexpr uint64_t bit(int signal) { return uint64_t{1} << (signal - 1); }

uint64_t inode_of(int descriptor) {
  struct stat status {};
  fstat(descriptor, &status);
  return status.st_ino;
}

/* A pseudo-terminal. The process has no controlling terminal to lose: O_NOCTTY. */
struct Terminal {
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  int slave = -1;
  Terminal() {
    if (grantpt(master) == 0 && unlockpt(master) == 0) slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) throw std::runtime_error("cannot open a pseudo-terminal");
  }
  ~Terminal() {
    close(slave);
    close(master);
  }
  Terminal(const Terminal &) = delete;
  Terminal &operator=(const Terminal &) = delete;
};

Launch on_terminal(Launch launch, const Terminal &terminal) {
  for (int &each : launch.stdio) each = terminal.slave;
  launch.flags = TPROC_LAUNCH_TERMINAL;
  return launch;
}

}  // namespace

TEST_SUITE_BEGIN("launch_state");

TEST_CASE("a session of its own, of which it is the leader") {
  Host host;
  Launch launch(test_program("state"));
  launch.flags = TPROC_LAUNCH_SESSION;
  const auto report = state_of(host, launch);
  CHECK(report->session == report->pid);
  CHECK(report->group == report->pid);
  CHECK(report->parent == getpid());
  CHECK(report->parent_death_signal == 0); /* as natively: the host's SIGKILL is not shown */
  CHECK(report->terminal_session == -1);
}

TEST_CASE("a controlling terminal: ^C reaches the program") {
  Host host;
  const Terminal terminal;
  const auto report = state_of(host, on_terminal(Launch(test_program("state")), terminal));
  CHECK(report->session == report->pid);
  CHECK(report->terminal_session == report->pid);
  CHECK(report->terminal_group == report->pid);

  const Terminal other;
  WaitWord word;
  tproc_threadproc *waiting = host.start(on_terminal(Launch(test_program("wait"), {address_of(word.get())}), other));
  word.await_running();
  REQUIRE(write(other.master, "\x03", 1) == 1);
  const tproc_exit exit = host.await(waiting);
  CHECK(exit.kind == TPROC_SIGNALLED);
  CHECK(exit.status == SIGINT);
}

TEST_CASE("a terminal that is none, or another session's, is refused") {
  Host host;
  const Terminal terminal;
  Launch launch = quick_end();
  launch.flags = TPROC_LAUNCH_TERMINAL;
  refused(host, launch, ENOTTY, "controlling terminal: stdin is to be closed (ENOTTY)");
  const int file = memfd_create("no terminal", MFD_CLOEXEC);
  launch.stdio[0] = file;
  refused(
      host, launch, ENOTTY,
      "controlling terminal: stdin: descriptor " + std::to_string(file) + ": Inappropriate ioctl for device (ENOTTY)");
  close(file);
  WaitWord word;
  tproc_threadproc *owner = host.start(on_terminal(Launch(test_program("wait"), {address_of(word.get())}), terminal));
  word.await_running();
  CHECK(leaks_of([&] {
          refused(host, on_terminal(quick_end(), terminal), EPERM,
                  "make a terminal the controlling one (ioctl TIOCSCTTY; that of another session cannot be had): "
                  "Operation not permitted (EPERM)");
        }) == "");
  word.go();
  CHECK(host.await(owner).kind == TPROC_EXITED);
}

TEST_CASE("signals that start ignored or blocked") {
  for (bool without_clone3 : {false, true})
    in_own_process([without_clone3] {
      Host host;
      if (without_clone3) forbid({{SYS_clone3, ENOSYS}});
      signal(SIGUSR1, SIG_IGN); /* the host's own is none of its business */
      Launch launch(test_program("state"));
      launch.ignored_signals = bit(SIGPIPE) | bit(SIGINT) | bit(SIGCHLD) | bit(64);
      launch.blocked_signals = bit(SIGTERM) | bit(32) | bit(64);
      const auto report = state_of(host, launch);
      EXPECT_EQUAL(report->ignored_signals, launch.ignored_signals);
      EXPECT_EQUAL(report->changed_dispositions, launch.ignored_signals);
      EXPECT_EQUAL(report->blocked_signals, launch.blocked_signals);
      EXPECT_EQUAL(report->pending_signals, 0u);
      launch.ignored_signals = ~(bit(SIGKILL) | bit(SIGSTOP));
      launch.blocked_signals = launch.ignored_signals;
      const auto all = state_of(host, launch);
      EXPECT_EQUAL(all->ignored_signals, launch.ignored_signals);
      EXPECT_EQUAL(all->blocked_signals, launch.blocked_signals);
    });
}

TEST_CASE("SIGKILL and SIGSTOP can be neither ignored nor blocked") {
  Host host;
  Launch ignoring = quick_end(), blocking = quick_end();
  ignoring.ignored_signals = bit(SIGKILL) | bit(SIGINT);
  refused(host, ignoring, EINVAL, "ignored signals: SIGKILL cannot be (EINVAL)");
  blocking.blocked_signals = bit(SIGSTOP);
  refused(host, blocking, EINVAL, "blocked signals: SIGSTOP cannot be (EINVAL)");
}

TEST_CASE("a nice value, as far as the host has the right to it") {
  in_own_process([] {
    setpriority(PRIO_PROCESS, 0, 3);
    set_own_limit(RLIMIT_NICE, 0, 0);
    become_ordinary_user();
    Host host;
    Launch launch(test_program("state"));
    launch.nice = 9;
    EXPECT_EQUAL(state_of(host, launch)->nice, 3); /* not without the flag */
    launch.flags = TPROC_LAUNCH_NICE;
    EXPECT_EQUAL(state_of(host, launch)->nice, 9);
    launch.nice = 19;
    EXPECT_EQUAL(state_of(host, launch)->nice, 19);
    launch.nice = -5;
    EXPECT_EQUAL(state_of(host, launch)->nice, 3);
    EXPECT_EQUAL(getpriority(PRIO_PROCESS, 0), 3);
  });
  Host host;
  Launch launch = quick_end();
  launch.flags = TPROC_LAUNCH_NICE;
  for (int nice : {-21, 20}) {
    launch.nice = nice;
    refused(host, launch, EINVAL, "nice value " + std::to_string(nice) + " is not in -20 to 19 (EINVAL)");
  }
}

TEST_CASE("a nice value or nothing") {
  in_own_process([] {
    setpriority(PRIO_PROCESS, 0, 3);
    set_own_limit(RLIMIT_NICE, 0, 0);
    become_ordinary_user();
    Host host;
    Launch launch(test_program("state"));
    launch.flags = TPROC_LAUNCH_NICE | TPROC_LAUNCH_EXACT;
    launch.nice = 9;
    EXPECT_EQUAL(state_of(host, launch)->nice, 9);
    launch.nice = -5;
    const Launched launched = host.launch(launch);
    EXPECT_EQUAL(launched.result, -EACCES);
    EXPECT_EQUAL(launched.message(), start_of(launch) + "set the nice value (setpriority): Permission denied (EACCES)");
  });
}

TEST_CASE("limits or nothing") {
  in_own_process([] {
    set_own_limit(RLIMIT_CORE, 0, 0);
    become_ordinary_user();
    Host host;
    Launch launch = with_limits(quick_end());
    launch.flags |= TPROC_LAUNCH_EXACT;
    EXPECT_EQUAL(host.run(launch), 0);
    launch.limits[RLIMIT_CORE].hard = 1;
    const Launched launched = host.launch(launch);
    EXPECT_EQUAL(launched.result, -EPERM);
    EXPECT_EQUAL(launched.message(),
                 start_of(launch) + "set resource limits (prlimit64): RLIMIT_CORE: Operation not permitted (EPERM)");
  });
}

TEST_CASE("scheduling policy, I/O priority, personality and CPUs are those given, and the host keeps its own") {
  in_own_process([] {
    Host host;
    const auto before = state_of(host);
    Launch launch(test_program("state"));
    launch.policy = SCHED_BATCH;
    launch.io_priority = IDLE_IO_PRIORITY;
    launch.personality = ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC | UNAME26;
    const auto unflagged = state_of(host, launch);
    EXPECT_EQUAL(unflagged->policy, before->policy);
    EXPECT_EQUAL(unflagged->io_priority, before->io_priority);
    EXPECT_EQUAL(unflagged->personality, before->personality);
    launch.flags = TPROC_LAUNCH_SCHEDULING | TPROC_LAUNCH_IO_PRIORITY | TPROC_LAUNCH_PERSONALITY | TPROC_LAUNCH_EXACT;
    launch.cpus = {before->cpus[0] & ~(before->cpus[0] - 1)}; /* the first of them */
    const auto given = state_of(host, launch);
    EXPECT_EQUAL(given->policy, SCHED_BATCH);
    EXPECT_EQUAL(given->io_priority, IDLE_IO_PRIORITY);
    EXPECT_EQUAL(given->personality, static_cast<unsigned>(ADDR_NO_RANDOMIZE | UNAME26)); /* as execve leaves it */
    EXPECT_EQUAL(given->cpus[0], launch.cpus[0]);
    const auto after = state_of(host);
    EXPECT_EQUAL(after->policy, before->policy);
    EXPECT_EQUAL(after->io_priority, before->io_priority);
    EXPECT_EQUAL(after->personality, before->personality);
    EXPECT_EQUAL(after->cpus[0], before->cpus[0]);
  });
}

TEST_CASE("a scheduling policy keeps the nice value, and SCHED_RESET_ON_FORK") {
  Host host;
  Launch launch(test_program("state"));
  launch.flags = TPROC_LAUNCH_SCHEDULING | TPROC_LAUNCH_NICE;
  launch.nice = 7;
  launch.policy = SCHED_IDLE | SCHED_RESET_ON_FORK;
  const auto report = state_of(host, launch);
  CHECK(report->policy == (SCHED_IDLE | SCHED_RESET_ON_FORK));
  CHECK(report->nice == 7);
}

TEST_CASE("real-time priority, as far as the host has the right to it") {
  in_own_process([] {
    set_own_limit(RLIMIT_RTPRIO, 0, 0);
    become_ordinary_user();
    Host host;
    Launch launch(test_program("state"));
    launch.flags = TPROC_LAUNCH_SCHEDULING;
    launch.policy = SCHED_RR;
    launch.priority = 4;
    EXPECT_EQUAL(state_of(host, launch)->policy, SCHED_OTHER);
    launch.flags |= TPROC_LAUNCH_EXACT;
    const Launched launched = host.launch(launch);
    EXPECT_EQUAL(launched.result, -EPERM);
    EXPECT_EQUAL(launched.message(), start_of(launch) +
                                         "set the scheduling policy (sched_setscheduler): "
                                         "Operation not permitted (EPERM)");
  });
  const sched_param parameters{4};
  if (sched_setscheduler(0, SCHED_RR, &parameters) != 0) {
    MESSAGE("skipped: no right to real-time priority here");
    return;
  }
  const sched_param none{0};
  sched_setscheduler(0, SCHED_OTHER, &none);
  Host host;
  Launch launch(test_program("state"));
  launch.flags = TPROC_LAUNCH_SCHEDULING;
  launch.policy = SCHED_RR;
  launch.priority = 4;
  const auto report = state_of(host, launch);
  CHECK(report->policy == SCHED_RR);
  CHECK(report->priority == 4);
}

TEST_CASE("scheduling that cannot be is refused") {
  Host host;
  Launch launch = quick_end();
  launch.flags = TPROC_LAUNCH_SCHEDULING;
  launch.policy = SCHED_FIFO;
  for (int priority : {0, 100}) {
    launch.priority = priority;
    refused(host, launch, EINVAL,
            "priority " + std::to_string(priority) + " is not in 1 to 99, the range of scheduling policy 1 (EINVAL)");
  }
  launch.policy = SCHED_BATCH;
  launch.priority = 1;
  refused(host, launch, EINVAL, "priority 1 is not in 0 to 0, the range of scheduling policy 3 (EINVAL)");
  launch.policy = 99;
  refused(host, launch, EINVAL, "scheduling policy 0x63 is not known (EINVAL)");
  launch.flags = TPROC_LAUNCH_IO_PRIORITY;
  launch.io_priority = 4 << 13;
  refused(host, launch, EINVAL, "I/O priority 0x8000 is of no class (EINVAL)");
  launch.flags = 0;
  launch.cpus = {0, 0};
  refused(host, launch, EINVAL, "CPUs: none is given to run on (EINVAL)");
  launch.cpus = std::vector<uint64_t>(TPROC_CPU_WORDS_MAX + 1, ~uint64_t{0});
  refused(host, launch, EINVAL, "CPUs: 129 words, 128 are the most (EINVAL)");
}

TEST_CASE("CPUs of which the machine has none") {
  Host host;
  Launch launch(test_program("state"));
  launch.cpus = std::vector<uint64_t>(TPROC_CPU_WORDS_MAX);
  launch.cpus.back() = uint64_t{1} << 63;
  const auto before = state_of(host);
  if (before->cpus[TPROC_CPU_WORDS_MAX - 1] >> 63 != 0) {
    MESSAGE("skipped: a machine with 8192 CPUs");
    return;
  }
  CHECK(state_of(host, launch)->cpus[0] == before->cpus[0]);
  launch.flags = TPROC_LAUNCH_EXACT;
  refused(host, launch, EINVAL, "choose its CPUs (sched_setaffinity): Invalid argument (EINVAL)");
}

TEST_CASE("limits, also those of memory, and the host keeps its own") {
  in_own_process([] {
    Host host;
    const std::vector<tproc_limit> own = own_limits();
    Launch launch = with_limits(Launch(test_program("state")));
    launch.limits[RLIMIT_CPU] = {100, 200};
    launch.limits[RLIMIT_FSIZE] = {1u << 20, 2u << 20};
    launch.limits[RLIMIT_CORE] = {0, 0};
    launch.limits[RLIMIT_NOFILE] = {100, 110};
    launch.limits[RLIMIT_STACK] = {2u << 20, 4u << 20};
    launch.limits[RLIMIT_MEMLOCK] = {4096, 8192};
    launch.limits[RLIMIT_AS] = {1u << 30, 2u << 30};
    launch.limits[RLIMIT_DATA] = {1u << 28, 1u << 29};
    const auto report = state_of(host, launch);
    for (int i = 0; i < TPROC_LIMIT_COUNT; i++) {
      const auto at = static_cast<size_t>(i);
      const tproc_limit expected = launch.limits[at];
      if (report->soft_limits[i] != expected.soft || report->hard_limits[i] != expected.hard)
        complain(__FILE__, __LINE__, "limit " + std::to_string(i) + " is not as it should be");
      if (own_limits()[at].soft != own[at].soft || own_limits()[at].hard != own[at].hard)
        complain(__FILE__, __LINE__, "limit " + std::to_string(i) + " of the host has changed");
    }
  });
}

TEST_CASE("hard limits above the host's own become these, without the right to more") {
  in_own_process([] {
    set_own_limit(RLIMIT_NOFILE, 400, 500);
    set_own_limit(RLIMIT_CORE, 0, 0);
    set_own_limit(RLIMIT_CPU, 1000, 2000);
    become_ordinary_user();
    Host host;
    Launch launch = with_limits(Launch(test_program("state")));
    launch.limits[RLIMIT_NOFILE] = {450, 1000};
    launch.limits[RLIMIT_CORE] = {TPROC_LIMIT_INFINITY, TPROC_LIMIT_INFINITY};
    launch.limits[RLIMIT_CPU] = {3000, 4000};
    const auto report = state_of(host, launch);
    EXPECT_EQUAL(report->soft_limits[RLIMIT_NOFILE], 450u);
    EXPECT_EQUAL(report->hard_limits[RLIMIT_NOFILE], 500u);
    EXPECT_EQUAL(report->soft_limits[RLIMIT_CORE], 0u);
    EXPECT_EQUAL(report->hard_limits[RLIMIT_CORE], 0u);
    EXPECT_EQUAL(report->soft_limits[RLIMIT_CPU], 2000u);
    EXPECT_EQUAL(report->hard_limits[RLIMIT_CPU], 2000u);
  });
}

TEST_CASE("limits that are none are refused") {
  Host host;
  Launch launch = with_limits(quick_end());
  launch.limits[RLIMIT_NOFILE] = {10, 9};
  refused(host, launch, EINVAL, "limit 7: the soft limit 10 is above the hard limit 9 (EINVAL)");
  launch.limits.clear();
  refused(host, launch, EINVAL, "limits: none are given (EINVAL)");
}

TEST_CASE("the limit given decides how far the stack grows, not the host's") {
  Host host;
  for (uint64_t size : {1ull << 20, 3ull << 20, 20ull << 20}) {
    const auto reaches = [&](uint64_t depth) {
      Launch launch = with_limits(Launch(test_program("deep"), {std::to_string(depth)}));
      launch.limits[RLIMIT_STACK] = {size, TPROC_LIMIT_INFINITY};
      return host.run(launch) == 0;
    };
    CHECK(reaches(size - size / 4));
    CHECK_FALSE(reaches(size + size / 4));
  }
}

TEST_CASE("the limit given decides how long arguments may be") {
  in_own_process([] {
    set_own_limit(RLIMIT_STACK, 1u << 20, RLIM_INFINITY); /* of which a quarter may be arguments */
    Host host;
    Launch launch(test_program("end"), {"exit", "5"});
    for (int i = 0; i < 10; i++) launch.environment.push_back(std::string(100 << 10, 'x'));
    EXPECT_EQUAL(host.run(launch), -E2BIG);
    launch = with_limits(launch);
    launch.limits[RLIMIT_STACK] = {8u << 20, TPROC_LIMIT_INFINITY};
    EXPECT_EQUAL(host.run(launch), 5);
    set_own_limit(RLIMIT_STACK, 8u << 20, RLIM_INFINITY);
    launch.limits[RLIMIT_STACK] = {1u << 20, TPROC_LIMIT_INFINITY};
    EXPECT_EQUAL(host.run(launch), -E2BIG);
    launch.flags = 0;
    EXPECT_EQUAL(host.run(launch), 5);
  });
}

TEST_CASE("a working directory given as a descriptor") {
  TemporaryDirectory directory;
  const std::string sub = directory.directory("sub");
  Host host;
  for (int flags : {O_PATH, O_RDONLY}) {
    Launch launch(test_program("state"));
    launch.directory_fd = open(sub.c_str(), flags | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(launch.directory_fd >= 0);
    CHECK(std::string(state_of(host, launch)->directory) != sub); /* not without the flag */
    launch.flags = TPROC_LAUNCH_DIRECTORY_FD;
    const auto report = state_of(host, launch);
    CHECK(std::string(report->directory) == sub);
    CHECK(report->open_descriptors == 0);
    CHECK(fcntl(launch.directory_fd, F_GETFD) == FD_CLOEXEC);
    launch.descriptors = {{9, launch.directory_fd}, {launch.directory_fd + 10, launch.directory_fd}};
    CHECK(state_of(host, launch)->open_descriptors == 2);
    close(launch.directory_fd);
  }
}

TEST_CASE("a working directory that was deleted, given as a descriptor") {
  TemporaryDirectory directory;
  const std::string gone = directory.directory("gone");
  Host host;
  Launch launch(test_program("state"));
  launch.flags = TPROC_LAUNCH_DIRECTORY_FD;
  launch.directory_fd = open(gone.c_str(), O_PATH | O_CLOEXEC);
  const uint64_t inode = inode_of(launch.directory_fd);
  REQUIRE(rmdir(gone.c_str()) == 0);
  const auto report = state_of(host, launch);
  CHECK(std::string(report->directory) == "");
  CHECK(report->directory_inode == inode);
  launch.program = "./end";
  refused(host, launch, ENOENT, "open ./end: No such file or directory (ENOENT)");
  close(launch.directory_fd);
}

TEST_CASE("programs, the search path and scripts start from that directory") {
  TemporaryDirectory directory;
  directory.directory("sub");
  directory.directory("sub/bin");
  directory.link("sub/say", test_program("say"));
  directory.link("sub/bin/found", test_program("say"));
  directory.file("sub/script", "#!./say -x\n");
  Host host;
  auto there = [&](const std::string &program, const std::string &search_path = "") {
    Launch launch(program, {"one"});
    launch.search_path = search_path;
    launch.flags = TPROC_LAUNCH_DIRECTORY_FD;
    launch.directory_fd = open((directory / "sub").c_str(), O_PATH | O_CLOEXEC);
    const std::string output = host.output_of(launch);
    close(launch.directory_fd);
    return output;
  };
  CHECK(there("./say") == "./say\none\n");
  CHECK(there("../sub/bin/found") == "../sub/bin/found\none\n");
  CHECK(there("found", "nothing:bin") == "found\none\n");
  CHECK(there("say", "bin:") == "say\none\n");
  CHECK(there("./script") == "./say\n-x\n./script\none\n");
  CHECK(there("script", "bin:.") == "./say\n-x\n./script\none\n");
}

TEST_CASE("a descriptor that is no working directory is refused") {
  TemporaryDirectory directory;
  const std::string closed = directory.directory("closed", 0700);
  Host host;
  Launch launch = quick_end();
  launch.flags = TPROC_LAUNCH_DIRECTORY_FD;
  launch.directory_fd = 12345;
  refused(host, launch, EBADF, "working directory: descriptor 12345: Bad file descriptor (EBADF)");
  launch.directory_fd = memfd_create("file", MFD_CLOEXEC);
  refused(host, launch, ENOTDIR,
          "working directory: descriptor " + std::to_string(launch.directory_fd) + ": Not a directory (ENOTDIR)");
  launch.directory = directory.path();
  refused(host, launch, EINVAL, "working directory: both a path and a descriptor (EINVAL)");
  close(launch.directory_fd);
  host.close();
  in_own_process([&closed] {
    Launch there = quick_end();
    there.flags = TPROC_LAUNCH_DIRECTORY_FD;
    there.directory_fd = open(closed.c_str(), O_PATH | O_CLOEXEC);
    EXPECT(there.directory_fd >= 0);
    EXPECT_EQUAL(chmod(closed.c_str(), 0), 0);
    become_ordinary_user();
    Host own_host;
    const Launched launched = own_host.launch(there);
    EXPECT_EQUAL(launched.result, -EACCES);
    EXPECT_EQUAL(launched.message(), start_of(there) + "enter working directory: descriptor " +
                                         std::to_string(there.directory_fd) + ": Permission denied (EACCES)");
  });
  chmod(closed.c_str(), 0700);
}

TEST_CASE("unknown flags are refused") {
  Host host;
  Launch launch = quick_end();
  launch.flags = 0x10000 | TPROC_LAUNCH_SESSION;
  refused(host, launch, EINVAL, "unknown flags 0x10000 (EINVAL)");
}

TEST_CASE("what is refused leaves nothing") {
  Host host;
  CHECK(leaks_of([&] {
          Launch launch = quick_end();
          launch.descriptors = {{7, 0}, {7, 1}};
          CHECK(host.launch(launch).result == -EINVAL);
          launch.descriptors = {{7, 12345}};
          CHECK(host.launch(launch).result == -EBADF);
          launch = with_limits(quick_end());
          launch.limits[0] = {2, 1};
          CHECK(host.launch(launch).result == -EINVAL);
          launch = quick_end();
          launch.flags = TPROC_LAUNCH_DIRECTORY_FD;
          launch.directory_fd = 0;
          CHECK(host.launch(launch).result < 0);
        }) == "");
  CHECK(host.run(Launch(test_program("end"), {"exit", "7"})) == 7);
}

TEST_CASE("a controlling terminal that is none of the descriptors") {
  Host host;
  const Terminal terminal;
  Launch launch("/bin/sh", {"-c", "[ -t 0 ] || echo hello >/dev/tty"});
  launch.flags = TPROC_LAUNCH_TERMINAL_FD;
  launch.terminal_fd = terminal.slave;
  CHECK(host.run(launch) == 0);
  char text[16] = "";
  CHECK(read(terminal.master, text, sizeof text - 1) == 7);
  CHECK(std::string(text) == "hello\r\n");
  launch.flags |= TPROC_LAUNCH_TERMINAL;
  refused(host, launch, EINVAL, "controlling terminal: both stdin and a descriptor (EINVAL)");
  launch.flags = TPROC_LAUNCH_TERMINAL_FD;
  const int file = memfd_create("file", MFD_CLOEXEC);
  launch.terminal_fd = file;
  refused(host, launch, ENOTTY,
          "controlling terminal: descriptor " + std::to_string(file) + ": Inappropriate ioctl for device (ENOTTY)");
  close(file);
}

TEST_CASE("what is started and ends leaves nothing") {
  Host host;
  const Terminal terminal;
  CHECK(leaks_of([&] {
          Launch launch = on_terminal(with_limits(Launch(test_program("end"), {"exit", "7"})), terminal);
          launch.flags |= TPROC_LAUNCH_NICE | TPROC_LAUNCH_LIMITS;
          launch.descriptors = {{7, terminal.slave}, {300, terminal.master}};
          CHECK(host.run(launch) == 7);
        }) == "");
}

TEST_CASE("each step in the child that fails is named, and leaves nothing") {
  struct Failing {
    long call;
    std::string message;
    unsigned long unless = 0;
  };
  const Failing all[] = {
      {SYS_setsid, "open a session (setsid): "},
      {SYS_fchdir, "change to the working directory (fchdir): "},
      {SYS_dup3, "place descriptors (dup3): number 9: "},
      {SYS_close_range, "get an own descriptor table (close_range): "},
      {SYS_setpriority, "set the nice value (setpriority): "},
      {SYS_ioprio_set, "set the I/O priority (ioprio_set): "},
      {SYS_personality, "set the personality (personality): "},
      {SYS_sched_setaffinity, "choose its CPUs (sched_setaffinity): "},
      {SYS_sched_setscheduler, "set the scheduling policy (sched_setscheduler): "},
      {SYS_prlimit64, "set resource limits (prlimit64): RLIMIT_CPU: "},
  };
  for (const Failing &failing : all)
    in_own_process([&failing] {
      Host host;
      Launch launch = with_limits(quick_end());
      launch.flags |= TPROC_LAUNCH_SESSION | TPROC_LAUNCH_NICE | TPROC_LAUNCH_SCHEDULING | TPROC_LAUNCH_IO_PRIORITY |
                      TPROC_LAUNCH_PERSONALITY;
      launch.cpus = {~uint64_t{0}};
      const int file = memfd_create("file", MFD_CLOEXEC);
      if (failing.call == SYS_dup3) launch.descriptors = {{9, file}};
      forbid({{failing.call, ENOTNAM, failing.unless}});
      EXPECT_EQUAL(leaks_of([&] {
                     const Launched launched = host.launch(launch);
                     EXPECT_EQUAL(launched.result, -ENOTNAM);
                     EXPECT_EQUAL(launched.message(),
                                  start_of(launch) + failing.message + "Not a XENIX named type file (ENOTNAM)");
                   }),
                   "");
    });
}

TEST_SUITE_END();
