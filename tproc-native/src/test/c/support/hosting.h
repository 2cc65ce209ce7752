// Hosts and launches for tests.
#ifndef TPROC_TEST_HOSTING_H
#define TPROC_TEST_HOSTING_H

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../programs/report.h"
#include "tproc_core.h"

// Where a test program lies: in $TPROC_TEST_PROGRAMS, or where the build says, or in "programs" next to the test
// binary.
std::string test_program(const std::string &name);

// An address as the test programs take it.
std::string address_of(const void *object);

// What to start: by default a test program without descriptors and with an empty environment.
struct Launch {
  std::string program;
  std::vector<std::string> arguments;  // after argv[0]
  std::string argv0;                   // the program's path when empty
  std::vector<std::string> environment;
  std::string search_path;  // not given when empty
  std::string directory;    // the host's when empty
  int stdio[3] = {TPROC_FD_CLOSED, TPROC_FD_CLOSED, TPROC_FD_CLOSED};
  int umask = TPROC_UMASK_INHERIT;
  unsigned flags = 0;
  int directory_fd = -1;
  int terminal_fd = -1;
  std::vector<tproc_descriptor> descriptors;
  uint64_t ignored_signals = 0, blocked_signals = 0;
  int nice = 0;
  int policy = 0, priority = 0, io_priority = 0;
  unsigned personality = 0;
  std::vector<uint64_t> cpus;
  std::vector<tproc_limit> limits;
  uint64_t heap_limit = 0;

  explicit Launch(std::string what, std::vector<std::string> with = {})
      : program(std::move(what)), arguments(std::move(with)) {}
};

// The outcome of a launch.
struct Launched {
  int result = 0;
  tproc_threadproc *threadproc = nullptr;
  tproc_error error{};
  std::string message() const { return error.message; }
};

// An open host; closes it, with all that still runs.
class Host {
 public:
  Host();
  ~Host();
  Host(const Host &) = delete;
  Host &operator=(const Host &) = delete;

  tproc_host *get() const { return host_; }
  Launched launch(const Launch &what, bool watch = true);
  // Has so many of it waiting.
  Launched prepare(const Launch &what, unsigned count, uint64_t age_max = 0);
  // Has so many of it run until they call tproc_ready, within `patience` nanoseconds.
  Launched prepare_ready(const Launch &what, unsigned count, uint64_t age_max = 0, uint64_t patience = 60000000000);
  // A test program, which has to start.
  tproc_threadproc *start(const Launch &what);
  // Collects exits until this one's has come. {-1} as kind on an error.
  tproc_exit await(tproc_threadproc *threadproc);
  // Starts, awaits, closes. The status, 1000 + the signal, or a negative errno of the launch.
  int run(const Launch &what);
  // What the program wrote to its standard output.
  std::string output_of(Launch what);
  void close_threadproc(tproc_threadproc *threadproc);
  // For a test that closes it early.
  void close();

 private:
  tproc_host *host_ = nullptr;
  std::map<tproc_threadproc *, tproc_exit> collected_;
};

// Runs it on a thread of the host's, with the host's descriptor table.
void in_host(tproc_host *host, const std::function<void()> &work);

// Runs `state` and gives what it found.
std::unique_ptr<state_report> state_of(Host &host, Launch launch = Launch(test_program("state")));

// The program `end`, which ends at once with 0.
Launch quick_end();

// What every message of a failed launch begins with.
std::string start_of(const Launch &launch);

// Checks that a launch is refused with this errno and exactly this message after its start.
void refused(Host &host, const Launch &launch, int code, const std::string &because);

// Until a program that is held (TPROC_LAUNCH_HOLD) waits.
void await_held(pid_t pid);

// This process's limits; index is RLIMIT_*.
std::vector<tproc_limit> own_limits();

// The launch with limits: at first this process's own.
Launch with_limits(Launch launch);

// A word of the test's memory that the program `wait` waits at.
class WaitWord {
 public:
  uint32_t *get() { return &word_; }
  void await_running();
  void go();

 private:
  alignas(64) uint32_t word_ = WAIT_STARTED;
};

#endif
