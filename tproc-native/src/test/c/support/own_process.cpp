#include "support/own_process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>

// Of AddressSanitizer's library, which is there if the core has been compiled for it.
extern "C" __attribute__((weak)) void __asan_init();

namespace {

constexpr unsigned kSecondsAtMost = 240;
constexpr uid_t kOrdinaryUser = 65534;

int complaints_to = -1;

void run(const std::function<void()> &body) {
  alarm(kSecondsAtMost);
  try {
    body();
  } catch (const std::exception &thrown) {
    complain("exception", 0, thrown.what());
  }
}

std::string read_all(int from) {
  std::string all;
  char buffer[4096];
  for (;;) {
    const ssize_t got = read(from, buffer, sizeof buffer);
    if (got > 0)
      all.append(buffer, static_cast<size_t>(got));
    else if (got == 0 || errno != EINTR)
      return all;
  }
}

}  // namespace

void complain(const char *file, int line, const std::string &text) {
  const char *slash = std::strrchr(file, '/');
  const std::string message =
      std::string(slash != nullptr ? slash + 1 : file) + ":" + std::to_string(line) + ": " + text + "\n";
  if (write(complaints_to, message.data(), message.size()) < 0) _exit(99);
}

std::string complaints_of(const std::function<void()> &body) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return "pipe2 failed";
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) return "fork failed";
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(ends[0]);
    complaints_to = ends[1];
    run(body);
    _exit(0);
  }
  close(ends[1]);
  std::string complaints = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) complaints += std::string("the process was killed: ") + strsignal(WTERMSIG(status)) + "\n";
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
    complaints += "the process exited with " + std::to_string(WEXITSTATUS(status)) + "\n";
  return complaints;
}

void report_complaints(const std::string &complaints) { CHECK(complaints == ""); }

void in_own_process(const std::function<void()> &body) { report_complaints(complaints_of(body)); }

bool under_address_sanitizer() { return __asan_init != nullptr; }

int scaled(int usual) {
  const char *rounds = std::getenv("TPROC_TEST_ROUNDS");
  const bool few = rounds != nullptr && std::strcmp(rounds, "few") == 0;
  return few || under_address_sanitizer() ? (usual + 3) / 4 : usual;
}

void become_ordinary_user() {
  if (geteuid() != 0) return;
  if (setgroups(0, nullptr) != 0 || setgid(kOrdinaryUser) != 0 || setuid(kOrdinaryUser) != 0)
    throw std::runtime_error("cannot become an ordinary user");
  prctl(PR_SET_DUMPABLE, 1); /* or all of /proc/self stays root's */
}

void give_up_capability(unsigned capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
  if (syscall(SYS_capget, &header, data) != 0) throw std::runtime_error("capget");
  for (uint32_t *set :
       {&data[capability / 32].effective, &data[capability / 32].permitted, &data[capability / 32].inheritable})
    *set &= ~(1u << capability % 32);
  if (prctl(PR_CAPBSET_DROP, capability) != 0 || syscall(SYS_capset, &header, data) != 0)
    throw std::runtime_error("cannot give up a capability");
}

void set_own_limit(int resource, uint64_t soft, uint64_t hard) {
  const rlimit limit{soft, hard};
  EXPECT_EQUAL(setrlimit(static_cast<__rlimit_resource>(resource), &limit), 0);
}
