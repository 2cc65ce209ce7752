// Makes a system call of a piece of work fail, in any process: the calling thread, another one, or a process that is
// started meanwhile. Done with ptrace, so that nothing has to be compiled for it.
#ifndef TPROC_TEST_FAULT_INJECTION_H
#define TPROC_TEST_FAULT_INJECTION_H

#include <functional>
#include <string>
#include <vector>

// A system call, and the errno it gets.
struct Fault {
  long number;
  std::string name;  // "mmap ENOMEM"
  int code;
};

// How often threads of one name made one system call.
struct CallCount {
  std::string thread;
  long number;
  unsigned times;
};

class FaultInjection {
 public:
  // Runs `body` in a process of its own whose system calls are watched. Expectations in it are noted as in
  // in_own_process. False, and nothing is run, when this process may not trace or AddressSanitizer is in it.
  static bool run(const std::function<void(FaultInjection &)> &body, unsigned seconds_at_most = 240);

  // Calls that can be made to fail. Not on the list are those without which neither libc nor this test goes on (futex,
  // exit), and those that only fail when nothing can be done about it (close, munmap).
  static const std::vector<Fault> &faults();

  // Runs `work` and makes the n-th of these calls (counted from 1) fail. False when there were not so many.
  // `threads`: only calls by threads whose name begins so are counted.
  bool failing(const Fault &fault, unsigned n, const std::function<void()> &work, const char *threads = "");

  // The calls that are made, by threads whose name begins so, from start_counting on.
  void start_counting(const std::string &threads);
  std::vector<CallCount> counted();

  // From now on the n-th of these calls fails with this errno; without one it is held back until let_go, and then made.
  // Calls for descriptors of /proc are not held back, and not counted then.
  void arm(long number, int code, unsigned n, const std::string &threads);
  // Whether that call has been made.
  bool has_hit();
  // The same, and none fails from now on.
  bool disarm();

  // From now on the file is on a file system that does not answer: calls that close, examine or reopen a descriptor of
  // it wait, in whatever thread and process, until let_go.
  void hang(const std::string &path);
  // The same of memory: calls that write there through the kernel, as to a file's page, wait.
  void hang_writes(const void *memory, size_t size);
  // How many calls wait now.
  unsigned hanging();
  void let_go();

 private:
  FaultInjection() = default;
};

#endif
