#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/launcher_host.h"
#include "support/launcher_process.h"
#include "support/patience.h"
#include "support/temporary_directory.h"

namespace {

struct Place {
  TemporaryDirectory directory;
  std::string socket = directory / "socket";
};

// A launcher with a host that runs programs natively.
struct Hosted : Place {
  NativeHost host{socket};

  Arguments with(Arguments program) const {
    program.insert(program.begin(), socket);
    return program;
  }
  std::string output_of(
      const Arguments &program, const std::function<void()> &before = [] {}) const {
    LauncherProcess launcher(with(program), before);
    std::string output = launcher.output();
    CHECK(launcher.errors() == "");
    CHECK(launcher.exit_code() == 0);
    return output;
  }
};

// A launcher with a host that the test plays.
struct Played : Place {
  ListeningSocket listening{socket};
};

std::string said(const std::string &text) { return "tproc-run: " + text + "\n"; }

// Stops; once continued it exits with the number of SIGCONTs that come before none has come for a while.
pid_t child_that_counts_continuations() {
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid();
    sigset_t continuation;
    sigemptyset(&continuation);
    sigaddset(&continuation, SIGCONT);
    sigprocmask(SIG_SETMASK, &continuation, nullptr);
    raise(SIGSTOP);
    const timespec a_while{0, 300000000};
    int count = 0;
    while (sigtimedwait(&continuation, nullptr, &a_while) == SIGCONT) count++;
    _exit(count);
  }
  return pid;
}

// Ends by any signal, from the moment that this returns.
pid_t sleeping_child() {
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid();
    for (int number = 1; number <= 64; number++) signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    for (;;) pause();
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return pid;
}

void end_child(pid_t pid) {
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

}  // namespace

TEST_SUITE_BEGIN("launcher");

TEST_CASE("a program's output, input and exit code are the launcher's") {
  Hosted hosted;
  CHECK(hosted.output_of({"echo", "a", "", "b c"}) == "a  b c\n");
  LauncherProcess cat(hosted.with({"cat"}));
  cat.write("through\n");
  cat.end_input();
  CHECK(cat.output() == "through\n");
  CHECK(cat.exit_code() == 0);
  for (int code : {0, 1, 42, 255}) {
    LauncherProcess launcher(hosted.with({"sh", "-c", "exit " + std::to_string(code)}));
    CHECK(launcher.exit_code() == code);
    CHECK(launcher.errors() == "");
  }
}

TEST_CASE("a program that a signal has killed takes the launcher with it by the same signal") {
  Hosted hosted;
  for (int number : {SIGHUP, SIGINT, SIGKILL, SIGSEGV, SIGABRT, SIGTERM, SIGUSR1, SIGRTMIN + 3}) {
    CAPTURE(number);
    LauncherProcess launcher(hosted.with({"sh", "-c", "kill -" + std::to_string(number) + " $$"}));
    CHECK(launcher.end_signal() == number);
    CHECK(launcher.errors() == "");
  }
}

TEST_CASE("the environment is the caller's, also when there is none") {
  Hosted hosted;
  CHECK(hosted.output_of({"/usr/bin/env"}, [] { clearenv(); }) == "");
  CHECK(hosted.output_of({"/usr/bin/env"}, [] {
    clearenv();
    setenv("ONLY", "this one", 1);
  }) == "ONLY=this one\n");
  const std::string large(1 << 20, 'e');
  const std::string printed = hosted.output_of({"sh", "-c", "printf %s \"$L1$L2$L3$L4$L5$L6$L7$L8$L9\" | wc -c"}, [&] {
    const rlimit stack{64 << 20, 64 << 20};
    setrlimit(RLIMIT_STACK, &stack);
    for (int i = 1; i <= 9; i++) setenv(("L" + std::to_string(i)).c_str(), large.substr(0, 100000).c_str(), 1);
  });
  CHECK(std::stol(printed) == 900000);
}

TEST_CASE("arguments have no limit but the kernel's") {
  Played played;
  const Arguments many(20, std::string(131000, 'x'));
  Arguments line = {played.socket, "./" + std::string(4000, 'p')};
  line.insert(line.end(), many.begin(), many.end());
  LauncherProcess launcher(line, [] {
    const rlimit stack{64 << 20, 64 << 20};
    setrlimit(RLIMIT_STACK, &stack);
  });
  PlayedClient client = played.listening.accept();
  const Request request = client.request();
  CHECK(request.view.program == line[1]);
  CHECK(request.arguments() == Arguments(line.begin() + 1, line.end()));
  client.ended(1, 0); /* out of turn: an end of what has not begun */
  CHECK(launcher.exit_code() == 125);
}

