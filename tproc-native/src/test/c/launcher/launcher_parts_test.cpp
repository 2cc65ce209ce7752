#include <doctest/doctest.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/own_process.h"
#include "support/patience.h"

extern "C" {
#include "default_socket.h"
#include "descriptors.h"
#include "hosted.h"
#include "message.h"
#include "options.h"
#include "outcome.h"
#include "proc_file.h"
#include "request.h"
#include "terminal.h"
}

namespace {

struct Read {
  std::vector<std::string> words;
  std::vector<char *> argv;
  options read{};
  options_result result;

  explicit Read(std::vector<std::string> arguments) : words(std::move(arguments)) {
    words.insert(words.begin(), "tproc-run");
    for (std::string &word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    /* What it says is for a person. */
    const int errors = dup(2), nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, 2);
    result = options_read(argv.data(), &read);
    dup2(errors, 2);
    close(errors);
    close(nowhere);
  }
};

}  // namespace

TEST_SUITE_BEGIN("launcher: parts");

TEST_CASE("the socket, the program and its arguments, which are no options") {
  Read plain({"/run/socket", "ls", "-l", "--terminal", "--"});
  REQUIRE(plain.result == OPTIONS_RUN);
  CHECK(std::string(plain.read.socket) == "/run/socket");
  CHECK(plain.read.program == plain.argv.data() + 2);
  CHECK(plain.read.terminal == TERMINAL_AUTOMATIC);
  CHECK_FALSE(plain.read.detach);
  CHECK_FALSE(plain.read.never_forks);
  CHECK_FALSE(plain.read.spill);
  CHECK_FALSE(plain.read.hold);
  CHECK_FALSE(plain.read.crash_report);
  CHECK_FALSE(plain.read.stay);
  CHECK(plain.read.passed_count == 0);
}

TEST_CASE("options come before the socket") {
  Read all({"-t", "--pass-fd", "7", "--pass-fd=0", "--pass-fds", "--", "-socket", "program"});
  REQUIRE(all.result == OPTIONS_RUN);
  CHECK(std::string(all.read.socket) == "-socket");
  CHECK(all.read.terminal == TERMINAL_ALWAYS);
  CHECK(all.read.pass_all);
  REQUIRE(all.read.passed_count == 2);
  CHECK(all.read.passed[0] == 7);
  CHECK(all.read.passed[1] == 0);
  CHECK(Read({"--terminal", "-T", "s", "p"}).read.terminal == TERMINAL_NEVER);
  CHECK(Read({"-tT", "s", "p"}).read.terminal == TERMINAL_NEVER);
  CHECK(Read({"--detach", "s", "p"}).read.terminal == TERMINAL_NEVER);
  CHECK(Read({"--never-forks", "s", "p"}).read.never_forks);
  CHECK(Read({"--spill", "s", "p"}).read.spill);
  CHECK(Read({"--hold", "s", "p"}).read.hold);
  CHECK(Read({"--crash-report", "s", "p"}).read.crash_report);
  CHECK(Read({"--stay", "s", "p"}).read.stay);
  CHECK(Read({"-h"}).result == OPTIONS_HELP);
  CHECK(Read({"--version", "--nonsense"}).result == OPTIONS_VERSION);
}

TEST_CASE("a wrong command line") {
  const std::vector<std::vector<std::string>> lines = {{},
                                                       {"socket"},
                                                       {"--nonsense", "s", "p"},
                                                       {"-x", "s", "p"},
                                                       {"-tx", "s", "p"},
                                                       {"--pass-fd"},
                                                       {"--pass-fd", "", "s", "p"},
                                                       {"--pass-fd", "-1", "s", "p"},
                                                       {"--pass-fd=3x", "s", "p"},
                                                       {"--pass-fd=2147483648", "s", "p"},
                                                       {"--detach", "-t", "s", "p"}};
  for (const auto &line : lines) {
    CAPTURE(line.size());
    CHECK(Read(line).result == OPTIONS_WRONG);
  }
}

