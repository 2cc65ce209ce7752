#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "support/elf_builder.h"
#include "support/hosting.h"
#include "support/own_process.h"
#include "support/patience.h"
#include "support/proc_maps.h"
#include "support/resources.h"
#include "support/system_call_filter.h"

namespace {

Launch calls(const std::string &mode, std::vector<std::string> more = {}) {
  more.insert(more.begin(), mode);
  return Launch(test_program("calls"), more);
}

std::string outcome(Host &host, const std::string &mode) { return host.output_of(calls(mode)); }

// Those of the broker's table (or of one that has been left, this thread's) that are shown as `kind`.
std::vector<int> descriptors(const std::string &kind, const std::string &table) {
  std::vector<int> found;
  DIR *directory = opendir((table + "/fd").c_str());
  if (directory == nullptr) return found;
  while (const dirent *entry = readdir(directory)) {
    char target[256] = "";
    if (readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1) > 0 && kind == target)
      found.push_back(std::atoi(entry->d_name));
  }
  closedir(directory);
  return found;
}

// The thread that has the table, in /proc.
std::string broker_in_proc() {
  std::string found = "/proc/self/task/none";
  DIR *directory = opendir("/proc/self/task");
  while (const dirent *entry = readdir(directory)) {
    const std::string path = std::string("/proc/self/task/") + entry->d_name;
    std::string name;
    std::getline(std::ifstream(path + "/comm"), name);
    if (name == "tproc-files") found = path;
  }
  closedir(directory);
  return found;
}

std::vector<int> listeners() { return descriptors("anon_inode:seccomp notify", broker_in_proc()); }

// The broker's set is the one that has a fence's listener in it.
int broker_events() {
  const std::string table = broker_in_proc();
  for (const int set : descriptors("anon_inode:[eventpoll]", table)) {
    std::ifstream info(table + "/fdinfo/" + std::to_string(set));
    for (std::string word; info >> word;) {
      int notify_fd = -1;
      if (word == "tfd:" && info >> notify_fd)
        for (const int each : listeners())
          if (each == notify_fd) return set;
    }
  }
  throw std::runtime_error("no broker's epoll set");
}

// Something of another kind takes a descriptor's place, as when foreign code closes what is not its own.
void spoil(Host &host, int descriptor) {
  in_host(host.get(), [descriptor] {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup3(null, descriptor, O_CLOEXEC);
    close(null);
  });
}

// Exits are collected until the host tells of a failure of its own.
std::string reported(Host &host, int milliseconds = 10000) {
  for (;;) {
    tproc_exit exit{};
    tproc_error error{};
    const int got = tproc_host_next_exit(host.get(), milliseconds, &exit, &error);
    if (got < 0) return error.message;
    if (got == 0) return "nothing";
  }
}

void pause_for(long microseconds) {
  const timespec time{0, microseconds * 1000};
  nanosleep(&time, nullptr);
}

// Until it sleeps: then it changes nothing.
void await_sleep(tproc_threadproc *threadproc) {
  const std::string path = "/proc/" + std::to_string(tproc_threadproc_pid(threadproc)) + "/stat";
  for (std::string text; text.find(") S") == std::string::npos; std::getline(std::ifstream(path), text)) pause_for(100);
}

// A range of a running threadproc's slot, with a checksum.
class Victim {
 public:
  Victim(tproc_threadproc *threadproc, const std::string &name) {
    tproc_mapping all[64];
    const size_t count = tproc_threadproc_memory(threadproc, all, 64);
    for (size_t i = 0; i < count && i < 64; i++)
      if (all[i].writable != 0 && all[i].name == name) range_ = all[i];
    REQUIRE(range_.size > 0);
    before_ = sum();
  }
  std::vector<std::string> arguments() const {
    return {address_of(reinterpret_cast<void *>(range_.address)), std::to_string(range_.size)};
  }
  bool unharmed() const { return protection_at(range_.address).substr(0, 2) == "rw" && sum() == before_; }

 private:
  uint64_t sum() const {
    uint64_t all = 0;
    for (uint64_t i = 0; i < range_.size; i += 8)
      all = all * 31 + *reinterpret_cast<const volatile uint64_t *>(range_.address + i);
    return all;
  }
  tproc_mapping range_{};
  uint64_t before_ = 0;
};

}  // namespace

TEST_SUITE_BEGIN("broker");

TEST_CASE("programs' memory calls do what they do natively") {
  Host host;
  for (const char *mode : {"flags", "thread", "controls", "break", "fork", "signals"}) {
    CAPTURE(mode);
    CHECK(outcome(host, mode) == "done\n");
  }
}

