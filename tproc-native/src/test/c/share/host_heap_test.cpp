// The shared heap as a host and its programs use it.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "support/hosting.h"
#include "support/own_process.h"
#include "support/resources.h"
#include "support/sharer.h"

namespace {

void *allocate(const Host &host, size_t size, size_t alignment = 16) {
  void *block = nullptr;
  tproc_error error{};
  const int failed = tproc_host_alloc(host.get(), size, alignment, &block, &error);
  CAPTURE(error.message);
  REQUIRE(failed == 0);
  return block;
}

char *block_of(const sharer_report &report, unsigned index) { return reinterpret_cast<char *>(report.blocks[index]); }

int free_block(const Host &host, void *block) { return tproc_host_free(host.get(), block, nullptr); }

}  // namespace

TEST_SUITE_BEGIN("shared heap of a host");

TEST_CASE("blocks of all sizes are aligned, apart, and free once") {
  Host host;
  std::vector<std::pair<unsigned char *, size_t>> blocks;
  for (size_t size = 0; size < 300000; size = size * 5 / 4 + 1)
    for (size_t alignment = 1; alignment <= (1u << 20); alignment *= 16) {
      auto *block = static_cast<unsigned char *>(allocate(host, size, alignment));
      CHECK(reinterpret_cast<uintptr_t>(block) % (alignment > 16 ? alignment : 16) == 0);
      CHECK(tproc_host_usable_size(host.get(), block) >= size);
      CHECK(tproc_host_block_owner(host.get(), block) == getpid());
      std::memset(block, static_cast<int>(blocks.size() % 251), size);
      blocks.emplace_back(block, size);
    }
  for (size_t i = 0; i < blocks.size(); i++) {
    const auto [block, size] = blocks[i];
    for (size_t k = 0; k < size; k++)
      if (block[k] != i % 251) FAIL("block " << i << " was overwritten");
    CHECK(free_block(host, block) == 0);
    CHECK(free_block(host, block) == -EINVAL);
    CHECK(tproc_host_usable_size(host.get(), block) == 0);
  }
}

TEST_CASE("large blocks that another thread frees are the next ones: the heap's memory is not used up in turn") {
  Host host;
  const auto *first = static_cast<const char *>(allocate(host, 100000));
  const char *highest = first;
  std::vector<void *> blocks;  // a worker's results: others free them, some later than others
  for (int i = 0; i < 1000; i++) {
    auto *block = static_cast<char *>(allocate(host, 100000));
    highest = std::max<const char *>(highest, block);
    blocks.push_back(block);
    if (blocks.size() < 8) continue;
    std::thread([&] { CHECK(free_block(host, blocks.front()) == 0); }).join();
    blocks.erase(blocks.begin());
  }
  CHECK(highest - first < 20 * 131072);
}

TEST_CASE("what is no block is refused by name") {
  Host host;
  tproc_error error{};
  auto *block = static_cast<char *>(allocate(host, 100));
  auto *large = static_cast<char *>(allocate(host, 1 << 20));
  int own = 0;
  for (void *wrong : {static_cast<void *>(&own), static_cast<void *>(block + 16), static_cast<void *>(large + 65536),
                      static_cast<void *>(block + 1), static_cast<void *>(nullptr)}) {
    CHECK(tproc_host_free(host.get(), wrong, &error) == -EINVAL);
    CHECK(std::string(error.message).find("no allocated block of the shared heap begins here") != std::string::npos);
    CHECK(tproc_host_give(host.get(), wrong, getpid(), nullptr) == -EINVAL);
    CHECK(tproc_host_block_owner(host.get(), wrong) == 0);
  }
  void *none = nullptr;
  CHECK(tproc_host_alloc(host.get(), 1, 24, &none, nullptr) == -EINVAL);
  CHECK(free_block(host, block) == 0);
  CHECK(free_block(host, large) == 0);
}