TEST_CASE("the default socket is the command tproc's") {
  char room[32];
  const auto in = [&room](std::vector<std::string> environment) {
    std::vector<char *> envp;
    for (std::string &each : environment) envp.push_back(each.data());
    envp.push_back(nullptr);
    const char *socket = default_socket(envp.data(), room, sizeof room);
    return std::string(socket != nullptr ? socket : "none");
  };
  CHECK(in({}) == "none");
  CHECK(in({"XDG_RUNTIME_DIR=/run/user/7"}) == "/run/user/7/tproc.sock");
  CHECK(in({"XDG_RUNTIME_DIR=/run", "TPROC_SOCKETS=/a", "TPROC_SOCKET=/b"}) == "/b");
  CHECK(in({"XDG_RUNTIME_DIR=/run", "TPROC_SOCKET="}) == "/run/tproc.sock");
  CHECK(in({"XDG_RUNTIME_DIR=/" + std::string(31, 'x')}) == "none");
}

TEST_CASE("more descriptors than a request can have are refused, not written past the end") {
  std::vector<std::string> line(WIRE_DESCRIPTORS_MAX + 1, "--pass-fd=3");
  line.insert(line.end(), {"s", "p"});
  CHECK(Read(line).result == OPTIONS_WRONG);
}

TEST_CASE("numbers in decimal") {
  char text[NUMBER_SIZE];
  CHECK(std::string(number_text(0, text)) == "0");
  CHECK(std::string(number_text(1234567890, text)) == "1234567890");
  CHECK(std::string(number_text(-1, text)) == "-1");
  CHECK(std::string(number_text(INT64_MIN, text)) == "-9223372036854775808");
}

TEST_CASE("errors are in the words of strerror") {
  for (int code :
       {EPERM,    ENOENT,  EIO,    ENXIO,      EBADF,        EAGAIN,       ENOMEM,       EACCES,     ENODEV,   ENOTDIR,
        EINVAL,   ENFILE,  EMFILE, ENOTTY,     ENOSPC,       EPIPE,        ENAMETOOLONG, ENOSYS,     ELOOP,    EPROTO,
        ENOTSOCK, ENOBUFS, E2BIG,  EPROTOTYPE, EAFNOSUPPORT, ETOOMANYREFS, ECONNREFUSED, ECONNRESET, ETIMEDOUT}) {
    CAPTURE(code);
    CHECK(std::string(errno_text(code)) == strerror(code));
    CHECK(std::string(errno_text(-code)) == strerror(code));
  }
  CHECK(std::string(errno_text(-4000)) == "Error 4000");
}

TEST_CASE("what /proc/PID/stat says, whatever the command is called") {
  process_stat stat{};
  CHECK(proc_parse_stat("12 (a) T 3 4 5 0 -1 ...", &stat));
  CHECK(stat.state == 'T');
  CHECK(stat.parent == 3);
  CHECK(stat.group == 4);
  CHECK(stat.session == 5);
  CHECK(stat.started_at == -1);
  CHECK_FALSE(stat.has_terminal);
  CHECK(proc_parse_stat("12 (a) T 3 4 5 34816 7 ...", &stat));
  CHECK(stat.has_terminal);
  CHECK(proc_parse_stat("12 (a) T 3 4 5 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 9", &stat));
  CHECK(stat.started_at == 4711);
  CHECK(stat.break_start == 0);
  CHECK(
      proc_parse_stat("12 (a) T 3 4 5 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 9 18446744073709551615 26 27 28 "
                      "29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 140737488355328 48 49",
                      &stat));
  CHECK(stat.started_at == 4711);
  CHECK(stat.break_start == 140737488355328);
  CHECK(proc_parse_stat("12 (a) S 1 (2) R 7 8 -1 0", &stat));
  CHECK(stat.state == 'R');
  CHECK(stat.session == -1);
  for (const char *wrong : {"", "12 a T 3 4 5", "12 (a)", "12 (a) T", "12 (a) T 3", "12 (a) T 3 x 5", "12 (a)T 3 4 5"})
    CHECK_FALSE(proc_parse_stat(wrong, &stat));
  CHECK(proc_read_stat(getpid(), &stat));
  CHECK(stat.parent == getppid());
  CHECK(stat.group == getpgid(0));
  CHECK(stat.session == getsid(0));
  CHECK_FALSE(proc_read_stat(0x7ffffff0, &stat));
}