TEST_CASE("answers leave nothing behind") {
  Host host;
  CHECK(leaks_of([&] {
          for (const char *mode : {"flags", "thread", "break", "executable"}) outcome(host, mode);
        }) == "");
}

TEST_CASE("a neighbour cannot be harmed") {
  Host host;
  WaitWord word;
  tproc_threadproc *neighbour = host.start(Launch(test_program("wait"), {address_of(word.get()), "7"}));
  word.await_running();
  await_sleep(neighbour);
  for (const char *name : {"[stack]", "[heap]"}) {
    CAPTURE(name);
    const Victim victim(neighbour, name);
    CHECK(host.output_of(calls("attack", victim.arguments())) == "done\n");
    CHECK(victim.unharmed());
  }
  word.go();
  CHECK(host.await(neighbour).status == 7);
  host.close_threadproc(neighbour);
}

TEST_CASE("the host cannot be harmed: its data, its code, its stack") {
  Host host;
  const Area heap(64 * test_page(), PROT_READ | PROT_WRITE);
  auto *words = reinterpret_cast<uint64_t *>(heap.low());
  for (size_t i = 0; i < 64 * test_page() / 8; i++) words[i] = i * 7;
  alignas(8) char local[64] = "local";
  const auto page_of = [](const void *address) {
    return address_of(reinterpret_cast<void *>(reinterpret_cast<uint64_t>(address) & ~(test_page() - 1)));
  };
  const std::string size = std::to_string(4 * test_page());
  CHECK(host.output_of(calls("attack", {address_of(words), size})) == "done\n");
  CHECK(host.output_of(calls("attack", {page_of(reinterpret_cast<const void *>(&tproc_host_open)), size})) == "done\n");
  CHECK(host.output_of(calls("attack", {page_of(local), size})) == "done\n");
  bool unharmed = true;
  for (size_t i = 0; i < 64 * test_page() / 8; i++) unharmed = unharmed && words[i] == i * 7;
  CHECK(unharmed);
  CHECK(std::string(local) == "local");
}

TEST_CASE("the host cannot be stopped by a debugger in it") {
  Host host;
  CHECK(host.output_of(calls("trace", {std::to_string(gettid())})) == "done\n");
}

TEST_CASE("killed in the middle of a call: the broker goes on, nothing is left") {
  Host host;
  CHECK(leaks_of(
            [&] {
              for (int i = 0; i < 25; i++) {
                WaitWord word;
                tproc_threadproc *threadproc = host.start(calls("storm", {address_of(word.get())}));
                word.await_running();
                pause_for(i * 150);
                CHECK(tproc_threadproc_signal(threadproc, SIGKILL, nullptr) == 0);
                CHECK(host.await(threadproc).status == SIGKILL);
                host.close_threadproc(threadproc);
              }
            },
            1) == "");
  CHECK(outcome(host, "flags") == "done\n");
}

TEST_CASE("fifty at once, killed in the middle of mapping") {
  Host host;
  CHECK(leaks_of(
            [&] {
              std::vector<std::unique_ptr<WaitWord>> words;
              std::vector<tproc_threadproc *> all;
              for (int i = 0; i < 50; i++) {
                words.push_back(std::make_unique<WaitWord>());
                all.push_back(host.start(calls("storm", {address_of(words.back()->get())})));
              }
              for (const auto &each : words) each->await_running();
              for (tproc_threadproc *each : all) CHECK(tproc_threadproc_signal(each, SIGKILL, nullptr) == 0);
              for (tproc_threadproc *each : all) {
                CHECK(host.await(each).status == SIGKILL);
                host.close_threadproc(each);
              }
            },
            1) == "");
  CHECK(outcome(host, "flags") == "done\n");
}

TEST_CASE("closed in the middle of mapping and of filling memory: nothing is left") {
  CHECK(leaks_of([] {
          Host host;
          for (const char *mode : {"storm", "populate", "populate"}) {
            WaitWord word;
            host.start(calls(mode, {address_of(word.get())}));
            word.await_running();
          }
          pause_for(30000);
          host.close();
        }) == "");
}

TEST_CASE("one that is stopped, or fills memory for long, keeps no other waiting") {
  Host host;
  WaitWord stopped_word, filling_word;
  tproc_threadproc *stopped = host.start(calls("storm", {address_of(stopped_word.get())}));
  tproc_threadproc *filling = host.start(calls("populate", {address_of(filling_word.get())}));
  stopped_word.await_running();
  filling_word.await_running();
  CHECK(tproc_threadproc_signal(stopped, SIGSTOP, nullptr) == 0);
  for (int i = 0; i < 5; i++) CHECK(outcome(host, "flags") == "done\n");
  for (tproc_threadproc *each : {stopped, filling}) {
    CHECK(tproc_threadproc_signal(each, SIGKILL, nullptr) == 0);
    CHECK(host.await(each).status == SIGKILL);
    host.close_threadproc(each);
  }
}