TEST_CASE("names that no program can have") {
  Played played;
  LauncherProcess nameless({played.socket, ""});
  CHECK(nameless.errors() == said("'': No such file or directory"));
  CHECK(nameless.exit_code() == 127);
  const std::string long_name(4096, 'n');
  LauncherProcess endless({played.socket, long_name});
  CHECK(endless.errors() == said(long_name + ": File name too long"));
  CHECK(endless.exit_code() == 126);
}

TEST_CASE("the working directory and the umask are the caller's") {
  Hosted hosted;
  const std::string elsewhere = hosted.directory.directory("elsewhere");
  CHECK(hosted.output_of({"sh", "-c", "pwd -P; umask"}, [&] {
    if (chdir(elsewhere.c_str()) != 0) _exit(97);
    umask(027);
  }) == elsewhere + "\n0027\n");
}

TEST_CASE("what the request says of the caller") {
  Played played;
  LauncherProcess launcher({played.socket, "program", "argument"}, [] {
    umask(027);
    errno = 0;
    if (nice(3) == -1 && errno != 0) _exit(97); /* below zero where the tests have been given priority */
    const rlimit files{123, 234};
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGHUP, SIG_IGN);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    sigprocmask(SIG_SETMASK, &blocked, nullptr);
  });
  PlayedClient client = played.listening.accept();
  {
    const Request request = client.request();
    CHECK(request.view.fixed.umask == 027);
    CHECK(request.view.fixed.nice == getpriority(PRIO_PROCESS, 0) + 3);
    CHECK(request.view.fixed.limits[RLIMIT_NOFILE].soft == 123);
    CHECK(request.view.fixed.limits[RLIMIT_NOFILE].hard == 234);
    CHECK(request.view.fixed.ignored_signals == uint64_t{1} << (SIGHUP - 1));
    CHECK(request.view.fixed.blocked_signals == uint64_t{1} << (SIGUSR2 - 1));
    CHECK(request.view.fixed.flags == 0);
    CHECK(request.numbers() == std::vector<int>{0, 1, 2});
  }
  client.failed(ENOENT, 127, "program: no such program");
  CHECK(launcher.errors() == said("program: no such program"));
  CHECK(launcher.exit_code() == 127);
}

TEST_CASE("a deleted working directory") {
  Hosted hosted;
  const std::string gone = hosted.directory.directory("gone");
  struct stat before {};
  REQUIRE(stat(gone.c_str(), &before) == 0);
  const std::string inode = hosted.output_of({"stat", "-c", "%i", "."}, [&] {
    if (chdir(gone.c_str()) != 0 || rmdir(gone.c_str()) != 0) _exit(97);
  });
  CHECK(inode == std::to_string(before.st_ino) + "\n");
}

TEST_CASE("closed standard descriptors stay closed, and none of the launcher's own takes their place") {
  Hosted hosted;
  const Arguments list = {"sh", "-c",
                          "cd /proc/self/fd; exec >&9; for f in 0 1 2; do [ -e $f ] && echo $f; done; true"};
  Arguments line = {"--pass-fd", "9"};
  line.push_back(hosted.socket);
  line.insert(line.end(), list.begin(), list.end());
  LauncherProcess launcher(line, [] {
    dup2(1, 9);
    close(0);
    close(2);
  });
  CHECK(launcher.output() == "1\n");
  CHECK(launcher.exit_code() == 0);
  Played gone;
  gone.listening.close();
  LauncherProcess silent({gone.socket, "true"}, [] {
    close(0);
    close(1);
    close(2);
  });
  CHECK(silent.exit_code() == 125);
}

