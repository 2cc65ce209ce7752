#include "support/hosting.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

#include "support/patience.h"

extern "C" {
#include "support/in_host.h"
}

std::string test_program(const std::string &name) {
  if (const char *directory = std::getenv("TPROC_TEST_PROGRAMS")) return std::string(directory) + "/" + name;
#ifdef TEST_PROGRAMS /* the build's own place */
  return TEST_PROGRAMS "/" + name;
#else
  char own[PATH_MAX] = "";
  const ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
  const std::string path(own, length > 0 ? static_cast<size_t>(length) : 0);
  return path.substr(0, path.rfind('/')) + "/programs/" + name;
#endif
}

std::string address_of(const void *object) {
  char text[32];
  std::snprintf(text, sizeof text, "%lx", reinterpret_cast<unsigned long>(object));
  return text;
}

Host::Host() {
  tproc_error error{};
  if (tproc_host_open(&host_, &error) != 0) throw std::runtime_error(error.message);
}

Host::~Host() { close(); }

void Host::close() {
  if (host_ != nullptr) tproc_host_close(host_);
  host_ = nullptr;
}

namespace {

/* The same as the core takes it, for as long as it is called. */
void with_launch(const Launch &what, const std::function<void(const tproc_launch &)> &use) {
  std::vector<const char *> argv, envp;
  argv.push_back(what.argv0.empty() ? what.program.c_str() : what.argv0.c_str());
  for (const std::string &each : what.arguments) argv.push_back(each.c_str());
  argv.push_back(nullptr);
  for (const std::string &each : what.environment) envp.push_back(each.c_str());
  envp.push_back(nullptr);
  tproc_launch launch{};
  launch.program = what.program.c_str();
  launch.search_path = what.search_path.empty() ? nullptr : what.search_path.c_str();
  launch.argv = argv.data();
  launch.envp = envp.data();
  launch.directory = what.directory.empty() ? nullptr : what.directory.c_str();
  for (int i = 0; i < 3; i++) launch.stdio[i] = what.stdio[i];
  launch.umask = what.umask;
  launch.flags = what.flags;
  launch.directory_fd = what.directory_fd;
  launch.terminal_fd = what.terminal_fd;
  launch.descriptors = what.descriptors.data();
  launch.descriptor_count = what.descriptors.size();
  launch.ignored_signals = what.ignored_signals;
  launch.blocked_signals = what.blocked_signals;
  launch.nice = what.nice;
  launch.policy = what.policy;
  launch.priority = what.priority;
  launch.io_priority = what.io_priority;
  launch.personality = what.personality;
  launch.cpus = what.cpus.data();
  launch.cpu_words = what.cpus.size();
  launch.limits = what.limits.empty() ? nullptr : what.limits.data();
  launch.heap_limit = what.heap_limit;
  use(launch);
}

}  // namespace

Launched Host::launch(const Launch &what, bool watch) {
  Launched launched;
  with_launch(what, [&](const tproc_launch &launch) {
    launched.result = tproc_host_launch(host_, &launch, &launched.threadproc, &launched.error);
  });
  if (launched.result == 0 && watch)
    launched.result = tproc_threadproc_watch(launched.threadproc, nullptr, &launched.error);
  return launched;
}

Launched Host::prepare(const Launch &what, unsigned count, uint64_t age_max) {
  Launched prepared;
  with_launch(what, [&](const tproc_launch &launch) {
    prepared.result = tproc_host_prepare(host_, &launch, count, age_max, &prepared.error);
  });
  return prepared;
}

Launched Host::prepare_ready(const Launch &what, unsigned count, uint64_t age_max, uint64_t patience) {
  Launched prepared;
  with_launch(what, [&](const tproc_launch &launch) {
    prepared.result = tproc_host_prepare_ready(host_, &launch, count, age_max, patience, &prepared.error);
  });
  return prepared;
}

tproc_threadproc *Host::start(const Launch &what) {
  Launched launched = launch(what);
  if (launched.result != 0) throw std::runtime_error(launched.message());
  return launched.threadproc;
}