// Bytes of the threadproc's largest mapping that are in memory.
size_t filled_bytes(tproc_threadproc *threadproc) {
  tproc_mapping all[64];
  const size_t count = tproc_threadproc_memory(threadproc, all, 64), page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  tproc_mapping largest{};
  for (size_t i = 0; i < count && i < 64; i++)
    if (all[i].writable != 0 && all[i].size > largest.size) largest = all[i];
  std::vector<unsigned char> pages(largest.size / page);
  if (largest.size == 0 || mincore(reinterpret_cast<void *>(largest.address), largest.size, pages.data()) != 0)
    return 0;
  size_t filled = 0;
  for (const unsigned char each : pages) filled += (each & 1) * page;
  return filled;
}

TEST_CASE("memory is not filled for one that has been killed") {
  Host host;
  WaitWord word;
  tproc_threadproc *filling = host.start(calls("fill", {address_of(word.get())}));
  word.await_running();
  REQUIRE(eventually([&] { return filled_bytes(filling) > 0; }));
  CHECK(tproc_threadproc_signal(filling, SIGKILL, nullptr) == 0);
  CHECK(host.await(filling).status == SIGKILL);
  CHECK(eventually([&] { /* the piece under way is the last */
                         const size_t before = filled_bytes(filling);
                         pause_for(50000);
                         return filled_bytes(filling) == before;
  }));
  CHECK(filled_bytes(filling) < 1ull << 30);
  host.close_threadproc(filling);
}

TEST_CASE("calls that cannot be received end their threadproc, and the host is told") {
  in_own_process([] {
    Host host;
    WaitWord word;
    const pid_t pid = tproc_threadproc_pid(host.start(calls("storm", {address_of(word.get())})));
    word.await_running();
    forbid({{SYS_ioctl, EIO}}); /* to the broker: threadprocs are processes of their own */
    const std::string told = reported(host);
    const std::string expected =
        "the host's broker could not answer threadproc " + std::to_string(pid) + " and has ended it: ";
    EXPECT_EQUAL(told, expected + "Input/output error (EIO)");
    /* A deferred reply may still have it. */
    for (int i = 0; i < 3000 && !listeners().empty(); i++) pause_for(1000);
    EXPECT_EQUAL(listeners().size(), 0u);
    EXPECT_EQUAL(reported(host, 300), "nothing"); /* said once */
  });
}

TEST_CASE("a deferred reply that cannot be sent ends its threadproc, and the host is told") {
  in_own_process([] {
    Host host;
    WaitWord word;
    const pid_t pid = tproc_threadproc_pid(host.start(calls("populate", {address_of(word.get())})));
    word.await_running();
    forbid({{SYS_ioctl, EIO}});
    EXPECT_EQUAL(reported(host), "the host's broker could not answer threadproc " + std::to_string(pid) +
                                     " and has ended it: Input/output error (EIO)");
    for (int i = 0; i < 3000 && !listeners().empty(); i++) pause_for(1000);
    EXPECT_EQUAL(listeners().size(), 0u);
    EXPECT_EQUAL(reported(host, 300), "nothing");
  });
}

TEST_CASE("a broker that has failed ends all, says so, and takes no more") {
  in_own_process([] {
    Host host;
    WaitWord first_word, second_word;
    host.start(calls("storm", {address_of(first_word.get())}));
    host.start(Launch(test_program("wait"), {address_of(second_word.get())}));
    first_word.await_running();
    second_word.await_running();
    spoil(host, broker_events());
    unsigned killed = 0;
    std::string told;
    while (killed < 2 || told.empty()) { /* in whatever order they come */
      tproc_exit exit{};
      tproc_error error{};
      const int got = tproc_host_next_exit(host.get(), 10000, &exit, &error);
      if (got < 0) told = error.message;
      if (got == 1) killed += exit.status == SIGKILL;
      if (got == 0) break;
    }
    EXPECT_EQUAL(killed, 2u);
    EXPECT_EQUAL(told.substr(0, told.rfind(": ")),
                 "the host's broker has failed (epoll_wait), and all threadprocs are ended");
    const Launched refused = host.launch(calls("controls"));
    EXPECT(refused.result < 0);
    EXPECT(refused.message().find("the host's broker has failed and answers no calls any more") != std::string::npos);
    host.close();
    EXPECT_EQUAL(listeners().size(), 0u);
  });
}

TEST_SUITE_END();