TEST_CASE("a field of /proc/PID/status is found at the start of a line only") {
  int64_t number = 0;
  CHECK(proc_parse_field("Name:\tSigIgn:\t1\nSigIgn:\t00000000000000ff\n", "SigIgn:\t", 16, &number));
  CHECK(number == 0xff);
  CHECK(proc_parse_field("SigCgt:\tffffffffffffffff\n", "SigCgt:\t", 16, &number));
  CHECK(number == -1);
  CHECK(proc_parse_field("pos:\t0\nPid:\t-1\n", "Pid:\t", 10, &number));
  CHECK(number == -1);
  CHECK_FALSE(proc_parse_field("Name:\tx\n", "SigIgn:\t", 16, &number));
  CHECK_FALSE(proc_parse_field("SigIgn:\t\n", "SigIgn:\t", 16, &number));
  CHECK_FALSE(proc_parse_field("", "SigIgn:\t", 16, &number));
}

TEST_CASE("the signals that a process handles or ignores") {
  in_own_process([] {
    signal(SIGUSR1, SIG_IGN);
    signal(SIGTSTP, [](int) {});
    signal(SIGTTIN, SIG_DFL);
    uint64_t not_default = 0, blocked = 0;
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGTTOU);
    sigprocmask(SIG_SETMASK, &held, nullptr);
    EXPECT(proc_read_dispositions(getpid(), &not_default, &blocked));
    EXPECT_EQUAL(blocked, uint64_t{1} << (SIGTTOU - 1));
    EXPECT((not_default >> (SIGUSR1 - 1) & 1) == 1);
    EXPECT((not_default >> (SIGTSTP - 1) & 1) == 1);
    EXPECT((not_default >> (SIGTTIN - 1) & 1) == 0);
    EXPECT((request_ignored_signals() >> (SIGUSR1 - 1) & 1) == 1);
    EXPECT((request_ignored_signals() >> (SIGTSTP - 1) & 1) == 0);
  });
}

namespace {

// A child that blocks all signals and says so; then it runs `blocked`, and blocks none.
class BlockingChild {
 public:
  explicit BlockingChild(void (*blocked)(int said)) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    pid_ = fork();
    if (pid_ == 0) {
      sigset_t all;
      sigfillset(&all);
      for (int number : {SIGTSTP, SIGTTIN}) signal(number, SIG_DFL);
      sigprocmask(SIG_SETMASK, &all, nullptr);
      blocked(ends[1]);
      sigprocmask(SIG_UNBLOCK, &all, nullptr);
      for (;;) pause();
    }
    char said;
    EXPECT_EQUAL(read(ends[0], &said, 1), 1);
    for (int end : ends) close(end);
    child.pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  }
  BlockingChild(const BlockingChild &) = delete;
  BlockingChild &operator=(const BlockingChild &) = delete;
  ~BlockingChild() {
    close(child.pidfd);
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  hosted child{};

 private:
  pid_t pid_;
};

void vfork_that_takes_long(int said) {
  if (vfork() != 0) return;
  const timespec long_for_a_shell{0, 300000000};
  syscall(SYS_write, said, "x", 1);
  syscall(SYS_nanosleep, &long_for_a_shell, nullptr);
  _exit(0);
}

}  // namespace

TEST_CASE("a signal that is blocked around a fork has its default, one that a sleeper blocks has not") {
  in_own_process([] {
    const BlockingChild forks(vfork_that_takes_long);
    EXPECT(hosted_has_default(&forks.child, SIGTSTP));
    EXPECT(hosted_has_default(&forks.child, SIGTTIN));
    const BlockingChild waits([](int said) {
      if (write(said, "x", 1) == 1) pause();
    });
    EXPECT(!hosted_has_default(&waits.child, SIGTSTP));
  });
}

namespace {

// A process of two threads, of which the first ends; the other waits.
pid_t start_second_thread(bool blocks) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  pthread_t second;
  signal(SIGTSTP, SIG_DFL);
  const auto wait = [](void *unused) -> void * {
    for (;;) pause();
    return unused;
  };
  if (pthread_create(&second, nullptr, wait, nullptr) != 0) _exit(1);
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  if (blocks) wait(nullptr);
  syscall(SYS_exit, 0);
  return 0;
}

bool first_is(pid_t pid, char state) {
  process_stat stat{};
  return proc_read_stat(pid, &stat) && stat.state == state;
}

}  // namespace