TEST_CASE("further descriptors: none, those named, or all") {
  Hosted hosted;
  const std::string file = hosted.directory.file("file", "content of it\n");
  const auto open_file = [&] {
    dup2(open(file.c_str(), O_RDONLY), 77);
    dup2(77, 5);
    close(3);
    close(4);
  };
  const Arguments program = {hosted.socket, "sh", "-c",
                             "[ -e /proc/$$/fd/5 ] && echo 5; cat /proc/$$/fd/77 2>&-; true"};
  Arguments named = program, all = program;
  named.insert(named.begin(), {"--pass-fd", "77"});
  all.insert(all.begin(), "--pass-fds");
  CHECK(LauncherProcess(program, open_file).output() == "");
  CHECK(LauncherProcess(named, open_file).output() == "content of it\n");
  CHECK(LauncherProcess(all, open_file).output() == "5\ncontent of it\n");
  LauncherProcess wrong({"--pass-fd", "1000", hosted.socket, "true"});
  CHECK(wrong.errors() == said("--pass-fd 1000: Bad file descriptor"));
  CHECK(wrong.exit_code() == 125);
}

TEST_CASE("more descriptors than fit into one message") {
  Played played;
  LauncherProcess launcher({"--pass-fds", played.socket, "true"}, [] {
    const rlimit files{2048, 4096};
    setrlimit(RLIMIT_NOFILE, &files);
    closefrom(3);
    for (int i = 3; i < 903; i++) dup2(1, i);
  });
  PlayedClient client = played.listening.accept();
  const Request request = client.request();
  CHECK(request.descriptors.size() == 904);
  CHECK(request.numbers().back() == 902);
  client.failed(EAGAIN, 125, "enough");
  CHECK(launcher.exit_code() == 125);
}

TEST_CASE("no host, and what is no host") {
  TemporaryDirectory directory;
  const std::string nowhere = directory / "nothing", file = directory.file("file", "");
  LauncherProcess absent({nowhere, "true"});
  CHECK(absent.errors() == said("no host listens at " + nowhere + ": there is no such file"));
  CHECK(absent.exit_code() == 125);
  LauncherProcess plain({file, "true"});
  CHECK(plain.errors() == said("no host listens at " + file + ": this is not a socket"));
  CHECK(plain.exit_code() == 125);
  const std::string left = directory / "left";
  { ListeningSocket gone(left); }
  LauncherProcess stale({left, "true"});
  CHECK(stale.errors() == said("no host listens at " + left + ": it is gone, and has left the socket behind"));
  CHECK(stale.exit_code() == 125);
  LauncherProcess empty({"", "true"});
  CHECK(empty.errors() == said("the socket's name is empty"));
  CHECK(empty.exit_code() == 125);
}

TEST_CASE("a single word may be the program: the default socket is named") {
  LauncherProcess launcher({"ls"});
  CHECK(launcher.errors() == said("PROGRAM is missing, or SOCKET: 'tproc-run - ls' takes the default socket") +
                                 said("try 'tproc-run --help'"));
  CHECK(launcher.exit_code() == 125);
}

TEST_CASE("a socket named - is the one that the environment names") {
  Played played;
  LauncherProcess launcher({"-", "program"}, [&] { setenv("TPROC_SOCKET", played.socket.c_str(), 1); });
  PlayedClient client = played.listening.accept();
  client.request();
  client.failed(EPERM, 126, "reached");
  CHECK(launcher.errors() == said("reached"));
  LauncherProcess none({"-", "program"}, [] {
    unsetenv("TPROC_SOCKET");
    setenv("XDG_RUNTIME_DIR", "", 1);
  });
  CHECK(none.errors() == said("SOCKET is -, and neither TPROC_SOCKET nor XDG_RUNTIME_DIR is set"));
  CHECK(none.exit_code() == 125);
}

TEST_CASE("what it says has no control characters, whatever names and hosts say") {
  TemporaryDirectory directory;
  LauncherProcess absent({directory / "no\x1b[31m\r", "true"});
  CHECK(absent.errors() == said("no host listens at " + (directory / "no\\x1b[31m\\r") + ": there is no such file"));
  Played played;
  LauncherProcess refused({played.socket, "program"});
  PlayedClient client = played.listening.accept();
  client.request();
  client.failed(ENOENT, 127, "no \n\x1b]0;title\x07");
  CHECK(refused.errors() == said("no \\n\\x1b]0;title\\x07"));
}

