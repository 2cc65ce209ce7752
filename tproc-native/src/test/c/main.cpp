#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

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

// One line for each test as it ends, where TPROC_STREAM_CASES is set: the report comes at the end, which a guest that
// is stopped does not reach. it/guest/report reads the lines.
class Stream : public doctest::IReporter {
 public:
  explicit Stream(const doctest::ContextOptions & /*options*/) : on_(getenv("TPROC_STREAM_CASES") != nullptr) {}

  void test_case_start(const doctest::TestCaseData &test) override { test_ = &test; }
  void test_case_reenter(const doctest::TestCaseData & /*test*/) override {}
  void test_case_end(const doctest::CurrentTestCaseStats &stats) override {
    if (!on_) return;
    std::printf("##case core|%s|%s|%s\n", test_->m_test_suite, test_->m_name,
                stats.testCaseSuccess ? "passed" : "FAILED");
    std::fflush(stdout);
  }
  void test_case_exception(const doctest::TestCaseException & /*exception*/) override {}
  void test_case_skipped(const doctest::TestCaseData & /*test*/) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats & /*stats*/) override {}
  void report_query(const doctest::QueryData & /*query*/) override {}
  void subcase_start(const doctest::SubcaseSignature & /*signature*/) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData & /*assertion*/) override {}
  void log_message(const doctest::MessageData & /*message*/) override {}

 private:
  bool on_;
  const doctest::TestCaseData *test_ = nullptr;
};

}  // namespace

DOCTEST_REGISTER_LISTENER("stream", 1, Stream);

int main(int argc, char **argv) {
  allow_many_descriptors();
  take_signals_as_a_terminal_gives_them();
  return doctest::Context(argc, argv).run();
}
