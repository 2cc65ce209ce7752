#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cfenv>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "hosting.h"
#include "own_process.h"
#include "resources.h"
#include "system_call_filter.h"
#include "temporary_directory.h"

extern "C" {
#include "child.h"
}

namespace {

struct stat status_of(int descriptor) {
  struct stat status {};
  fstat(descriptor, &status);
  return status;
}

/* Runs `state` and gives what it found. */
std::unique_ptr<state_report> state_of(Host &host, Launch launch = Launch(test_program("state"))) {
  auto report = std::make_unique<state_report>();
  launch.arguments = {address_of(report.get())};
  const Launched launched = host.launch(launch);
  if (launched.result != 0) throw std::runtime_error(launched.message());
  host.await(launched.threadproc);
  if (report->done != 1) throw std::runtime_error("the program has not reported");
  return report;
}

/* A descriptor with an inode of its own. */
int open_numbered(int number) {
  const int file = memfd_create("numbered", 0);
  if (file != number) {
    dup3(file, number, O_CLOEXEC);
    close(file);
  }
  return number;
}

/* Whether 0-2 are what the launch asked for, and nothing else is open. */
void expect_stdio(const state_report &report, const int *wanted, const std::string &which) {
  int open = 0;
  for (int i = 0; i < 3; i++) {
    const std::string at = which + " at " + std::to_string(i);
    if (wanted[i] == TPROC_FD_CLOSED) {
      if (report.stdio[i].open) complain(__FILE__, __LINE__, at + " should be closed");
      continue;
    }
    open++;
    if (!report.stdio[i].open) {
      complain(__FILE__, __LINE__, at + " should be open");
      continue;
    }
    const struct stat status = status_of(wanted[i]);
    if (report.stdio[i].device != status.st_dev || report.stdio[i].inode != status.st_ino)
      complain(__FILE__, __LINE__, at + " is another file");
    if (report.stdio[i].flags != 0) complain(__FILE__, __LINE__, at + " would be closed by an exec");
  }
  if (report.open_descriptors != open) complain(__FILE__, __LINE__, which + ": more descriptors than stdio are open");
  if (report.highest_descriptor > 2) complain(__FILE__, __LINE__, which + ": a descriptor above 2 is open");
}

void try_all(Host &host, const std::vector<int> &sources) {
  for (int in : sources)
    for (int out : sources)
      for (int error : sources) {
        Launch launch(test_program("state"));
        launch.stdio[0] = in;
        launch.stdio[1] = out;
        launch.stdio[2] = error;
        const auto report = state_of(host, launch);
        expect_stdio(*report, launch.stdio,
                     std::to_string(in) + "," + std::to_string(out) + "," + std::to_string(error));
      }
}

}  // namespace

TEST_SUITE_BEGIN("child");

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
  CHECK(report->stdio[2].inode == status_of(file).st_ino);
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
        expect_stdio(*report, launch.stdio, "full table");
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

TEST_CASE("signals start unblocked and at their defaults, whatever the host does with them") {
  for (bool without_clone3 : {false, true})
    in_own_process([without_clone3] {
      Host host;
      if (without_clone3) forbid({{SYS_clone3, EPERM}});
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

TEST_CASE("it is the host's child, in its group and session, and dies with it") {
  Host host;
  const auto report = state_of(host);
  CHECK(report->parent == getpid());
  CHECK(report->group == getpgrp());
  CHECK(report->session == getsid(0));
  CHECK(report->parent_death_signal == SIGKILL);
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
