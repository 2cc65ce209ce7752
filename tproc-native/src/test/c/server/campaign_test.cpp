// A campaign of faults against a listening host. Each piece of work is done once while the system calls of the host's
// threads are counted. Then each of these calls fails, is made late, or hangs, one after the other, beside a canary in
// the host's memory and a neighbour that must go on. TPROC_CAMPAIGN_SECONDS makes it longer, TPROC_CAMPAIGN_SEED gives
// another order (tools/fault-campaign, docs/reliability.md).
#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "support/fault_injection.h"
#include "support/hosting.h"
#include "support/own_process.h"
#include "support/patience.h"
#include "support/resources.h"
#include "support/temporary_directory.h"
#include "support/wire_client.h"

namespace {

using Clock = std::chrono::steady_clock;

unsigned setting(const char *name, unsigned otherwise) {
  const char *value = std::getenv(name);
  return value != nullptr ? static_cast<unsigned>(std::atoi(value)) : otherwise;
}

using Errors = std::vector<int>;

// What a call may fail with. Not here are those that cannot fail in a correct program (close, munmap, futex), and
// epoll_wait, whose failure is the end of a broker or a server. Nor are answers that say that a caller has gone: the
// kernel gives them when it has, and a caller that has not would wait for ever.
Errors errors_of(long number) {
  static const std::map<long, Errors> more = {
      {SYS_ioctl, {ENOMEM, EMFILE}},
      {SYS_recvmsg, {ECONNRESET, EINTR, ENOMEM}},
      {SYS_sendmsg, {EPIPE, ENOBUFS, EINTR}},
      {SYS_accept4, {EMFILE, ECONNABORTED}},
      {SYS_socket, {EMFILE}},
      {SYS_socketpair, {EMFILE}},
      {SYS_getsockopt, {EINVAL}},
      {SYS_process_vm_readv, {EPERM}},
      {SYS_process_vm_writev, {EPERM}},
      {SYS_mremap, {ENOMEM}},
      {SYS_mmap, {EACCES}},
      {SYS_mprotect, {EACCES}},
      {SYS_madvise, {EINVAL}},
      {SYS_memfd_create, {EMFILE}},
      {SYS_ftruncate, {ENOSPC}},
      {SYS_pidfd_getfd, {EMFILE}},
      {SYS_statx, {EACCES}},
      {SYS_unlinkat, {EACCES}},
      {SYS_waitid, {EINTR}},
      {SYS_setsid, {EPERM}},
      {SYS_pipe2, {EMFILE}},
      {SYS_openat, {ENOMEM}},
  };
  Errors all;
  for (const Fault &each : FaultInjection::faults())
    if (each.number == number && each.code != ECHILD) all.push_back(each.code);
  const auto found = more.find(number);
  if (found != more.end()) all.insert(all.end(), found->second.begin(), found->second.end());
  return all;
}

// Without these calls neither libc nor the test goes on, or they wait by nature.
bool is_left_alone(long number) {
  static const std::set<long> all = {SYS_futex,           SYS_exit,        SYS_exit_group,
                                     SYS_rt_sigreturn,    SYS_epoll_pwait, SYS_restart_syscall,
#ifdef SYS_epoll_wait
                                     SYS_epoll_wait,
#endif
#ifdef SYS_futex_waitv
                                     SYS_futex_waitv,
#endif
                                     SYS_clock_nanosleep, SYS_nanosleep};
  return all.count(number) != 0;
}

// Calls that a file system may leave without an answer, where they are made of a program's or a client's file.
bool may_hang(long number) {
  static const std::set<long> all = {SYS_openat,
                                     SYS_close,
                                     SYS_fstat,
                                     SYS_newfstatat,
                                     SYS_statx,
                                     SYS_read,
                                     SYS_pread64,
                                     SYS_pwrite64,
                                     SYS_readlinkat,
                                     SYS_faccessat,
                                     SYS_fchdir,
                                     SYS_faccessat2,
#ifdef SYS_open
                                     SYS_open,
                                     SYS_readlink,
                                     SYS_access,
                                     SYS_stat,
#endif
                                     SYS_process_vm_readv,
                                     SYS_process_vm_writev};
  return all.count(number) != 0;
}

// Threads for which no program and no other thread of the host may have to wait.
bool may_hang(const std::string &thread) {
  return thread == "tproc-deferred" || thread == "tproc-call" || thread == "tproc-worker" || thread == "tproc-cleaner";
}

std::string name_of_call(long number) {
  static const std::map<long, const char *> more = {{SYS_close, "close"},
                                                    {SYS_munmap, "munmap"},
                                                    {SYS_recvmsg, "recvmsg"},
                                                    {SYS_sendmsg, "sendmsg"},
                                                    {SYS_accept4, "accept4"},
                                                    {SYS_mremap, "mremap"},
                                                    {SYS_write, "write"},
                                                    {SYS_gettid, "gettid"},
                                                    {SYS_getpid, "getpid"},
                                                    {SYS_setsid, "setsid"},
                                                    {SYS_rt_sigprocmask, "rt_sigprocmask"}};
  for (const Fault &each : FaultInjection::faults())
    if (each.number == number) return each.name.substr(0, each.name.find(' '));
  const auto found = more.find(number);
  return found != more.end() ? found->second : "call " + std::to_string(number);
}

constexpr unsigned kInTurn = 6, kOfTheRest = 2; /* of one call of one thread in one piece of work */
constexpr unsigned kTries = 3;                  /* other threads' turns differ from time to time */
constexpr unsigned kGraceMilliseconds = 60;     /* for what goes on after a piece of work */
constexpr unsigned kLateMilliseconds = 30;
constexpr uint64_t kBoundNanoseconds = 2000000000, kBoundFactor = 10;
constexpr size_t kCanaryWords = 1 << 15;

void sleep_milliseconds(unsigned milliseconds) { usleep(milliseconds * 1000); }

enum class Kind { kFails, kLate, kHangs, kFileHangs, kProgramHangs, kNone };

// What is done to which call.
struct Injection {
  size_t work;
  Kind kind;
  std::string thread;
  long number = 0;
  unsigned n = 0;
  int code = 0;
};

class Campaign {
 public:
  Campaign(FaultInjection &injection, const std::string &file, const std::string &program, unsigned seed)
      : injection_(injection), file_(file), program_(program), random_(seed), canary_(kCanaryWords) {
    for (size_t i = 0; i < kCanaryWords; i++) canary_[i] = i * 0x9e3779b97f4a7c15u;
    start_neighbour();
    works_ = all_works();
    plan();
  }

