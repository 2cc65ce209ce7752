#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cfenv>
#include <climits>
#include <csignal>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/hosting.h"
#include "support/own_process.h"
#include "support/resources.h"
#include "support/system_call_filter.h"
#include "support/temporary_directory.h"

extern "C" {
#include "spawn/child.h"
}

TEST_SUITE_BEGIN("child");

TEST_CASE("signals start unblocked and at their defaults, whatever the host does with them") {
  for (bool without_clone3 : {false, true})
    in_own_process([without_clone3] {
      Host host;
      if (without_clone3) forbid({{SYS_clone3, ENOSYS}});
      struct sigaction action {};
      action.sa_handler = SIG_IGN;
      for (int signal : {SIGPIPE, SIGINT, SIGCHLD, SIGRTMIN, SIGRTMAX}) sigaction(signal, &action, nullptr);
      action.sa_handler = [](int) {};
      for (int signal : {SIGUSR1, SIGTERM, SIGSEGV}) sigaction(signal, &action, nullptr);
      sigset_t all;
      sigfillset(&all);
      sigprocmask(SIG_SETMASK, &all, nullptr);
      raise(SIGUSR2);
      const auto report = state_of(host);
      EXPECT_EQUAL(report->blocked_signals, 0u);
      EXPECT_EQUAL(report->pending_signals, 0u);
      EXPECT_EQUAL(report->changed_dispositions, 0u);
      struct sigaction still {};
      sigaction(SIGPIPE, nullptr, &still);
      EXPECT(still.sa_handler == SIG_IGN);
      sigset_t blocked;
      sigprocmask(SIG_SETMASK, nullptr, &blocked);
      EXPECT_EQUAL(sigismember(&blocked, SIGTERM), 1);
    });
}

TEST_CASE("umask: the launch's, or the host's, and the host keeps its own") {
  in_own_process([] {
    umask(027);
    Host host;
    EXPECT_EQUAL(state_of(host)->umask, 027);
    Launch launch(test_program("state"));
    for (int mask : {0, 077, 0777}) {
      launch.umask = mask;
      EXPECT_EQUAL(state_of(host, launch)->umask, mask);
    }
    EXPECT_EQUAL(umask(0), 027u);
    for (int mask : {01000, -2, 07777}) {
      launch.umask = mask;
      const Launched launched = host.launch(launch);
      EXPECT_EQUAL(launched.result, -EINVAL);
      EXPECT(launched.message().find(": umask ") != std::string::npos);
    }
  });
}

TEST_CASE("the working directory: the launch's, absolute or relative, or the host's") {
  TemporaryDirectory directory;
  directory.directory("sub");
  in_own_process([&directory] {
    EXPECT_EQUAL(chdir(directory.path().c_str()), 0);
    Host host;
    EXPECT_EQUAL(std::string(state_of(host)->directory), directory.path());
    Launch launch(test_program("state"));
    for (const std::string &path : {directory / "sub", std::string("sub"), std::string("./sub/../sub/")}) {
      launch.directory = path;
      EXPECT_EQUAL(std::string(state_of(host, launch)->directory), directory / "sub");
    }
    char own[PATH_MAX];
    EXPECT_EQUAL(std::string(getcwd(own, sizeof own)), directory.path());
  });
}

TEST_CASE("a working directory that was deleted is still one") {
  TemporaryDirectory directory;
  in_own_process([&directory] {
    const std::string gone = directory.directory("gone");
    EXPECT_EQUAL(chdir(gone.c_str()), 0);
    EXPECT_EQUAL(rmdir(gone.c_str()), 0);
    Host host;
    EXPECT_EQUAL(std::string(state_of(host)->directory), "");
  });
}

TEST_CASE("a working directory that cannot be had is refused") {
  TemporaryDirectory directory;
  const std::string closed = directory.directory("closed", 0700);
  const std::string file = directory.file("file", "");
  Host host;
  Launch launch(test_program("end"), {"exit", "0"});
  const std::string start = "cannot host " + test_program("end") + ": working directory ";
  launch.directory = directory / "missing";
  CHECK(host.launch(launch).message() == start + launch.directory + ": No such file or directory (ENOENT)");
  launch.directory = file;
  CHECK(host.launch(launch).message() == start + launch.directory + ": Not a directory (ENOTDIR)");
  host.close();
  chmod(closed.c_str(), 0);
  in_own_process([&closed] {
    become_ordinary_user();
    Host own_host;
    Launch there(test_program("end"), {"exit", "0"});
    there.directory = closed;
    const Launched launched = own_host.launch(there);
    EXPECT_EQUAL(launched.result, -EACCES);
    EXPECT_EQUAL(launched.message(), "cannot host " + test_program("end") + ": enter working directory " + closed +
                                         ": Permission denied (EACCES)");
  });
  chmod(closed.c_str(), 0700);
}

TEST_CASE("its name is the program's, cut to 15 bytes") {
  TemporaryDirectory directory;
  Host host;
  CHECK(std::string(state_of(host)->name) == "state");
  const std::string fifteen = directory.link("fifteen-letters", test_program("state"));
  CHECK(std::string(state_of(host, Launch(fifteen))->name) == "fifteen-letters");
  const std::string more = directory.link("more-than-fifteen-letters", test_program("state"));
  CHECK(std::string(state_of(host, Launch(more))->name) == "more-than-fifte");
}