TEST_CASE("a socket whose path is longer than an address") {
  TemporaryDirectory directory;
  std::string deep = directory.path();
  for (int i = 0; i < 4; i++) {
    deep += "/" + std::string(60, static_cast<char>('a' + i));
    mkdir(deep.c_str(), 0755);
  }
  const int here = open(".", O_PATH | O_DIRECTORY);
  REQUIRE(chdir(deep.c_str()) == 0);
  ListeningSocket listening("socket");
  REQUIRE(fchdir(here) == 0);
  close(here);
  LauncherProcess launcher({deep + "/socket", "true"});
  PlayedClient client = listening.accept();
  client.request();
  client.failed(EPERM, 126, "reached");
  CHECK(launcher.errors() == said("reached"));
  CHECK(launcher.exit_code() == 126);
  LauncherProcess longer({deep + "/" + std::string(100, 's'), "true"});
  CHECK(longer.errors().find("File name too long") != std::string::npos);
  CHECK(longer.exit_code() == 125);
}

TEST_CASE("a host that refuses before it has read the whole request") {
  Played played;
  const Arguments many(20, std::string(131000, 'x'));
  Arguments line = {played.socket, "program"};
  line.insert(line.end(), many.begin(), many.end());
  LauncherProcess launcher(line, [] {
    const rlimit stack{64 << 20, 64 << 20};
    setrlimit(RLIMIT_STACK, &stack);
  });
  PlayedClient client = played.listening.accept();
  client.failed(EMFILE, 125, "too many connections");
  client.close();
  CHECK(launcher.errors() == said("too many connections"));
  CHECK(launcher.exit_code() == 125);
}

TEST_CASE("hosts that end, or answer nonsense, before the program has started") {
  Played played;
  const std::string ended =
      said("the host at " + played.socket + " has ended, or closed the connection without an answer");
  const std::string nonsense =
      said("what listens at " + played.socket + " does not answer as a host of this version does");
  const auto with_answer = [&](const std::function<void(PlayedClient &)> &answer, const std::string &message) {
    LauncherProcess launcher({played.socket, "program"});
    PlayedClient client = played.listening.accept();
    client.request();
    answer(client);
    client.close();
    CHECK(launcher.errors() == message);
    CHECK(launcher.exit_code() == 125);
  };
  with_answer([](PlayedClient &) {}, ended);
  with_answer([](PlayedClient &client) { write(client.socket(), "TRO", 3) < 0 ? abort() : void(); }, ended);
  with_answer([](PlayedClient &client) { client.send(WIRE_STARTED, "only", 4); }, nonsense); /* without a pidfd */
  with_answer([](PlayedClient &client) { client.ended(1, 0); }, nonsense);
  with_answer([](PlayedClient &client) { client.send(WIRE_DONE, "", 0); }, nonsense);
  with_answer([](PlayedClient &client) { client.send(WIRE_FAILED, "x", 1); }, nonsense);
  with_answer(
      [](PlayedClient &client) { write(client.socket(), "HTTP/1.1 400 Bad Request", 24) < 0 ? abort() : void(); },
      nonsense);
  const std::string text(64 << 10, 't');
  with_answer([&](PlayedClient &client) { client.failed(EPERM, 0, text); }, said(text));
}

TEST_CASE("a host that dies while the program runs") {
  Played played;
  const pid_t program = sleeping_child();
  LauncherProcess launcher({played.socket, "program"});
  PlayedClient client = played.listening.accept();
  client.request();
  client.started(program);
  client.close();
  CHECK(launcher.errors() == said("the host at " + played.socket + " has ended, and its programs with it"));
  CHECK(launcher.exit_code() == 125);
  LauncherProcess told({played.socket, "program"});
  PlayedClient other = played.listening.accept();
  other.request();
  other.started(program);
  other.failed(ESHUTDOWN, 125, "the host has ended");
  CHECK(told.errors() == said("the host has ended"));
  CHECK(told.exit_code() == 125);
  end_child(program);
}

TEST_CASE("STARTED and ENDED in one") {
  Played played;
  const pid_t program = sleeping_child();
  for (int i = 0; i < 20; i++) {
    LauncherProcess launcher({played.socket, "program"});
    PlayedClient client = played.listening.accept();
    client.request();
    client.started(program);
    client.ended(1, i);
    CHECK(launcher.exit_code() == i);
  }
  end_child(program);
}

TEST_CASE("every catchable signal goes to the program") {
  Hosted hosted;
  for (int number = 1; number <= SIGRTMAX; number++) {
    if (number == SIGKILL || number == SIGSTOP || number == 32 || number == 33) continue;
    if (number == SIGCHLD || number == SIGCONT || number == SIGURG || number == SIGWINCH || number == SIGTSTP ||
        number == SIGTTIN || number == SIGTTOU)
      continue;
    CAPTURE(number);
    LauncherProcess launcher(hosted.with({"sleep", "100"}));
    launcher.signal(number);
    CHECK(launcher.end_signal() == number);
  }
}