tproc_exit Host::await(tproc_threadproc *threadproc) {
  while (collected_.count(threadproc) == 0) {
    tproc_exit exit{};
    tproc_error error{};
    const int got = tproc_host_next_exit(host_, -1, &exit, &error);
    if (got < 0 && error.code != ETIMEDOUT) throw std::runtime_error(error.message); /* the machine may be slow */
    if (got == 1) collected_[exit.threadproc] = exit;
  }
  const tproc_exit exit = collected_[threadproc];
  collected_.erase(threadproc);
  return exit;
}

void Host::close_threadproc(tproc_threadproc *threadproc) {
  tproc_error error{};
  if (tproc_threadproc_close(threadproc, &error) != 0) throw std::runtime_error(error.message);
}

int Host::run(const Launch &what) {
  Launched launched = launch(what);
  if (launched.result != 0) return launched.result;
  const tproc_exit exit = await(launched.threadproc);
  close_threadproc(launched.threadproc);
  return exit.kind == TPROC_EXITED ? exit.status : 1000 + exit.status;
}

std::string Host::output_of(Launch what) {
  const int file = memfd_create("output", MFD_CLOEXEC);
  what.stdio[1] = file;
  const int result = run(what);
  std::string output(static_cast<size_t>(lseek(file, 0, SEEK_END)), '\0');
  const ssize_t got = pread(file, output.data(), output.size(), 0);
  ::close(file);
  if (result != 0 || got != static_cast<ssize_t>(output.size())) return "failed: " + std::to_string(result);
  return output;
}

void in_host(tproc_host *host, const std::function<void()> &work) {
  in_host_call(
      host, [](void *argument) { (*static_cast<const std::function<void()> *>(argument))(); },
      const_cast<std::function<void()> *>(&work));
}

std::unique_ptr<state_report> state_of(Host &host, Launch launch) {
  auto report = std::make_unique<state_report>();
  launch.arguments = {address_of(report.get())};
  const Launched launched = host.launch(launch);
  if (launched.result != 0) throw std::runtime_error(launched.message());
  host.await(launched.threadproc);
  if (report->done != 1) throw std::runtime_error("the program has not reported");
  return report;
}

Launch quick_end() { return Launch(test_program("end"), {"exit", "0"}); }

std::string start_of(const Launch &launch) { return "cannot host " + launch.program + ": "; }

void refused(Host &host, const Launch &launch, int code, const std::string &because) {
  const Launched launched = host.launch(launch);
  CHECK(launched.result == -code);
  CHECK(launched.error.code == code);
  CHECK(launched.message() == start_of(launch) + because);
  CHECK(launched.threadproc == nullptr);
}

// As the kernel says it: which call the process waits in.
void await_held(pid_t pid) {
  const std::string held = std::to_string(SYS_rt_sigtimedwait) + " ";
  REQUIRE(eventually([&] {
    std::ifstream file("/proc/" + std::to_string(pid) + "/syscall");
    std::string line;
    std::getline(file, line);
    return line.compare(0, held.size(), held) == 0;
  }));
}

std::vector<tproc_limit> own_limits() {
  std::vector<tproc_limit> limits;
  for (int i = 0; i < TPROC_LIMIT_COUNT; i++) {
    rlimit limit{};
    getrlimit(static_cast<__rlimit_resource>(i), &limit);
    limits.push_back({limit.rlim_cur, limit.rlim_max});
  }
  return limits;
}

Launch with_limits(Launch launch) {
  launch.flags |= TPROC_LAUNCH_LIMITS;
  launch.limits = own_limits();
  return launch;
}

void WaitWord::await_running() {
  while (__atomic_load_n(&word_, __ATOMIC_ACQUIRE) == WAIT_STARTED)
    syscall(SYS_futex, &word_, FUTEX_WAIT, WAIT_STARTED, nullptr, nullptr, 0);
}

void WaitWord::go() {
  __atomic_store_n(&word_, WAIT_GO, __ATOMIC_RELEASE);
  syscall(SYS_futex, &word_, FUTEX_WAKE, INT_MAX);
}