TEST_CASE("a heap that is full says so, and goes on when something is freed") {
  tproc_host *host = nullptr;
  const tproc_host_options options{4u << 20};
  REQUIRE(tproc_host_open_with(&host, &options, nullptr) == 0);
  void *base = nullptr;
  size_t size = 0;
  CHECK(tproc_host_heap(host, &base, &size, nullptr) == 0);
  CHECK(size == 4u << 20);
  std::vector<void *> blocks;
  void *block = nullptr;
  tproc_error error{};
  while (tproc_host_alloc(host, 1000, 16, &block, &error) == 0) blocks.push_back(block);
  CHECK(error.code == ENOMEM);
  CHECK(blocks.size() >= 64 * 64);
  CHECK(tproc_host_alloc(host, 1 << 20, 16, &block, nullptr) == -ENOMEM);
  CHECK(tproc_host_free(host, blocks.back(), nullptr) == 0);
  CHECK(tproc_host_alloc(host, 1000, 16, &block, nullptr) == 0);
  tproc_host_close(host);
}

TEST_CASE("many threads of the host allocate, and free what others have allocated") {
  Host host;
  std::vector<void *> handed(8 * 1000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; t++)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; i++) tproc_host_alloc(host.get(), 64, 16, &handed[t * 1000 + i], nullptr);
    });
  for (std::thread &each : threads) each.join();
  threads.clear();
  int refused[8] = {};
  for (int t = 0; t < 8; t++)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; i++) refused[t] += free_block(host, handed[(i * 8 + t)]) != 0;
    });
  for (std::thread &each : threads) each.join();
  for (const int each : refused) CHECK(each == 0);
}

TEST_CASE("a program allocates, the host reads and frees; and the other way round") {
  Host host;
  sharer_report report{};
  report.blocks[report.count++] = reinterpret_cast<uint64_t>(allocate(host, 50));
  auto *program = host.start(sharer(&report, {"free", "alloc=1000", "alloc=100000", "stop"}));
  await_stop(report);
  CHECK(tproc_host_block_owner(host.get(), block_of(report, 0)) == 0);
  for (const unsigned i : {1u, 2u}) {
    CHECK(block_of(report, i)[999] == 'p');
    CHECK(tproc_host_block_owner(host.get(), block_of(report, i)) == tproc_threadproc_pid(program));
    CHECK(free_block(host, block_of(report, i)) == 0);
    CHECK(free_block(host, block_of(report, i)) == -EINVAL);
  }
  tproc_threadproc_signal(program, SIGKILL, nullptr);
  host.await(program);
  host.close_threadproc(program);
}

TEST_CASE("what a killed program owns can be read until it is closed; what it was relieved of stays") {
  Host host;
  sharer_report report{};
  auto *program = host.start(sharer(&report, {"alloc=1000", "alloc=100000", "alloc=70", "stop"}));
  const pid_t pid = tproc_threadproc_pid(program);
  await_stop(report);
  CHECK(tproc_host_give(host.get(), block_of(report, 2), getpid(), nullptr) == 0);
  tproc_threadproc_signal(program, SIGKILL, nullptr);
  host.await(program);
  CHECK(block_of(report, 0)[999] == 'p');
  CHECK(tproc_host_block_owner(host.get(), block_of(report, 0)) == pid);
  CHECK(tproc_host_give(host.get(), block_of(report, 2), pid, nullptr) == -ESRCH);
  host.close_threadproc(program);
  CHECK(tproc_host_block_owner(host.get(), block_of(report, 0)) == 0);
  CHECK(tproc_host_block_owner(host.get(), block_of(report, 1)) == 0);
  CHECK(block_of(report, 2)[69] == 'p');
  CHECK(tproc_host_block_owner(host.get(), block_of(report, 2)) == getpid());
  CHECK(free_block(host, block_of(report, 2)) == 0);
}

TEST_CASE("a program is given a block before it has used the heap, and takes it with it") {
  Host host;
  sharer_report report{};
  auto *program = host.start(sharer(&report, {"stop"}));
  await_stop(report);
  void *block = allocate(host, 100);
  CHECK(tproc_host_give(host.get(), block, tproc_threadproc_pid(program), nullptr) == 0);
  CHECK(tproc_host_block_owner(host.get(), block) == tproc_threadproc_pid(program));
  tproc_threadproc_signal(program, SIGKILL, nullptr);
  host.await(program);
  host.close_threadproc(program);
  CHECK(tproc_host_block_owner(host.get(), block) == 0);
}

