// A running tproc-run: with pipes, or on a terminal whose other end the test holds.
#ifndef TPROC_TEST_LAUNCHER_PROCESS_H
#define TPROC_TEST_LAUNCHER_PROCESS_H

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

using Arguments = std::vector<std::string>;

class LauncherProcess {
 public:
  // Starts the test build of the launcher with pipes; `before` is called in the new process before it is executed.
  explicit LauncherProcess(
      const Arguments &arguments, const std::function<void()> &before = [] {});
  LauncherProcess(const LauncherProcess &) = delete;
  ~LauncherProcess();

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  void write(const std::string &text) const;
  void end_input();
  // Reads until the end.
  std::string output();
  std::string errors();
  // As waitpid gives it, after at most 20 s.
  int wait();
  int exit_code();   // -1: ended by a signal
  int end_signal();  // 0: has exited
  // Waits until waitpid reports that it has stopped; false when it has ended instead, which wait() then tells.
  bool has_stopped();

 private:
  pid_t pid_;
  int input_, output_, errors_;
  int status_ = -1;
  bool ended_ = false;
};

// Runs a shell command line in a session of its own, on a terminal.
class TerminalSession {
 public:
  explicit TerminalSession(const Arguments &command, const std::string &variables = "");
  TerminalSession(const TerminalSession &) = delete;
  ~TerminalSession();

  pid_t pid() const { return pid_; }
  int master() const { return master_; }
  void type(const std::string &text) const;
  void resize(unsigned short rows, unsigned short columns) const;
  // Reads until `text` has been shown, after what earlier calls have found; false after that time or at the end.
  bool shows(const std::string &text, int milliseconds = 20000);
  const std::string &shown() const { return shown_; }
  bool is_raw() const;
  bool becomes_raw(bool raw) const;
  int wait();

 private:
  bool takes_some(int milliseconds);

  pid_t pid_;
  int master_;
  std::string shown_;
  size_t found_ = 0;
  int status_ = -1;
  bool ended_ = false;
};

std::string launcher_path();

#endif