  // The next of the plan, which begins again in another order when it has been done.
  void round() {
    if (next_ == plan_.size()) {
      next_ = 0;
      passes_++;
    }
    if (next_ == 0) order();
    const Injection &injection = plan_[next_++];
    const std::string what = text_of(injection);
    now_ = what;
    __atomic_store_n(&pulse_.slowest_nanoseconds, uint64_t{0}, __ATOMIC_RELAXED);
    if (injection.kind == Kind::kFileHangs || injection.kind == Kind::kProgramHangs)
      with_hung_file(works_[injection.work], injection.kind == Kind::kFileHangs ? file_ : program_);
    else if (injection.kind == Kind::kNone)
      works_[injection.work].run();
    else
      inject(injection, what);
    expect_unharmed(what);
    expect_in_time(what);
    rounds_++;
  }

  // Most of what was to be injected has found its call.
  bool hits_most() const { return missed_ * 4 <= armed_ + 4; }

  void end() {
    __atomic_store_n(&pulse_.stop, 1u, __ATOMIC_RELEASE);
    await_end(neighbour_);
    listening_.close();
  }

  std::string figures() const {
    char text[600];
    std::snprintf(
        text, sizeof text,
        "a plan of %zu (%zu ways), done %u times and %zu of it; %u rounds: %u calls failed, %u were late, %u hung, %u "
        "found no "
        "such call, %u times a file hung, %u programs killed, %u launches and clients refused; the neighbour: %llu "
        "answers, the slowest %.1f ms (%.1f ms without a fault; each call of all is traced), ended %u times with a "
        "report",
        plan_.size(), ways_, passes_, next_, rounds_, hits_[0], hits_[1], hits_[2], missed_, hung_, killed_, refused_,
        static_cast<unsigned long long>(beats_ + pulse_.beats), static_cast<double>(slowest_) / 1e6,
        static_cast<double>(slowest_clean_) / 1e6, neighbours_ended_);
    std::string all = text;
    for (const auto &each : threads_hit_) all += "\n  " + each.first + ": " + std::to_string(each.second);
    for (const auto &each : misses_) all += "\n  no such call: " + each;
    return all;
  }

 private:
  struct Work {
    const char *name;
    std::function<void()> run;
  };

  unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }

  std::vector<Work> all_works() {
    return {
        {"a program that maps a file",
         [this] {
           host_program({"map", file_});
         }},
        {"a program that maps a file for writing",
         [this] {
           host_program({"map", file_, "write"});
         }},
        {"a program that asks for its executable", [this] { host_program({"executable"}); }},
        {"a program that executes itself", [this] { host_program({"execute"}); }},
        {"a program that forks", [this] { host_program({"fork"}); }},
        {"a program that is killed", [this] { kill_program(); }},
        {"a client's program", [this] { launch_by_client(); }},
        {"a client that leaves", [this] { leave_half(); }},
        {"a list for a client", [this] { list_by_client(); }},
        {"a host that is closed", [this] { close_host(); }},
        {"a listening host that is closed", [this] { close_listening(); }},
    };
  }

  // All calls of the host's threads, as they are made without a fault.
  void plan() {
    for (size_t work = 0; work < works_.size(); work++) {
      works_[work].run(); /* so that what is made once has been made */
      pause_neighbour(true);
      injection_.start_counting("tproc-");
      works_[work].run();
      sleep_milliseconds(kGraceMilliseconds);
      const std::vector<CallCount> calls = injection_.counted();
      pause_neighbour(false);
      for (const CallCount &each : calls) plan_calls(work, each);
      for (const Kind kind : {Kind::kFileHangs, Kind::kProgramHangs, Kind::kNone})
        plan_.push_back({work, kind, "", 0, 0, 0});
      expect_beats("without a fault");
    }
    slowest_clean_ = __atomic_load_n(&pulse_.slowest_nanoseconds, __ATOMIC_RELAXED);
  }

  void plan_calls(size_t work, const CallCount &calls) {
    if (is_left_alone(calls.number)) return;
    for (unsigned n = 1; n <= calls.times; n += n < kInTurn ? 1 : 1 + (calls.times - kInTurn) / kOfTheRest) {
      if (!errors_of(calls.number).empty()) plan_.push_back({work, Kind::kFails, calls.thread, calls.number, n, 0});
      plan_.push_back({work, Kind::kLate, calls.thread, calls.number, n, 0});
      if (may_hang(calls.number) && may_hang(calls.thread))
        plan_.push_back({work, Kind::kHangs, calls.thread, calls.number, n, 0});
    }
  }

  // By chance, but first of all each call of each thread once in each way. What a call fails with is chosen anew.
  void order() {
    std::shuffle(plan_.begin(), plan_.end(), random_);
    std::set<std::tuple<Kind, std::string, long>> seen;
    std::vector<Injection> first, rest;
    for (Injection &each : plan_)
      (seen.emplace(each.kind, each.thread, each.number).second ? first : rest).push_back(std::move(each));
    ways_ = first.size();
    plan_ = std::move(first);
    plan_.insert(plan_.end(), rest.begin(), rest.end());
    for (Injection &each : plan_) {
      if (each.kind != Kind::kFails) continue;
      const Errors errors = errors_of(each.number);
      each.code = errors[below(static_cast<unsigned>(errors.size()))];
    }
  }

  std::string text_of(const Injection &injection) const {
    std::string text = works_[injection.work].name;
    if (injection.kind == Kind::kFileHangs) return text + ": its file hangs";
    if (injection.kind == Kind::kProgramHangs) return text + ": the program's file hangs";
    if (injection.kind == Kind::kNone) return text;
    text += ": " + name_of_call(injection.number) + " " + std::to_string(injection.n) + " of " + injection.thread;
    if (injection.kind == Kind::kFails) return text + " fails: " + std::to_string(injection.code);
    return text + (injection.kind == Kind::kLate ? " is late" : " hangs");
  }

  // Questions of the neighbour's are not counted as the work's, so the broker answers none meanwhile.
  void pause_neighbour(bool pause) {
    __atomic_store_n(&pulse_.pause, pause ? 1u : 0u, __ATOMIC_RELEASE);
    if (pause) sleep_milliseconds(5);
  }