TEST_CASE("signals that do not end programs, and a value that comes with one") {
  Played played;
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  int reported[2];
  REQUIRE(pipe2(reported, O_CLOEXEC) == 0);
  const pid_t program = fork();
  if (program == 0) { /* tells what it gets */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid();
    const int signals = signalfd(-1, &all, 0);
    for (;;) {
      signalfd_siginfo info;
      if (read(signals, &info, sizeof info) < 0) continue;
      const int got[2] = {static_cast<int>(info.ssi_signo), info.ssi_code == SI_QUEUE ? info.ssi_int : 0};
      if (write(reported[1], got, sizeof got) < 0) _exit(1);
    }
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  LauncherProcess launcher({played.socket, "program"});
  PlayedClient client = played.listening.accept();
  client.request();
  client.started(program);
  for (int number : {SIGCHLD, SIGURG, SIGWINCH, SIGUSR1, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGALRM, SIGPIPE}) {
    launcher.signal(number);
    int got[2] = {};
    CHECK(read(reported[0], got, sizeof got) == sizeof got);
    CHECK(got[0] == number);
  }
  for (int looks = 0; looks < 3; looks++) CHECK(client.next() == WIRE_LOOK); /* for those that may stop it */
  sigval value{};
  value.sival_int = 4711;
  sigqueue(launcher.pid(), SIGRTMIN + 1, value);
  int got[2] = {};
  CHECK(read(reported[0], got, sizeof got) == sizeof got);
  CHECK(got[0] == SIGRTMIN + 1);
  CHECK(got[1] == 4711);
  close(reported[0]);
  close(reported[1]);
  end_child(program);
}

TEST_CASE("signals that come before the program has started are its own") {
  Played played;
  LauncherProcess launcher({played.socket, "program"});
  PlayedClient client = played.listening.accept();
  client.request();
  launcher.signal(SIGUSR1);
  const pid_t program = sleeping_child();
  client.started(program);
  int status = 0;
  CHECK(waitpid(program, &status, 0) == program);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGUSR1);
  client.ended_as(status);
  CHECK(launcher.end_signal() == SIGUSR1);
}

TEST_CASE("a host that hangs does not keep the launcher from ending") {
  Played played;
  SUBCASE("before it has answered") {
    LauncherProcess launcher({played.socket, "program"});
    PlayedClient client = played.listening.accept();
    client.request();
    const auto begin = std::chrono::steady_clock::now();
    launcher.signal(SIGTERM);
    CHECK(launcher.end_signal() == SIGTERM);
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(1900));
    CHECK(launcher.errors() == said("the host at " + played.socket + " does not answer"));
  }
  SUBCASE("without taking the request") {
    const Arguments many(20, std::string(131000, 'x'));
    Arguments line = {played.socket, "program"};
    line.insert(line.end(), many.begin(), many.end());
    LauncherProcess launcher(line, [] {
      const rlimit stack{64 << 20, 64 << 20};
      setrlimit(RLIMIT_STACK, &stack);
    });
    PlayedClient client = played.listening.accept();
    launcher.signal(SIGINT);
    CHECK(launcher.end_signal() == SIGINT);
  }
  SUBCASE("without taking the connection") {
    TemporaryDirectory directory;
    const std::string path = directory / "full";
    ListeningSocket full(path, 0);
    LauncherProcess first({path, "program"}), second({path, "program"}), third({path, "program"});
    third.signal(SIGHUP);
    second.signal(SIGHUP);
    CHECK(third.end_signal() == SIGHUP);
    CHECK(second.end_signal() == SIGHUP);
  }
  SUBCASE("after the program has gone") {
    const pid_t program = sleeping_child();
    LauncherProcess launcher({played.socket, "program"});
    PlayedClient client = played.listening.accept();
    client.request();
    client.started(program);
    launcher.signal(SIGINT);
    int status = 0;
    CHECK(waitpid(program, &status, 0) == program);
    launcher.signal(SIGINT);
    CHECK(launcher.exit_code() == 125);
    CHECK(launcher.errors() ==
          said("the program has ended, but the host at " + played.socket + " does not say how: it hangs"));
  }
}

