// Files whose file system does not answer: nobody waits but the one whose file it is.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/fault_injection.h"
#include "support/hosting.h"
#include "support/own_process.h"
#include "support/patience.h"
#include "support/temporary_directory.h"
#include "support/wire_client.h"

namespace {

/* A hang ends the test, not the machine's patience: on a busy one each traced call takes milliseconds in the guest. */
constexpr unsigned kTestSeconds = 480;

// Runs it where files can be made to hang.
void with_hung_files(const std::function<void(FaultInjection &)> &body) {
  const bool traced = FaultInjection::run(body, kTestSeconds);
  if (!traced) MESSAGE("not tested: this process may not trace another, or AddressSanitizer is in it");
}

Launch calls(const std::vector<std::string> &arguments) { return Launch(test_program("calls"), arguments); }

// A page that is not there before it is filled: whoever touches it waits. As a file's, but without a file system.
class MissingPage {
 public:
  MissingPage() : faults_(open_faults()) {
    page_ = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uffdio_api api{UFFD_API, UFFD_FEATURE_THREAD_ID, 0};
    uffdio_register range{{reinterpret_cast<uint64_t>(page_), kSize}, UFFDIO_REGISTER_MODE_MISSING, 0};
    if (ioctl(faults_, UFFDIO_API, &api) != 0 || ioctl(faults_, UFFDIO_REGISTER, &range) != 0)
      throw std::runtime_error("userfaultfd");
  }
  MissingPage(const MissingPage &) = delete;
  MissingPage &operator=(const MissingPage &) = delete;
  ~MissingPage() {
    close(faults_);
    munmap(page_, kSize);
  }

  static int open_faults() { return static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK)); }
  void *get() const { return page_; }

  // By a thread of this process, so by the host: a program's are not of it.
  bool is_waited_for_here() const {
    pollfd fault{faults_, POLLIN, 0};
    uffd_msg message{};
    if (poll(&fault, 1, 20000) != 1 || read(faults_, &message, sizeof message) != sizeof message) return false;
    return std::filesystem::exists("/proc/self/task/" + std::to_string(message.arg.pagefault.feat.ptid));
  }

  void fill(const std::string &text) const {
    alignas(4096) static char content[kSize];
    text.copy(content, sizeof content - 1);
    uffdio_copy copy{reinterpret_cast<uint64_t>(page_), reinterpret_cast<uint64_t>(content), kSize, 0, 0};
    EXPECT_EQUAL(ioctl(faults_, UFFDIO_COPY, &copy), 0);
  }

 private:
  static constexpr size_t kSize = 4096;
  int faults_;
  void *page_;
};

void expect_neighbours_work(Host &host) {
  for (const char *mode : {"flags", "thread"}) EXPECT_EQUAL(host.output_of(calls({mode})), "done\n");
}

}  // namespace

TEST_SUITE_BEGIN("hung_file");

TEST_CASE("closing the copy of a file that a program maps keeps no neighbour waiting") {
  TemporaryDirectory directory;
  const std::string path = directory.file("hung", std::string(1 << 16, 'x'));
  with_hung_files([&path](FaultInjection &files) {
    Host host;
    for (const std::vector<std::string> &arguments :
         {std::vector<std::string>{"map", path}, std::vector<std::string>{"map", path, "write"}}) {
      files.hang(path);
      std::vector<tproc_threadproc *> all;
      for (int i = 0; i < 3; i++) all.push_back(host.start(calls(arguments)));
      EXPECT(eventually([&] { return files.hanging() >= 3; }));
      expect_neighbours_work(host);
      files.let_go();
      for (tproc_threadproc *each : all) {
        EXPECT_EQUAL(host.await(each).status, 0);
        host.close_threadproc(each);
      }
    }
  });
}

TEST_CASE("unmapping in pieces does not wait behind the closes of files that hang") {
  TemporaryDirectory directory;
  const std::string path = directory.file("hung", std::string(1 << 16, 'x'));
  with_hung_files([&path](FaultInjection &files) {
    Host host;
    files.hang(path);
    EXPECT_EQUAL(host.output_of(calls({"map-then-large", path})), "done\n");
    EXPECT(eventually([&] { return files.hanging() == 8; })); /* by other threads than those that answer */
    files.let_go();
  });
}

TEST_CASE("a path and an answer in a file's memory keep no neighbour and no other thread waiting") {
  with_hung_files([](FaultInjection &files) {
    Host host;
    alignas(4096) static char memory[4096] = "/proc/self/exe";
    pulse_report report{};
    files.hang_writes(memory, sizeof memory);
    tproc_threadproc *executing = host.start(calls({"execute-at", address_of(memory), address_of(&report)}));
    EXPECT(eventually([&] { return files.hanging() == 1; }));
    const uint64_t before = __atomic_load_n(&report.beats, __ATOMIC_ACQUIRE);
    EXPECT(eventually([&] { return __atomic_load_n(&report.beats, __ATOMIC_ACQUIRE) > before + 2; }));
    std::vector<tproc_threadproc *> all{executing, host.start(calls({"store-signal", address_of(memory + 64)})),
                                        host.start(calls({"store-context", address_of(memory + 128)}))};
    EXPECT(eventually([&] { return files.hanging() == 3; }));
    expect_neighbours_work(host);
    files.let_go();
    __atomic_store_n(&report.stop, 1u, __ATOMIC_RELEASE);
    for (tproc_threadproc *each : all) EXPECT_EQUAL(host.await(each).status, 0);
    EXPECT_EQUAL(std::string(memory), "/proc/self/exe");
    for (tproc_threadproc *each : all) host.close_threadproc(each);
  });
}