  void inject(const Injection &injection, const std::string &what) {
    armed_++;
    for (unsigned tries = 0; tries < kTries; tries++) {
      const bool alone = injection.thread == "tproc-broker";
      if (alone) pause_neighbour(true);
      injection_.arm(injection.number, injection.code, injection.n, injection.thread);
      std::atomic<bool> done{false};
      std::thread letting_go([&] {
        if (injection.kind != Kind::kFails) let_go_later(injection, what, done);
      });
      works_[injection.work].run();
      for (unsigned waited = 0; !injection_.has_hit() && waited < kGraceMilliseconds; waited++) sleep_milliseconds(1);
      done = true;
      letting_go.join();
      const bool hit = injection_.disarm();
      injection_.let_go();
      if (alone) pause_neighbour(false);
      if (!hit) continue;
      hits_[injection.kind == Kind::kFails ? 0 : injection.kind == Kind::kLate ? 1 : 2]++;
      threads_hit_[injection.thread]++;
      return;
    }
    missed_++;
    misses_.insert(what);
  }

  // What hangs goes on when the neighbour has been answered meanwhile, what is late after a while.
  void let_go_later(const Injection &injection, const std::string &what, const std::atomic<bool> &done) {
    while (!injection_.has_hit()) {
      if (done) return;
      sleep_milliseconds(1);
    }
    if (injection.kind == Kind::kLate)
      sleep_milliseconds(kLateMilliseconds);
    else if (!beats())
      complain("campaign", 0, "the neighbour waits: " + what);
    injection_.let_go();
  }

  void expect_in_time(const std::string &what) {
    const uint64_t slowest = __atomic_load_n(&pulse_.slowest_nanoseconds, __ATOMIC_RELAXED);
    slowest_ = std::max(slowest_, slowest);
    if (slowest > std::max(kBoundNanoseconds, kBoundFactor * slowest_clean_))
      complain("campaign", 0, "the neighbour waited " + std::to_string(slowest / 1000000) + " ms: " + what);
  }

  // Late: it goes on when the neighbour has been answered meanwhile.
  void with_hung_file(const Work &work, const std::string &file) {
    injection_.hang(file);
    std::thread letting_go([this] {
      if (!beats()) complain("campaign", 0, "the neighbour waits while a file hangs");
      injection_.let_go();
    });
    work.run();
    letting_go.join();
    hung_++;
  }

  Host &host() { return host_; }

  void host_program(const std::vector<std::string> &arguments) {
    const Launched launched = host().launch(Launch(program_, arguments));
    if (launched.result == 0)
      await_end(launched.threadproc);
    else
      refused(launched);
  }

  void refused(const Launched &launched) {
    refused_++;
    if (launched.message().find('(') == std::string::npos) complain("refused", launched.result, launched.message());
    if (launched.threadproc != nullptr) { /* it runs, and could not be watched */
      tproc_threadproc_signal(launched.threadproc, 9, nullptr);
    }
  }

  void kill_program() {
    WaitWord word;
    const Launched launched = host().launch(Launch(program_, {"storm", address_of(word.get())}));
    if (launched.result != 0) {
      refused(launched);
      return;
    }
    usleep(below(20000));
    tproc_threadproc_signal(launched.threadproc, 9, nullptr);
    tproc_threadproc_signal(launched.threadproc, 9, nullptr); /* the first may be the call that fails */
    await_end(launched.threadproc);
    killed_++;
  }

  void launch_by_client() {
    try {
      Client client(listening_.path());
      client.launch(LaunchRequest(test_program("end"), {"exit", "3"}));
      const Reply started = client.receive();
      if (started.descriptor >= 0) ::close(started.descriptor);
      client.receive();
    } catch (const std::exception &lost) { /* the host has refused it, or has no descriptor for it */
      refused_++;
    }
  }

  void leave_half() {
    try {
      const Client client(listening_.path());
      const int file = open(file_.c_str(), O_RDONLY | O_CLOEXEC);
      client.send(bytes_of(wire_header_for(WIRE_LAUNCH, 4096, 1)), {file});
      ::close(file);
    } catch (const std::exception &lost) {
      refused_++;
    }
  }

  void list_by_client() {
    try {
      Client client(listening_.path());
      client.send_frame(WIRE_LIST);
      client.receive();
    } catch (const std::exception &lost) {
      refused_++;
    }
  }

  void close_host() {
    tproc_host *another = nullptr;
    if (tproc_host_open(&another, nullptr) == 0)
      tproc_host_close(another);
    else
      refused_++;
  }

  void close_listening() {
    try {
      const Listening another;
      Client client(another.path());
      client.launch(LaunchRequest(test_program("end"), {"exit", "3"}));
      const Reply started = client.receive();
      if (started.descriptor >= 0) ::close(started.descriptor);
    } catch (const std::exception &lost) {
      refused_++;
    }
  }