TEST_CASE("a signal that the caller ignores does not end the wait") {
  Played played;
  LauncherProcess launcher({played.socket, "program"}, [] { signal(SIGHUP, SIG_IGN); });
  PlayedClient client = played.listening.accept();
  const Request request = client.request();
  launcher.signal(SIGHUP);
  launcher.signal(SIGTERM);
  CHECK(launcher.end_signal() == SIGTERM);
}

TEST_CASE("a stop of the program stops the launcher, and its continuation continues the program") {
  Hosted hosted;
  LauncherProcess launcher(hosted.with({"sh", "-c", "echo $$; kill -STOP $$; echo on; kill -STOP $$; echo end"}));
  CHECK(launcher.has_stopped());
  launcher.signal(SIGCONT);
  CHECK(launcher.has_stopped());
  launcher.signal(SIGCONT);
  const std::string output = launcher.output();
  CHECK(output.find("\non\nend\n") != std::string::npos);
  CHECK(launcher.exit_code() == 0);
}

TEST_CASE("a continued program gets one SIGCONT: a second would end the stop that it makes next") {
  Played played;
  const pid_t program = child_that_counts_continuations();
  int status = 0;
  REQUIRE(waitpid(program, &status, WUNTRACED) == program);
  LauncherProcess launcher({played.socket, "program"});
  PlayedClient client = played.listening.accept();
  client.request();
  client.started(program);
  client.stopped(SIGSTOP);
  CHECK(launcher.has_stopped());
  /* Much to read before it looks for signals: two in a row would be one to the program. */
  const std::vector<wire_header> words(5000, wire_header_for(WIRE_CONTINUED, 0, 0));
  const ssize_t size = static_cast<ssize_t>(words.size() * sizeof words[0]);
  REQUIRE(write(client.socket(), words.data(), static_cast<size_t>(size)) == size);
  launcher.signal(SIGCONT);
  CHECK(waitpid(program, &status, 0) == program);
  CHECK(WEXITSTATUS(status) == 1);
  client.ended(1, 0);
  CHECK(launcher.exit_code() == 0);
}

TEST_CASE("SIGTSTP to the launcher stops both, if its group has a parent to continue it") {
  Hosted hosted;
  const std::string ready = hosted.directory / "ready", go = hosted.directory / "go";
  const Arguments program = hosted.with({"sh", "-c", "> " + ready + "; until [ -e " + go + " ]; do sleep 0.01; done"});
  const auto is_ready = [&] { return access(ready.c_str(), F_OK) == 0; };
  LauncherProcess launcher(program, [] { setpgid(0, 0); });
  CHECK(eventually(is_ready));
  launcher.signal(SIGTSTP);
  const bool stopped = launcher.has_stopped();
  hosted.directory.file("go", "");
  if (!stopped) {
    INFO(launcher.wait(), " and ", launcher.errors());
    FAIL("it has ended instead");
  }
  CHECK(waitpid(launcher.pid(), nullptr, WNOHANG) == 0);
  launcher.signal(SIGCONT);
  CHECK(launcher.exit_code() == 0);
  unlink(ready.c_str());
  unlink(go.c_str());
  LauncherProcess orphan(program, [] { setsid(); });
  CHECK(eventually(is_ready));
  orphan.signal(SIGTSTP);
  hosted.directory.file("go", "");
  CHECK(orphan.exit_code() == 0);
}

TEST_CASE("a host's word of a stop that is over does not stop the launcher") {
  Played played;
  const pid_t program = sleeping_child();
  LauncherProcess launcher({played.socket, "program"});
  PlayedClient client = played.listening.accept();
  client.request();
  client.started(program);
  client.stopped(SIGSTOP);
  client.ended(1, 3);
  CHECK(launcher.exit_code() == 3);
  end_child(program);
}

TEST_CASE("a launcher that is killed at any step leaves a host that goes on") {
  Hosted hosted;
  for (const char *step : {"start", "connected", "half-header", "half-request", "requested", "started", "ended"}) {
    CAPTURE(step);
    LauncherProcess launcher(hosted.with({"sleep", "0.05"}), [step] { setenv("TPROC_RUN_CRASH_AT", step, 1); });
    CHECK(launcher.end_signal() == SIGKILL);
  }
  CHECK(hosted.output_of({"echo", "on"}) == "on\n");
}

