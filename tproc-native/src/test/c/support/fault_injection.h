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

class FaultInjection {
 public:
  // Runs `body` in a process of its own whose system calls are watched. Expectations in it are noted as in
  // in_own_process. False, and nothing is run, when this process may not trace or AddressSanitizer is in it.
  static bool run(const std::function<void(FaultInjection &)> &body);

  // Calls that can be made to fail. Not on the list are those without which neither libc nor this test goes on (futex,
  // exit), and those that only fail when nothing can be done about it (close, munmap).
  static const std::vector<Fault> &faults();

  // Runs `work` and makes the n-th of these calls (counted from 1) fail. False when there were not so many.
  // `threads`: only calls by threads whose name begins so are counted.
  bool failing(const Fault &fault, unsigned n, const std::function<void()> &work, const char *threads = "");

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
