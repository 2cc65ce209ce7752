#include <doctest/doctest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>

#include "support/hosting.h"

extern "C" {
#include "base/compat.h"
#include "base/thread.h"
}

namespace {

void *wait_for_end(void *argument) {
  static_cast<std::promise<void> *>(argument)->get_future().wait();
  return nullptr;
}

// As whoever lists this process's threads from outside sees them.
int threads_named(const std::string &name) {
  int count = 0;
  for (const auto &thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(thread.path() / "comm");
    std::string found;
    if (std::getline(file, found) && found == name) count++;
  }
  return count;
}

// In nanoseconds; 0 where the kernel does not tell of slices (before Linux 6.12).
unsigned long long slice_of(int tid) {
  compat_sched_attr attributes{};
  if (syscall(SYS_sched_getattr, tid, &attributes, sizeof attributes, 0) != 0) return 0;
  return attributes.sched_runtime;
}

constexpr unsigned long long SHORTEST = 100000;

bool kernel_has_slices() {
  if (slice_of(0) != 0) return true;
  MESSAGE("this kernel does not tell of a thread's slice: nothing is tested");
  return false;
}

struct Slices {
  int policy = SCHED_OTHER;
  int nice = 0;
  unsigned long long own = 0, of_a_thread_of_its = 0;
  int policy_after = -1;
};

void *note_slice(void *slice) {
  *static_cast<unsigned long long *>(slice) = slice_of(0);
  return nullptr;
}

void *run_briefly(void *argument) {
  auto *slices = static_cast<Slices *>(argument);
  const sched_param none{};
  sched_setscheduler(0, slices->policy, &none);
  setpriority(PRIO_PROCESS, 0, slices->nice);
  thread_runs_briefly();
  slices->own = slice_of(0);
  slices->policy_after = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
  pthread_t thread;
  if (thread_start(&thread, 256 * 1024, "its-thread", note_slice, &slices->of_a_thread_of_its) == 0)
    pthread_join(thread, nullptr);
  return nullptr;
}

Slices after_running_briefly(int policy, int nice) {
  Slices slices;
  slices.policy = policy;
  slices.nice = nice;
  pthread_t thread;
  REQUIRE(thread_start(&thread, 256 * 1024, "brief", run_briefly, &slices) == 0);
  pthread_join(thread, nullptr);
  return slices;
}

// 0: there is none.
int tid_of(const std::string &name) {
  for (const auto &thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string found;
    std::ifstream file(thread.path() / "comm");
    if (std::getline(file, found) && found == name) return std::stoi(thread.path().filename());
  }
  return 0;
}

}  // namespace

TEST_SUITE_BEGIN("thread");

TEST_CASE("a thread that runs briefly says so, and the threads that it starts do not") {
  if (!kernel_has_slices()) return;
  const Slices slices = after_running_briefly(SCHED_OTHER, 5);
  CHECK(slices.own == SHORTEST);
  CHECK(slices.of_a_thread_of_its == slice_of(0));
}

TEST_CASE("a thread with another scheduling policy keeps it, and its slice") {
  if (!kernel_has_slices()) return;
  const Slices slices = after_running_briefly(SCHED_BATCH, 0);
  CHECK(slices.policy_after == SCHED_BATCH);
  CHECK(slices.own != SHORTEST);
}

TEST_CASE("the broker's thread runs briefly") {
  if (!kernel_has_slices()) return;
  if (sched_getscheduler(0) != SCHED_OTHER) {
    MESSAGE("these tests run with another scheduling policy than the usual one: nothing is tested");
    return;
  }
  Host host;
  host.output_of(Launch("/bin/true"));  // the broker has answered
  const int broker = tid_of("tproc-broker");
  REQUIRE(broker != 0);
  CHECK(slice_of(broker) == SHORTEST);
}

TEST_CASE("a thread has its name when its start returns") {
  std::array<std::promise<void>, 50> ends;
  std::array<pthread_t, ends.size()> threads{};
  for (size_t i = 0; i < ends.size(); i++) {
    REQUIRE(thread_start(&threads[i], 256 * 1024, "named-at-once", wait_for_end, &ends[i]) == 0);
    CHECK(threads_named("named-at-once") == static_cast<int>(i) + 1);
  }
  for (size_t i = 0; i < ends.size(); i++) {
    ends[i].set_value();
    pthread_join(threads[i], nullptr);
  }
}

TEST_SUITE_END();