TEST_CASE("floating-point control starts as in a new process, whatever the host has set") {
  in_own_process([] {
    std::fesetround(FE_TOWARDZERO);
#if defined(__x86_64__)
    const uint32_t flush_to_zero = 0x9fc0;
    const uint16_t single_precision = 0x007f;
    __asm__ volatile("ldmxcsr %0" ::"m"(flush_to_zero));
    __asm__ volatile("fldcw %0" ::"m"(single_precision));
    const uint64_t expected = 0x1f80 | uint64_t{0x37f} << 32;
#else
    const uint64_t expected = 0;
#endif
    Host host; /* its threads inherit the odd setting */
    EXPECT_EQUAL(state_of(host)->floating_point_control, expected);
  });
}

TEST_CASE("every register starts at zero, the thread pointer too") {
  Host host;
  CHECK(host.run(Launch(test_program("bare_entry"))) == 0);
}

TEST_CASE("it is the host's child, in its group and session") {
  Host host;
  const auto report = state_of(host);
  CHECK(report->parent == getpid());
  CHECK(report->group == getpgrp());
  CHECK(report->session == getsid(0));
  CHECK(report->parent_death_signal == 0); /* as natively: the host's SIGKILL is not shown */
  CHECK(report->no_new_privileges == 1);
  CHECK(report->thread_pointer != reinterpret_cast<uint64_t>(__builtin_thread_pointer()));
}

TEST_CASE("argv, envp and what the host says arrive") {
  Host host;
  auto report = std::make_unique<state_report>();
  Launch launch(test_program("state"), {address_of(report.get()), "", std::string(100 << 10, 'x')});
  launch.argv0 = std::string(4096, 'n');
  launch.environment = {"A=1", "EMPTY=", std::string("B=") + std::string(100000, 'y')};
  tproc_threadproc *threadproc = host.start(launch);
  host.await(threadproc);
  REQUIRE(report->done == 1);
  REQUIRE(report->argc == 4);
  CHECK(std::string(report->argv[0]) == launch.argv0);
  CHECK(std::string(report->argv[2]) == "");
  CHECK(std::string(report->argv[3]) == launch.arguments[2]);
  CHECK(report->argv[4] == nullptr);
  for (size_t i = 0; i < launch.environment.size(); i++) CHECK(std::string(report->envp[i]) == launch.environment[i]);
  CHECK(report->envp[3] == nullptr);
  const tproc_abi *abi = nullptr;
  for (const uint64_t *entry = report->auxv; entry[0] != 0; entry += 2) {
    if (entry[0] == TPROC_AT_SCRATCH) CHECK(entry[1] == reinterpret_cast<uint64_t>(tproc_host_scratch(host.get())));
    if (entry[0] == TPROC_AT_ABI) abi = reinterpret_cast<const tproc_abi *>(entry[1]);
  }
  REQUIRE(abi != nullptr);
  CHECK(abi->magic == TPROC_ABI_MAGIC);
  CHECK(abi->version == TPROC_ABI_VERSION);
  CHECK(abi->size == sizeof *abi);
  CHECK(abi->host_pid == getpid());
  CHECK(abi->pid == report->pid);
  CHECK(abi->pid == tproc_threadproc_pid(threadproc));
  CHECK(abi->scratch == reinterpret_cast<uint64_t>(tproc_host_scratch(host.get())));
  const uint64_t address = reinterpret_cast<uint64_t>(report->argv[0]);
  CHECK((address > abi->slot_base && address < abi->slot_base + abi->slot_size));
}

TEST_CASE("when the host is killed its threadprocs are gone at once") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  const pid_t host_process = fork();
  REQUIRE(host_process >= 0);
  if (host_process == 0) {
    WaitWord words[3];
    Host host;
    for (WaitWord &word : words) {
      const pid_t pid = tproc_threadproc_pid(host.start(Launch(test_program("wait"), {address_of(word.get())})));
      word.await_running();
      if (write(ends[1], &pid, sizeof pid) != sizeof pid) _exit(1);
    }
    for (;;) pause();
  }
  close(ends[1]);
  pollfd dead[3];
  for (pollfd &each : dead) {
    pid_t pid = 0;
    REQUIRE(read(ends[0], &pid, sizeof pid) == sizeof pid);
    each = {static_cast<int>(syscall(SYS_pidfd_open, pid, 0)), POLLIN, 0};
    REQUIRE(each.fd >= 0);
    CHECK(poll(&each, 1, 0) == 0);
  }
  close(ends[0]);
  kill(host_process, SIGKILL);
  waitpid(host_process, nullptr, 0);
  for (pollfd &each : dead) {
    CHECK(poll(&each, 1, 10000) == 1);
    close(each.fd);
  }
}

TEST_CASE("every step has a name of its own") {
  std::vector<std::string> names;
  for (int step = CHILD_STEP_LIFELINE; step <= CHILD_STEP_LIMITS; step++) {
    const std::string name = child_step_name(static_cast<child_step>(step));
    CHECK(name != child_step_name(CHILD_STEP_NONE));
    for (const std::string &other : names) CHECK(other != name);
    names.push_back(name);
  }
}

TEST_SUITE_END();
