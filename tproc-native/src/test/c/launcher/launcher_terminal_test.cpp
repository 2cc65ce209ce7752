#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "support/hosting.h"
#include "support/launcher_host.h"
#include "support/launcher_process.h"
#include "support/patience.h"
#include "support/temporary_directory.h"

namespace {

struct Hosted {
  TemporaryDirectory directory;
  std::string socket = directory / "socket";
  NativeHost host{socket};
  std::string run = launcher_path() + " " + socket + " ";
};

bool has_bash() { return access("/bin/bash", X_OK) == 0; }

// An interactive shell without job control of readline's own making.
const Arguments kShell = {"bash", "--norc", "--noprofile", "-i"};

pid_t read_pid(const std::string &file) {
  pid_t pid = 0;
  eventually([&] { return static_cast<bool>(std::ifstream(file) >> pid) && pid > 0; });
  REQUIRE(pid > 0); /* 0 would be killed as this whole process group */
  return pid;
}

// What copies its lines runs in the foreground.
void copies(TerminalSession &session, const std::string &line) {
  CHECK(session.becomes_raw(true));
  session.type(line + "\r");
  CHECK(session.shows(line + "\r\n" + line + "\r\n"));
}

void ends_with(TerminalSession &session, int status) {
  session.type("\004");
  CHECK(session.shows("ready> "));
  session.type("echo status $?\r");
  CHECK(session.shows("status " + std::to_string(status) + "\r\n"));
  session.type("exit\r");
  CHECK(session.wait() == 0);
}

}  // namespace

TEST_SUITE_BEGIN("launcher: terminal");

TEST_CASE("on a terminal the program has one of its own, of the same size") {
  Hosted hosted;
  TerminalSession session(
      {"sh", "-c", hosted.run + "sh -c 'test -t 0 && test -t 1 && test -t 2 && stty size; tty'; tty; stty -a"});
  CHECK(session.shows("24 80\r\n/dev/pts/"));
  CHECK(session.shows("/dev/pts/"));
  CHECK(session.shows(" icanon"));
  CHECK(session.wait() == 0);
}

TEST_CASE("-T, or a standard output that is no terminal, leaves the terminal alone") {
  Hosted hosted;
  const std::string without = launcher_path() + " -T " + hosted.socket + " ";
  TerminalSession same({"sh", "-c", "tty; " + without + "tty"});
  CHECK(same.shows("/dev/pts/"));
  const size_t start = same.shown().find("/dev/pts/");
  CHECK(same.wait() == 0);
  const std::string shown = same.shown().substr(start);
  const std::string first = shown.substr(0, shown.find("\r\n") + 2);
  CHECK(shown == first + first);
  TerminalSession piped({"sh", "-c", hosted.run + "sh -c 'test -t 1 || echo no terminal' | cat"});
  CHECK(piped.shows("no terminal"));
  CHECK(piped.wait() == 0);
}

TEST_CASE("/dev/tty is the terminal whatever the streams are") {
  Hosted hosted;
  const std::string file = hosted.directory / "output";
  TerminalSession written(
      {"sh", "-c", hosted.run + "sh -c 'echo pro''mpt >/dev/tty; echo out' > " + file + "; echo rc=$?; cat " + file});
  CHECK(written.shows("prompt\r\n"));
  CHECK(written.shows("rc=0\r\nout\r\n"));
  CHECK(written.wait() == 0);
  CHECK(written.shown().find("\r\r") == std::string::npos);
  TerminalSession answered({"sh", "-c",
                            "echo piped | " + hosted.run +
                                "sh -c 'read l; echo pro''mpt >/dev/tty; read x </dev/tty; echo $l $x'; stty -a"});
  CHECK(answered.shows("prompt\r\n"));
  CHECK(answered.becomes_raw(true));
  answered.type("typed\r");
  CHECK(answered.shows("piped typed\r\n"));
  CHECK(answered.shows(" icanon"));
  CHECK(answered.wait() == 0);
  const std::string without = launcher_path() + " -T " + hosted.socket + " ";
  TerminalSession none({"sh", "-c", without + "sh -c '(: </dev/tty) 2>/dev/null || echo no''ne' | cat"});
  CHECK(none.shows("none"));
  CHECK(none.wait() == 0);
}

TEST_CASE("^C while /dev/tty is read reaches the program and the rest of its job") {
  Hosted hosted;
  TerminalSession session(
      {"sh", "-c", "trap : INT; " + hosted.run + "sh -c 'echo rea''dy >/dev/tty; read x </dev/tty' | cat; echo after"});
  CHECK(session.shows("ready"));
  CHECK(session.becomes_raw(true));
  session.type("\003");
  CHECK(session.shows("after"));
  CHECK(session.wait() == 0);
  CHECK_FALSE(session.is_raw());
}

