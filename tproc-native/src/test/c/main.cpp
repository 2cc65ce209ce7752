#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

namespace {

// A shell's background job starts with SIGINT ignored, Maven's child with signal 32: what is ignored is inherited, also
// by the programs that tests start.
void take_signals_as_a_terminal_gives_them() {
  // As the kernel has it: glibc keeps 32 and 33 to itself.
  struct {
    uint64_t handler, flags, restorer, mask;
  } default_action{};
  for (int signal = 1; signal <= 64; signal++) syscall(SYS_rt_sigaction, signal, &default_action, nullptr, 8);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// As many descriptors as the JVM gives itself: a login gives 1024, and one launch alone may pass as many on.
void allow_many_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char **argv) {
  allow_many_descriptors();
  take_signals_as_a_terminal_gives_them();
  return doctest::Context(argc, argv).run();
}