TEST_CASE("the end of a launcher is the end of its connection") {
  Played played;
  const pid_t program = sleeping_child();
  LauncherProcess launcher({played.socket, "program"});
  PlayedClient client = played.listening.accept();
  client.request();
  client.started(program);
  launcher.signal(SIGKILL);
  CHECK(client.next() == 0);
  end_child(program);
}

TEST_CASE("--detach is the host's business") {
  Played played;
  LauncherProcess launcher({"--detach", played.socket, "program"});
  PlayedClient client = played.listening.accept();
  CHECK(client.request().view.fixed.flags == WIRE_LAUNCH_OUTLIVE);
}

TEST_CASE("--never-forks is the host's business, too") {
  Played played;
  LauncherProcess launcher({"--never-forks", played.socket, "program"});
  PlayedClient client = played.listening.accept();
  CHECK(client.request().view.fixed.flags == WIRE_LAUNCH_NEVER_FORKS);
}

TEST_CASE("--spill is the host's business, too") {
  Played played;
  LauncherProcess launcher({"--spill", played.socket, "program"});
  PlayedClient client = played.listening.accept();
  CHECK(client.request().view.fixed.flags == WIRE_LAUNCH_SPILL);
}

TEST_CASE("--hold is the host's business, too") {
  Played played;
  LauncherProcess launcher({"--hold", played.socket, "program"});
  PlayedClient client = played.listening.accept();
  CHECK(client.request().view.fixed.flags == WIRE_LAUNCH_HOLD);
}

TEST_CASE("--crash-report and --stay are the host's business, too") {
  Played played;
  LauncherProcess launcher({"--crash-report", "--stay", played.socket, "program"});
  PlayedClient client = played.listening.accept();
  CHECK(client.request().view.fixed.flags == (WIRE_LAUNCH_CRASH_REPORT | WIRE_LAUNCH_STAY));
}

TEST_CASE("a crash is explained on standard error, and ends the launcher by its signal") {
  Played played;
  const pid_t program = sleeping_child();
  std::string name = "./program", file = "/x", named = name, in = file;
  SUBCASE("") {}
  SUBCASE("names tell the terminal nothing") {
    name = "./a\x1b[2J\r";
    named = "./a\\x1b[2J\\r";
    file =
        "/x\xc2\x9b"
        "31m";
    in = "/x\\xc2\\x9b31m";
  }
  LauncherProcess launcher({"--crash-report", played.socket, name});
  PlayedClient client = played.listening.accept();
  client.request();
  client.started(program);
  const std::string text = "SIGSEGV (SEGV_MAPERR), in " + file + "+0x1\nrip=0x5 rax=0x0";
  std::string payload(sizeof(wire_crashed), '\0');
  payload += text;
  client.send(WIRE_CRASHED, payload.data(), payload.size());
  client.ended(2, SIGSEGV);
  CHECK(launcher.errors() ==
        "tproc-run: " + named + " crashed: SIGSEGV (SEGV_MAPERR), in " + in + "+0x1\ntproc-run: rip=0x5 rax=0x0\n");
  CHECK(launcher.end_signal() == SIGSEGV);
  end_child(program);
}

TEST_CASE("many launchers at once") {
  Hosted hosted;
  std::vector<std::unique_ptr<LauncherProcess>> launchers;
  for (int i = 0; i < 100; i++)
    launchers.push_back(
        std::make_unique<LauncherProcess>(hosted.with({"sh", "-c", "echo " + std::to_string(i) + "; exit 7"})));
  for (int i = 0; i < 100; i++) {
    CHECK(launchers[static_cast<size_t>(i)]->output() == std::to_string(i) + "\n");
    CHECK(launchers[static_cast<size_t>(i)]->exit_code() == 7);
  }
}

TEST_CASE("pipelines on both sides") {
  Hosted hosted;
  const std::string run = launcher_path() + " " + hosted.socket + " ";
  FILE *pipeline = popen(("seq 200000 | " + run + "sort -rn | " + run + "head -n 2").c_str(), "r");
  REQUIRE(pipeline != nullptr);
  char text[64] = "";
  const size_t size = fread(text, 1, sizeof text - 1, pipeline);
  CHECK(std::string(text, size) == "200000\n199999\n");
  CHECK(pclose(pipeline) == 0);
}

TEST_SUITE_END();