TEST_CASE("what the program does not read of the terminal is for others") {
  Hosted hosted;
  TerminalSession session(
      {"sh", "-c", hosted.run + "sh -c 'echo rea''dy; sleep 1' | (head -n 1; read x </dev/tty; echo got $x)"});
  CHECK(session.shows("ready"));
  session.type("word\r");
  CHECK(session.shows("got word\r\n"));
  CHECK(session.wait() == 0);
}

TEST_CASE("a background job that reads the terminal is stopped, and takes nothing from the shell") {
  if (!has_bash()) {
    MESSAGE("not run: there is no bash here");
    return;
  }
  Hosted hosted;
  const std::string file = hosted.directory / "output";
  std::string redirection;
  SUBCASE("with its output in a file") { redirection = " > " + file; }
  SUBCASE("with its output on the terminal") { redirection = ""; }
  TerminalSession session(kShell);
  CHECK(session.shows("ready> "));
  session.type(hosted.run + "cat" + redirection + " &\r");
  CHECK(session.shows("ready> "));
  CHECK(eventually([&] {
    session.type("jobs\r");
    return session.shows("Stopped", 200);
  }));
  session.type("echo $((40 + 2))\r");
  CHECK(session.shows("42\r\n"));
  session.type("fg; echo status $?\r");
  CHECK(session.becomes_raw(true));
  session.type("line\r\004");
  CHECK(session.shows("status 0\r\n"));
  if (!redirection.empty()) {
    session.type("cat " + file + "\r");
    CHECK(session.shows("\nline\r\n"));
  }
  session.type("exit\r");
  CHECK(session.wait() == 0);
}

TEST_CASE("what was typed ahead is the shell's when the program has not read it") {
  std::string allowed = "1";
  std::ifstream("/proc/sys/dev/tty/legacy_tiocsti") >> allowed;
  if (!has_bash() || allowed == "0") {
    MESSAGE(
        "not run: there is no bash here, or the kernel lets nobody put back what was typed (dev.tty.legacy_tiocsti)");
    return;
  }
  Hosted hosted;
  const std::string fifo = hosted.directory / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  TerminalSession session(kShell);
  session.type("PS1='> '\r");
  session.type(hosted.run + "sh -c 'read line; echo ready $line; cat " + fifo + "'\r");
  CHECK(session.becomes_raw(true));
  session.type("once\r");
  CHECK(session.shows("ready once\r\n"));
  session.type("echo typed $((40 + 2))\rexit 7\r");
  CHECK(session.shows("echo typed $((40 + 2))\r\nexit 7\r\n")); /* as the program's terminal shows it */
  std::ofstream(fifo) << "end\n";
  CHECK(session.shows("typed 42\r\n"));
  CHECK(WEXITSTATUS(session.wait()) == 7);
}

TEST_CASE("-t makes a terminal also for pipes, and the end of input is said") {
  Hosted hosted;
  LauncherProcess launcher(
      {"-t", hosted.socket, "sh", "-c", "test -t 0 && stty -echo; read line; cat; echo got $line"});
  launcher.write("first\nsecond\nunfinished");
  launcher.end_input();
  const std::string output = launcher.output();
  CHECK(output.find("second\r\n") != std::string::npos);
  CHECK(output.find("unfinished") != std::string::npos);
  CHECK(output.find("got first\r\n") != std::string::npos);
  CHECK(launcher.exit_code() == 0);
}

TEST_CASE("all output arrives before the end, whatever the program leaves behind") {
  Hosted hosted;
  TerminalSession much({"sh", "-c", hosted.run + "seq 100000; echo after $?"});
  CHECK(much.shows("\r\n99999\r\n100000\r\nafter 0"));
  CHECK(much.wait() == 0);
  TerminalSession left({"sh", "-c", hosted.run + "sh -c 'trap \"\" HUP; sleep 60 & echo last'; echo after $?"});
  CHECK(left.shows("last\r\nafter 0"));
  TerminalSession noisy({"sh", "-c", hosted.run + "sh -c 'trap \"\" HUP; yes & sleep 0.1'; echo after $?"});
  CHECK(noisy.shows("after 0"));
}

TEST_CASE("a new size reaches the program") {
  Hosted hosted;
  TerminalSession session(
      {"sh", "-c",
       hosted.run + "sh -c 'trap \"stty size; exit 5\" WINCH; echo ready; while :; do sleep 0.01; done'; echo $?"});
  CHECK(session.shows("ready"));
  session.resize(33, 99);
  CHECK(session.shows("33 99\r\n5\r\n"));
  CHECK(session.wait() == 0);
}