TEST_CASE("a path in a page that does not come keeps the address space unlocked") {
  const int possible = MissingPage::open_faults();
  if (possible < 0 || sysconf(_SC_PAGESIZE) != 4096) {
    MESSAGE("not tested: this process may not have a userfaultfd, or pages are not of 4 KiB");
    return;
  }
  close(possible);
  in_own_process([] {
    alarm(kTestSeconds);
    const MissingPage page;
    pulse_report report{};
    Host host;
    tproc_threadproc *executing = host.start(calls({"execute-at", address_of(page.get()), address_of(&report)}));
    EXPECT(page.is_waited_for_here());
    const uint64_t before = __atomic_load_n(&report.beats, __ATOMIC_ACQUIRE);
    EXPECT(eventually([&] { return __atomic_load_n(&report.beats, __ATOMIC_ACQUIRE) > before + 2; }));
    expect_neighbours_work(host);
    page.fill("/proc/self/exe");
    __atomic_store_n(&report.stop, 1u, __ATOMIC_RELEASE);
    EXPECT_EQUAL(host.await(executing).status, 0);
    host.close_threadproc(executing);
  });
}

// At each question of the launch's, one after the other.
TEST_CASE("a program's file system that does not answer keeps no other launch waiting where programs are prepared") {
  with_hung_files([](FaultInjection &files) {
    Host host;
    EXPECT_EQUAL(host.prepare(calls({}), 1).result, 0);
    unsigned held = 0;
    for (const long question : {SYS_fstat, SYS_newfstatat}) {
      bool has_hit = true;
      for (unsigned n = 1; has_hit; n++, held += has_hit) {
        std::atomic<bool> over{false};
        Launched launched;
        files.arm(question, 0, n, "tproc-call");
        std::thread launching([&] {
          launched = host.launch(quick_end());
          over = true;
        });
        EXPECT(eventually([&] { return files.has_hit() || over; }));
        has_hit = files.disarm();
        if (has_hit) expect_neighbours_work(host);
        files.let_go();
        launching.join();
        EXPECT_EQUAL(host.await(launched.threadproc).status, 0);
        host.close_threadproc(launched.threadproc);
      }
    }
    EXPECT(held >= 2);
  });
}

TEST_CASE("a standard error that does not answer keeps nobody waiting when programs that ran ahead are not wanted") {
  TemporaryDirectory directory;
  const std::string path = directory.file("log", "");
  const Launch ready(test_program("ready"), {"-"});
  with_hung_files([&](FaultInjection &files) {
    Host host;
    const int log = open(path.c_str(), O_WRONLY | O_CLOEXEC), before = dup(STDERR_FILENO);
    dup2(log, STDERR_FILENO);
    EXPECT(eventually([&] { return host.prepare_ready(ready, 1).result == 0; }));
    dup2(before, STDERR_FILENO);
    close(log);
    files.hang(path);
    EXPECT_EQUAL(host.prepare_ready(ready, 0).result, 0);
    EXPECT(eventually([&] { return files.hanging() == 1; }));
    expect_neighbours_work(host);
    EXPECT_EQUAL(host.prepare(calls({}), 1).result, 0);
    files.let_go();
  });
}

TEST_CASE("a host is closed while file systems do not answer: a copy's close, and an answer that is fetched") {
  TemporaryDirectory directory;
  const std::string path = directory.file("hung", std::string(1 << 16, 'x'));
  const std::string program = directory / "program";
  std::filesystem::copy_file(test_program("calls"), program);
  with_hung_files([&](FaultInjection &files) {
    Host host;
    files.hang(path);
    host.start(calls({"map", path}));
    EXPECT(eventually([&] { return files.hanging() == 2; })); /* the program's own, and the host's of the copy */
    host.close();
    EXPECT(tproc_has_left_threads());
    files.let_go();

    Host second;
    WaitWord word;
    second.start(Launch(program, {"examine", address_of(word.get())}));
    word.await_running();
    files.hang(program);
    word.go();
    EXPECT(eventually([&] { return files.hanging() == 1; }));
    expect_neighbours_work(second);
    second.close();
    EXPECT_EQUAL(files.hanging(), 1u);
    files.let_go();
    Host third;
    expect_neighbours_work(third);
  });
}

TEST_CASE("clients that leave descriptors behind keep no other client waiting, and not the end of the server") {
  TemporaryDirectory directory;
  const std::string path = directory.file("hung", "x");
  with_hung_files([&path](FaultInjection &files) {
    Listening listening;
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    files.hang(path);
    for (int i = 0; i < 12; i++) {
      Client client(listening.path());
      client.send(bytes_of(wire_header_for(WIRE_LAUNCH, 4096, 1)), {file}); /* and no payload */
      client.close();
    }
    EXPECT(eventually([&] { return files.hanging() == 12; }));
    for (int i = 0; i < 5; i++) {
      Client client(listening.path());
      client.send_frame(WIRE_LIST);
      EXPECT_EQUAL(client.receive().type, WIRE_LISTED);
      Client other(listening.path());
      other.launch(LaunchRequest(test_program("end"), {"exit", "9"}));
      other.started();
      EXPECT_EQUAL(other.ended(), 9);
    }
    listening.close();
    files.let_go();
    close(file);
  });
}

TEST_SUITE_END();