TEST_CASE("a program gives its block to the host and ends") {
  Host host;
  sharer_report report{};
  CHECK(host.run(sharer(&report, {"alloc=500", "give"})) == 0);
  CHECK(block_of(report, 0)[499] == 'p');
  CHECK(free_block(host, block_of(report, 0)) == 0);
}

TEST_CASE("a forked child shares the heap, as a process of its own") {
  Host host;
  sharer_report report{};
  CHECK(host.run(sharer(&report, {"alloc=500", "fork", "fork"})) == 0);
  CHECK(report.child > 0);
}

TEST_CASE("programs that come and go leave the heap as it was") {
  tproc_host *host = nullptr;
  const tproc_host_options options{8u << 20};
  REQUIRE(tproc_host_open_with(&host, &options, nullptr) == 0);
  tproc_host_close(host);
  Host default_host;
  for (int i = 0; i < 30; i++) {
    sharer_report report{};
    CHECK(default_host.run(sharer(&report, {"alloc=30000", "alloc=100", "alloc=3000000"})) == 0);
    CHECK(tproc_host_block_owner(default_host.get(), block_of(report, 2)) == 0);
  }
}

TEST_CASE("a program frees twice: it is ended, and no other") {
  Host host;
  sharer_report report{};
  auto *other = host.start(sharer(&report, {"alloc=100", "stop"}));
  await_stop(report);
  sharer_report bad{};
  CHECK(host.run(sharer(&bad, {"alloc=100", "free", "free"})) == 1000 + SIGABRT);
  CHECK(free_block(host, block_of(report, 0)) == 0);
  (void)other;
}

TEST_CASE("a lock passes on from a killed program to those that wait for it") {
  Host host;
  auto *words = static_cast<uint64_t *>(allocate(host, 64));
  std::memset(words, 0, 64);
  sharer_report first{}, second{}, third{};
  for (sharer_report *each : {&first, &second, &third}) each->blocks[each->count++] = reinterpret_cast<uint64_t>(words);
  auto *owner = host.start(sharer(&first, {"lock", "stop"}));
  await_stop(first);
  auto *waiter = host.start(sharer(&second, {"lock=1000"}));
  auto *another = host.start(sharer(&third, {"lock=1000"}));
  tproc_threadproc_signal(owner, SIGKILL, nullptr);
  host.await(owner);
  CHECK(host.await(waiter).status == 0);
  CHECK(host.await(another).status == 0);
  CHECK(words[1] == 2000);
  CHECK(words[2] == 2000);
  CHECK(words[3] == 1);
}

TEST_CASE("the heap leaves nothing behind") {
  CHECK(leaks_of([] {
          Host host;
          sharer_report report{};
          allocate(host, 100000);
          CHECK(host.run(sharer(&report, {"alloc=500", "give"})) == 0);
        }) == "");
}

TEST_CASE("where files may not be so large, a host opens without a heap, and says so") {
  in_own_process([] {
    signal(SIGXFSZ, SIG_DFL); /* what a careless try would die of */
    set_own_limit(RLIMIT_FSIZE, 1 << 20, 1 << 20);
    Host host;
    void *block = nullptr;
    tproc_error error{};
    EXPECT_EQUAL(tproc_host_alloc(host.get(), 1, 16, &block, &error), -ENOTSUP);
    EXPECT(std::string(error.message).find("no shared heap: make a memfd of ") == 0);
    EXPECT_EQUAL(tproc_host_free(host.get(), block, nullptr), -ENOTSUP);
    EXPECT_EQUAL(tproc_host_block_owner(host.get(), block), 0);
    sharer_report report{};
    EXPECT_EQUAL(host.run(sharer(&report, {"errno"})), ENOTSUP);
  });
}

TEST_SUITE_END();