TEST_CASE("^C and ^\\ reach the program, and the launcher ends as it does") {
  Hosted hosted;
  /* Executed in place: dash loses a ^C that comes while it forks, natively too. */
  TerminalSession session(
      {"sh", "-c", "trap : INT QUIT; " + hosted.run + "sh -c 'echo ready; exec sleep 60'; echo $?"});
  CHECK(session.shows("ready"));
  CHECK(session.becomes_raw(true));
  session.type("\003");
  CHECK(session.shows("130\r\n"));
  CHECK(session.wait() == 0);
  CHECK_FALSE(session.is_raw());
}

TEST_CASE("^C and ^\\ reach what waits for the launcher, too: a script, make") {
  Hosted hosted;
  const std::string program = hosted.run + "sh -c 'echo rea''dy; exec sleep 60'";
  SUBCASE("which ends") {
    TerminalSession session({"sh", "-c", program + "; echo af''ter"});
    CHECK(session.shows("ready"));
    CHECK(session.becomes_raw(true));
    session.type("\003");
    CHECK(session.wait() == SIGINT);
    CHECK(session.shown().find("after") == std::string::npos);
  }
  SUBCASE("which handles it") {
    TerminalSession session({"sh", "-c", "trap 'echo quit''ting' QUIT; " + program + "; echo af''ter"});
    CHECK(session.shows("ready"));
    CHECK(session.becomes_raw(true));
    session.type("\034");
    CHECK(session.shows("quitting\r\n"));
    CHECK(session.shows("after\r\n"));
    CHECK(session.wait() == 0);
  }
}

TEST_CASE("a background job that writes to a terminal with tostop is stopped until fg") {
  if (!has_bash()) {
    MESSAGE("not run: there is no bash here");
    return;
  }
  Hosted hosted;
  std::string ignoring;
  bool stopped = true;
  SUBCASE("by itself") {}
  SUBCASE("unless it ignores that") {
    ignoring = "trap '' TTOU; ";
    stopped = false;
  }
  TerminalSession session(kShell);
  CHECK(session.shows("ready> "));
  session.type("stty tostop\r");
  CHECK(session.shows("ready> "));
  session.type(hosted.run + "sh -c \"" + ignoring + "echo o''utput of it; read line\" &\r");
  CHECK(session.shows("ready> "));
  if (!stopped) {
    CHECK(session.shows("output of it"));
  } else {
    CHECK(eventually([&] {
      session.type("jobs\r");
      return session.shows("Stopped", 200);
    }));
    CHECK(session.shown().find("output of it") == std::string::npos);
    session.type("fg\r");
    CHECK(session.shows("output of it"));
    CHECK(session.becomes_raw(true));
    session.type("\r");
  }
}

TEST_CASE("what comes to the foreground finds the terminal's modes as they are there") {
  if (!has_bash()) {
    MESSAGE("not run: there is no bash here");
    return;
  }
  Hosted hosted;
  TerminalSession session(kShell);
  CHECK(session.shows("ready> "));
  session.type("stty -echo\r");
  CHECK(session.shows("ready> "));
  session.type(hosted.run + "sh -c 'echo run''ning; read line; stty -a | grep -ow -e -echo -e echo' &\r");
  CHECK(session.shows("running"));
  CHECK(eventually([&] {
    session.type("jobs\r");
    return session.shows("Stopped", 200);
  }));
  session.type("fg\r");
  CHECK(session.becomes_raw(true));
  session.type("word\r");
  CHECK(session.shows("-echo\r\n"));
  CHECK(session.shows("ready> ")); /* what is typed before may be the program's */
  session.type("exit\r");
  CHECK(session.wait() == 0);
}

TEST_CASE("job control: ^Z stops the program and the launcher, fg continues them") {
  if (!has_bash()) {
    MESSAGE("not run: there is no bash here");
    return;
  }
  Hosted hosted;
  TerminalSession session(kShell);
  CHECK(session.shows("ready> "));
  session.type(hosted.run + "cat\r");
  copies(session, "one");
  session.type("\032");
  CHECK(session.shows("Stopped"));
  CHECK(session.shows("ready> "));
  session.type("echo by $?\r");
  CHECK(session.shows("by " + std::to_string(128 + SIGTSTP) + "\r\n"));
  session.resize(44, 111);
  session.type("fg\r");
  copies(session, "two");
  ends_with(session, 0);
}

