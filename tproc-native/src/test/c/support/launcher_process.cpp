#include "support/launcher_process.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "support/hosting.h"
#include "support/patience.h"

namespace {

std::vector<char *> pointers(const Arguments &arguments) {
  std::vector<char *> result;
  for (const std::string &argument : arguments) result.push_back(const_cast<char *>(argument.c_str()));
  result.push_back(nullptr);
  return result;
}

void make_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
}

std::string read_to_end(int descriptor) {
  std::string text;
  char bytes[65536];
  pollfd entry{descriptor, POLLIN, 0};
  for (;;) {
    if (poll(&entry, 1, 20000) <= 0) throw std::runtime_error("no end of output; until now: " + text);
    const ssize_t got = read(descriptor, bytes, sizeof bytes);
    if (got <= 0) return text;
    text.append(bytes, static_cast<size_t>(got));
  }
}

}  // namespace

std::string launcher_path() { return test_program("tproc-run"); }

LauncherProcess::LauncherProcess(const Arguments &arguments, const std::function<void()> &before) {
  Arguments all = arguments;
  all.insert(all.begin(), "tproc-run");
  const std::string path = launcher_path();
  int in[2], out[2], err[2];
  make_pipe(in);
  make_pipe(out);
  make_pipe(err);
  int executed[2];
  make_pipe(executed);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    dup2(err[1], 2);
    before();
    execv(path.c_str(), pointers(all).data());
    _exit(98);
  }
  // A signal before the execution would meet the test framework's handlers.
  close(executed[1]);
  char none;
  if (read(executed[0], &none, 1) != 0) throw std::runtime_error("cannot wait for the launcher");
  close(executed[0]);
  close(in[0]);
  close(out[1]);
  close(err[1]);
  input_ = in[1];
  output_ = out[0];
  errors_ = err[0];
}

LauncherProcess::~LauncherProcess() {
  if (!ended_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  end_input();
  close(output_);
  close(errors_);
}

void LauncherProcess::signal(int number) const { kill(pid_, number); }

void LauncherProcess::write(const std::string &text) const {
  if (::write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("cannot write to the launcher");
}

void LauncherProcess::end_input() {
  if (input_ >= 0) close(input_);
  input_ = -1;
}

std::string LauncherProcess::output() { return read_to_end(output_); }

std::string LauncherProcess::errors() { return read_to_end(errors_); }

int LauncherProcess::wait() {
  if (!ended_) ended_ = eventually([this] { return waitpid(pid_, &status_, WNOHANG) == pid_; });
  if (!ended_) throw std::runtime_error("the launcher does not end");
  return status_;
}

int LauncherProcess::exit_code() { return WIFEXITED(wait()) ? WEXITSTATUS(status_) : -1; }

int LauncherProcess::end_signal() { return WIFSIGNALED(wait()) ? WTERMSIG(status_) : 0; }

bool LauncherProcess::has_stopped() {
  bool stopped = false;
  eventually([this, &stopped] {
    int status;
    if (waitpid(pid_, &status, WNOHANG | WUNTRACED) != pid_) return false;
    stopped = WIFSTOPPED(status);
    ended_ = WIFEXITED(status) || WIFSIGNALED(status);
    status_ = status;
    return true;
  });
  return stopped;
}

TerminalSession::TerminalSession(const Arguments &command, const std::string &variables) {
  const winsize size{24, 80, 0, 0};
  const std::vector<char *> argv = pointers(command);
  pid_ = forkpty(&master_, nullptr, nullptr, &size);
  if (pid_ == 0) {
    setenv("PS1", "ready> ", 1);
    setenv("TERM", "dumb", 1);
    if (!variables.empty()) putenv(const_cast<char *>(variables.c_str()));
    execvp(argv[0], argv.data());
    _exit(98);
  }
  if (pid_ < 0) throw std::runtime_error("cannot make a terminal");
  fcntl(master_, F_SETFD, FD_CLOEXEC);
}

TerminalSession::~TerminalSession() {
  if (!ended_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(master_);
}

void TerminalSession::type(const std::string &text) const {
  if (write(master_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("cannot type");
}

void TerminalSession::resize(unsigned short rows, unsigned short columns) const {
  const winsize size{rows, columns, 0, 0};
  ioctl(master_, TIOCSWINSZ, &size);
}

bool TerminalSession::shows(const std::string &text, int milliseconds) {
  for (;;) {
    const size_t at = shown_.find(text, found_);
    if (at != std::string::npos) {
      found_ = at + text.size();
      return true;
    }
    if (!takes_some(milliseconds)) return false;
  }
}

bool TerminalSession::is_raw() const {
  termios modes;
  tcgetattr(master_, &modes);
  return (modes.c_lflag & (ICANON | ECHO)) == 0 && (modes.c_iflag & IXON) == 0; /* readline leaves IXON */
}

bool TerminalSession::becomes_raw(bool raw) const {
  return eventually([this, raw] { return is_raw() == raw; });
}

bool TerminalSession::takes_some(int milliseconds) {
  pollfd entry{master_, POLLIN, 0};
  char bytes[4096];
  if (poll(&entry, 1, milliseconds) <= 0) return false;
  const ssize_t got = read(master_, bytes, sizeof bytes);
  if (got > 0) shown_.append(bytes, static_cast<size_t>(got));
  return got > 0;
}

int TerminalSession::wait() {
  // Output that is not read can hold up the end, and some may have come between the last look and the end.
  if (!ended_) {
    ended_ = eventually([this] {
      takes_some(0);
      return waitpid(pid_, &status_, WNOHANG) == pid_;
    });
    for (int chunks = 0; ended_ && chunks < 100 && takes_some(0);) chunks++;
  }
  if (!ended_) throw std::runtime_error("the session does not end");
  return status_;
}