TEST_CASE("any thread of a program tells whether it is stopped, and takes a signal that the first one blocks") {
  in_own_process([] {
    for (const bool blocks : {false, true}) {
      int threads[3];
      const pid_t pid = start_second_thread(blocks);
      const hosted child{.pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
      EXPECT(eventually([&] { return proc_read_threads(pid, threads, 3) == 2 && first_is(pid, blocks ? 'S' : 'Z'); }));
      EXPECT_EQUAL(threads[0], pid);
      EXPECT_EQUAL(proc_read_threads(pid, threads, 1), size_t{1});
      EXPECT(hosted_has_default(&child, SIGTSTP));
      EXPECT(!hosted_is_stopped(&child));
      siginfo_t info{};
      kill(pid, SIGSTOP);
      EXPECT_EQUAL(waitid(P_PID, pid, &info, WSTOPPED), 0);
      EXPECT(hosted_is_stopped(&child));
      kill(pid, SIGKILL);
      EXPECT_EQUAL(waitid(P_PID, pid, &info, WEXITED), 0);
      close(child.pidfd);
    }
    int threads[1];
    EXPECT_EQUAL(proc_read_threads(0x7ffffff0, threads, 1), size_t{1});
  });
}

TEST_CASE("how an end is told") {
  CHECK(outcome_of(1, 0).exit_code == 0);
  CHECK(outcome_of(1, 255).exit_code == 255);
  CHECK(outcome_of(1, 7).signal == 0);
  CHECK(outcome_of(2, SIGSEGV).signal == SIGSEGV);
  CHECK(outcome_of(3, SIGABRT).signal == SIGABRT);
  CHECK(outcome_of(2, 64).signal == 64);
  for (int32_t wrong : {0, -1, 65}) CHECK(outcome_of(2, wrong).exit_code == WIRE_EXIT_NO_HOST);
  CHECK(outcome_of(17, 0).exit_code == WIRE_EXIT_NO_HOST);
}

TEST_CASE("raw modes change no byte and answer none with a signal") {
  termios2 modes{};
  modes.c_iflag = ICRNL | IXON | ISTRIP | IUTF8;
  modes.c_oflag = OPOST | ONLCR;
  modes.c_lflag = ICANON | ECHO | ISIG | IEXTEN | TOSTOP;
  modes.c_cflag = CS7 | PARENB | CREAD;
  const termios2 raw = terminal_raw_modes(modes);
  CHECK(raw.c_iflag == IUTF8);
  CHECK((raw.c_oflag & OPOST) == 0);
  CHECK(raw.c_lflag == TOSTOP);
  CHECK(raw.c_cflag == (CS8 | CREAD));
  CHECK(raw.c_cc[VMIN] == 1);
  CHECK(raw.c_cc[VTIME] == 0);
}

TEST_CASE("the signals that a terminal makes of what is typed") {
  termios2 modes{};
  modes.c_lflag = ICANON | ISIG | IEXTEN;
  modes.c_cc[VINTR] = 3;
  modes.c_cc[VQUIT] = 28;
  modes.c_cc[VSUSP] = 26;
  modes.c_cc[VLNEXT] = 22;
  bool quoted = false;
  const auto made = [&](const std::string &typed) {
    return terminal_signals_of(&modes, reinterpret_cast<const unsigned char *>(typed.data()), typed.size(), &quoted);
  };
  const auto bit = [](int signal) { return uint64_t{1} << (signal - 1); };
  CHECK(made("text") == 0);
  CHECK(made("a\003b") == bit(SIGINT));
  CHECK(made("\034\032") == (bit(SIGQUIT) | bit(SIGTSTP)));
  CHECK(made("\026\003") == 0);
  CHECK(made("\026\026\003") == bit(SIGINT));
  CHECK(made("\026") == 0);
  CHECK(made("\003\032") == bit(SIGTSTP)); /* quoted across two writes */
  modes.c_lflag = ISIG | IEXTEN;
  CHECK(made("\026\003") == bit(SIGINT)); /* nothing is quoted where no lines are edited */
  modes.c_lflag = ICANON;
  CHECK(made("\003") == 0);
  modes.c_lflag = ISIG;
  modes.c_cc[VINTR] = 0;
  CHECK(made(std::string(1, '\0')) == 0);
}

TEST_CASE("a request is one that the host can read, with this process's own state") {
  in_own_process([] {
    umask(0751);
    setpriority(PRIO_PROCESS, 0, 5);
    const sched_param none{0};
    EXPECT_EQUAL(sched_setscheduler(0, SCHED_BATCH, &none), 0);
    EXPECT_EQUAL(syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, 2 << 13 | 7), 0);
    EXPECT(personality(ADDR_NO_RANDOMIZE) >= 0);
    uint64_t cpus[WIRE_CPU_WORDS_MAX] = {};
    EXPECT(syscall(SYS_sched_getaffinity, 0, sizeof cpus, cpus) > 0);
    cpus[0] &= ~(cpus[0] - 1); /* the first of them */
    EXPECT_EQUAL(syscall(SYS_sched_setaffinity, 0, sizeof cpus[0], cpus), 0);
    const rlimit files{77, 99};
    setrlimit(RLIMIT_NOFILE, &files);
    auto passed = std::make_unique<descriptors>();
    auto chosen = std::make_unique<options>();
    close(0);
    dup2(2, 9);
    chosen->passed[chosen->passed_count++] = 9;
    EXPECT_EQUAL(descriptors_find(chosen.get(), passed.get()), 0);
    EXPECT_EQUAL(descriptors_open_directory(passed.get()), 0);
    EXPECT(fcntl(0, F_GETFD) >= 0); /* something is there: no socket becomes standard input */
    const char *argv[] = {"program", "", "last", nullptr};
    const char *envp[] = {"A=1", nullptr};
    outgoing sent{};
    EXPECT_EQUAL(request_make(passed.get(), const_cast<char **>(argv), const_cast<char **>(envp), WIRE_LAUNCH_OUTLIVE,
                              0x11, 0x22, &sent),
                 0);
    char problem[WIRE_PROBLEM_SIZE] = "";
    wire_launch_view view{};
    EXPECT(wire_header_check(&sent.header, WIRE_FROM_CLIENT, problem));
    EXPECT(wire_launch_read(sent.payload, sent.header.size, sent.header.descriptors, &view, problem));
    EXPECT_EQUAL(std::string(problem), "");
    EXPECT_EQUAL(view.fixed.umask, 0751u);
    EXPECT_EQUAL(view.fixed.nice, 5);
    EXPECT_EQUAL(view.state.given, WIRE_STATE_SCHEDULING | WIRE_STATE_IO_PRIORITY | WIRE_STATE_PERSONALITY);
    EXPECT_EQUAL(view.state.policy, static_cast<uint32_t>(SCHED_BATCH));
    EXPECT_EQUAL(view.state.io_priority, 2u << 13 | 7);
    EXPECT_EQUAL(view.state.personality, static_cast<uint32_t>(ADDR_NO_RANDOMIZE));
    EXPECT(view.state.cpu_words > 0);
    EXPECT_EQUAL(view.cpus[0], cpus[0]);
    EXPECT_EQUAL(view.fixed.flags, WIRE_LAUNCH_OUTLIVE);
    EXPECT_EQUAL(view.fixed.ignored_signals, 0x11u);
    EXPECT_EQUAL(view.fixed.blocked_signals, 0x22u);
    EXPECT_EQUAL(view.fixed.limits[RLIMIT_NOFILE].soft, 77u);
    EXPECT_EQUAL(view.fixed.limits[RLIMIT_NOFILE].hard, 99u);
    EXPECT_EQUAL(view.fixed.argument_count, 3u);
    EXPECT_EQUAL(std::string(view.arguments, view.fixed.arguments_size), std::string("program\0\0last", 14));
    EXPECT_EQUAL(std::string(view.environment), "A=1");
    EXPECT_EQUAL(view.fixed.descriptor_count, 3u);
    EXPECT_EQUAL(view.numbers[0], 1);
    EXPECT_EQUAL(view.numbers[1], 2);
    EXPECT_EQUAL(view.numbers[2], 9);
    EXPECT_EQUAL(sent.descriptors[3], 9);
  });
}

TEST_CASE("all inherited descriptors, and too many of them") {
  in_own_process([] {
    closefrom(3);
    dup2(1, 30);
    dup2(1, 5);
    auto passed = std::make_unique<descriptors>();
    auto chosen = std::make_unique<options>();
    chosen->pass_all = true;
    EXPECT_EQUAL(descriptors_find(chosen.get(), passed.get()), 0);
    EXPECT_EQUAL(passed->count, 5u);
    EXPECT_EQUAL(passed->numbers[3], 5);
    EXPECT_EQUAL(passed->numbers[4], 30);
    const rlimit files{4096, 4096};
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) return;
    for (int i = 100; i < 1400; i++) dup2(1, i);
    dup2(open("/dev/null", O_WRONLY), 2);
    EXPECT_EQUAL(descriptors_find(chosen.get(), passed.get()), WIRE_EXIT_NO_HOST);
  });
}

TEST_SUITE_END();