TEST_CASE("job control of a program whose first thread has ended, or blocks all signals") {
  if (!has_bash()) {
    MESSAGE("not run: there is no bash here");
    return;
  }
  Hosted hosted;
  std::string mode;
  SUBCASE("ended") { mode = "ended"; }
  SUBCASE("ended, traced for its timer") { mode = "timer-ended"; }
  SUBCASE("ended, traced for a timer since") { mode = "ended-timer"; }
  SUBCASE("blocks") { mode = "blocks"; }
  TerminalSession session(kShell);
  CHECK(session.shows("ready> "));
  session.type(hosted.run + test_program("second") + " " + mode + "\r");
  copies(session, "one");
  session.type("\032");
  CHECK(session.shows("Stopped"));
  session.type("bg\r");
  CHECK(eventually([&] {
    session.type("jobs\r");
    return session.shows("Stopped", 200);
  }));
  session.type("fg\r");
  copies(session, "two");
  ends_with(session, 7);
}

TEST_CASE("job control inside an interactive bash is its own") {
  if (!has_bash()) {
    MESSAGE("not run: there is no bash here");
    return;
  }
  Hosted hosted;
  TerminalSession session({"sh", "-c", hosted.run + "bash --norc --noprofile -i; echo outer $?"});
  CHECK(session.shows("ready> "));
  session.type("sh -c 'echo run''ning; exec sleep 60'\r");
  CHECK(session.shows("running\r\n"));
  session.type("\032");
  CHECK(session.shows("Stopped"));
  CHECK(session.shows("ready> "));
  session.type("fg\r");
  CHECK(session.shows("sleep 60'\r\n"));
  /* bash shows the command before it gives it the terminal. */
  CHECK(eventually([&] {
    session.type("\003");
    return session.shows("ready> ", 100);
  }));
  session.type("echo inner $?\r");
  const bool inner = session.shows("inner 130\r\n", 3000);
  CAPTURE(session.shown());
  CHECK(inner);
  session.type("exit 9\r");
  CHECK(session.shows("outer 9\r\n"));
  CHECK(session.wait() == 0);
}

TEST_CASE("in the background the terminal is left alone until fg") {
  if (!has_bash()) {
    MESSAGE("not run: there is no bash here");
    return;
  }
  Hosted hosted;
  TerminalSession session(kShell);
  CHECK(session.shows("ready> "));
  session.type(hosted.run + "sh -c 'echo run''ning; read line; echo got $line' &\r");
  CHECK(session.shows("running"));
  session.type("\rstty -a | grep -ow -e -icanon -e icanon\r");
  CHECK(session.shows("\nicanon"));
  session.type("fg\r");
  CHECK(session.becomes_raw(true));
  session.type("word\r");
  const bool got = session.shows("got word\r\n", 3000);
  CAPTURE(session.shown());
  CHECK(got);
  CHECK(session.shows("ready> ")); /* what is typed before is the program's, and gone with it */
  session.type("exit\r");
  CHECK(session.wait() == 0);
}

TEST_CASE("the user's terminal is restored when the launcher is killed, when its program is, and when the host is") {
  Hosted hosted;
  const std::string pid_file = hosted.directory / "pid", launcher_file = hosted.directory / "launcher";
  const std::string command = "sh -c 'echo $$ > " + launcher_file + "; exec " + hosted.run + "sh -c \"echo \\$\\$ > " +
                              pid_file + "; exec sleep 60\"'; echo ended $?; sleep 60";
  TerminalSession session({"sh", "-c", command});
  CHECK(session.becomes_raw(true));
  const pid_t program = read_pid(pid_file), launcher = read_pid(launcher_file);
  SUBCASE("the launcher") {
    kill(launcher, SIGKILL);
    CHECK(session.shows("ended 137"));
  }
  SUBCASE("the program") {
    kill(program, SIGKILL);
    CHECK(session.shows("ended 137"));
  }
  SUBCASE("the host") {
    hosted.host.kill();
    CHECK(session.shows("has ended, and its programs with it"));
    CHECK(session.shows("ended 125"));
  }
  CHECK(session.becomes_raw(false));
}

TEST_CASE("the user's terminal is restored when the launcher is killed at any step") {
  Hosted hosted;
  for (const char *step : {"started", "raw", "ended", "restored"}) {
    CAPTURE(step);
    TerminalSession session(
        {"sh", "-c", "TPROC_RUN_CRASH_AT=" + std::string(step) + " " + hosted.run + "true; echo ended $?; sleep 60"});
    CHECK(session.shows("ended 137"));
    CHECK(session.becomes_raw(false));
  }
}

TEST_CASE("a terminal that goes away takes the program with it") {
  Hosted hosted;
  const std::string pid_file = hosted.directory / "pid";
  {
    TerminalSession session({"sh", "-c", hosted.run + "sh -c 'echo $$ > " + pid_file + "; exec sleep 60'"});
    read_pid(pid_file);
  }
  const pid_t program = read_pid(pid_file);
  CHECK(eventually([program] { return kill(program, 0) != 0; }));
}

TEST_SUITE_END();