  // Of this one; others' are noted for later.
  void await_end(tproc_threadproc *threadproc) {
    const auto deadline = Clock::now() + std::chrono::seconds(60);
    while (ended_.erase(threadproc) == 0) {
      if (Clock::now() > deadline) {
        complain("campaign", 0, "no exit came: " + now_);
        return;
      }
      collect(1000);
    }
    tproc_threadproc_close(threadproc, nullptr);
  }

  void collect(int milliseconds) {
    tproc_exit exit{};
    if (tproc_host_next_exit(host().get(), milliseconds, &exit, nullptr) == 1) ended_[exit.threadproc] = true;
  }

  void start_neighbour() {
    beats_ += pulse_.beats;
    pulse_ = {};
    neighbour_ = host().start(Launch(test_program("calls"), {"pulse", address_of(&pulse_)}));
  }

  bool beats() {
    const uint64_t before = __atomic_load_n(&pulse_.beats, __ATOMIC_ACQUIRE);
    return eventually([&] { return __atomic_load_n(&pulse_.beats, __ATOMIC_ACQUIRE) > before + 2; });
  }

  void expect_beats(const std::string &when) {
    if (beats()) return;
    collect(0);
    if (ended_.count(neighbour_) == 0) complain("campaign", 0, "the neighbour waits: " + when);
  }

  // A call that could not be answered ends its program, and the host tells of it: that may be the neighbour's.
  void expect_unharmed(const std::string &when) {
    collect(0);
    if (ended_.count(neighbour_) != 0) {
      await_end(neighbour_);
      neighbours_ended_++;
      start_neighbour();
    }
    expect_beats(when);
    for (size_t i = 0; i < kCanaryWords; i++)
      if (canary_[i] != i * 0x9e3779b97f4a7c15u) {
        complain("campaign", 0, "the canary is dead: " + when);
        return;
      }
  }

  FaultInjection &injection_;
  const std::string &file_, &program_;
  std::mt19937 random_;
  std::vector<uint64_t> canary_;
  Host host_;
  Listening listening_;
  pulse_report pulse_{};
  tproc_threadproc *neighbour_ = nullptr;
  std::map<tproc_threadproc *, bool> ended_;
  std::vector<Work> works_;
  std::vector<Injection> plan_;
  size_t next_ = 0, ways_ = 0;
  std::string now_; /* what is being done */
  std::map<std::string, unsigned> threads_hit_;
  std::set<std::string> misses_;
  unsigned hits_[3] = {0, 0, 0}; /* failed, late, hung */
  uint64_t beats_ = 0, slowest_ = 0, slowest_clean_ = 0;
  unsigned rounds_ = 0, passes_ = 0, armed_ = 0, missed_ = 0, hung_ = 0, killed_ = 0, refused_ = 0;
  unsigned neighbours_ended_ = 0;
};

}  // namespace

TEST_SUITE_BEGIN("campaign");

TEST_CASE("a campaign of faults: the neighbour goes on, the canary lives, and nothing is left") {
  if (setting("TPROC_CAMPAIGN_SECONDS", 10) == 0) {
    MESSAGE("not tested: TPROC_CAMPAIGN_SECONDS is 0");
    return;
  }
  TemporaryDirectory directory;
  const std::string file = directory.file("file", std::string(1 << 16, 'x'));
  const std::string program = directory / "program";
  std::filesystem::copy_file(test_program("calls"), program);
  const unsigned seconds = setting("TPROC_CAMPAIGN_SECONDS", 10), seed = setting("TPROC_CAMPAIGN_SEED", 1);
  const bool traced = FaultInjection::run(
      [&](FaultInjection &injection) {
        alarm(seconds + 240);
        Host().run(quick_end());
        const Resources before = Resources::settled();
        {
          Campaign campaign(injection, file, program, seed);
          const auto end = Clock::now() + std::chrono::seconds(seconds);
          while (Clock::now() < end) campaign.round();
          campaign.end();
          EXPECT(campaign.hits_most());
          if (std::getenv("TPROC_CAMPAIGN_SECONDS") != nullptr)
            std::printf("seed %u: %s\n", seed, campaign.figures().c_str());
          std::fflush(stdout);
        }
        EXPECT_EQUAL(left_behind(before), "");
      },
      seconds + 240);
  if (!traced) MESSAGE("not tested: this process may not trace another, or AddressSanitizer is in it");
}

TEST_SUITE_END();
