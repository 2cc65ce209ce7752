// What is in use of the shared range becomes huge pages, and nothing in it changes by that.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "support/elf_builder.h"
#include "support/hosting.h"
#include "support/patience.h"

extern "C" {
#include "share/huge_pages_part.h"
}

namespace {

constexpr uint64_t kHeap = 64u << 20;

uint64_t pages_present(unsigned char *from, uint64_t bytes) {
  std::vector<unsigned char> present(bytes / test_page());
  REQUIRE(mincore(from, bytes, present.data()) == 0);
  uint64_t count = 0;
  for (const unsigned char each : present) count += each & 1;
  return count;
}

// KiB of all shared ranges of this process that are mapped as huge pages.
uint64_t huge_now() {
  std::ifstream maps("/proc/self/smaps");
  bool ours = false;
  uint64_t kib = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("-") < line.find(" ")) ours = line.find("memfd:tproc-share") != std::string::npos;
    if (ours && line.find("ShmemPmdMapped:") == 0) kib += std::stoull(line.substr(15));
  }
  return kib;
}

}  // namespace

TEST_SUITE_BEGIN("huge pages");

TEST_CASE("what is in use for a good part becomes huge, the rest stays, and all keeps its bytes") {
  huge_trial *trial = huge_trial_open(kHeap);
  REQUIRE(trial != nullptr);
  const uint64_t size = huge_trial_size(trial);
  if (size == 0) {
    MESSAGE("not tested: this machine has no huge pages of 2 MiB, or nobody is to have them");
    huge_trial_close(trial);
    return;
  }
  const uint64_t page = test_page(), count = size / page;
  unsigned char *data = huge_trial_use(trial, 4 * size);
  const uint64_t used[] = {count, count / 16, count / 2, 0};
  for (uint64_t i = 0; i < 4; i++)
    for (uint64_t k = 0; k < used[i]; k++) data[i * size + k * page + i] = static_cast<unsigned char>(k % 250 + 1);
  if (huge_trial_look(trial)) {
    CHECK(pages_present(data, size) == count);
    CHECK(pages_present(data + size, size) == used[1]);
    CHECK(pages_present(data + 2 * size, size) == count);
    CHECK(pages_present(data + 3 * size, size) == 0);
    CHECK(huge_now() * 1024 >= 2 * size);
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < 3; i++)
      for (uint64_t k = 0; k < count; k++) wrong += data[i * size + k * page + i] != (k < used[i] ? k % 250 + 1 : 0);
    CHECK(wrong == 0);
    CHECK(huge_trial_look(trial));
  } else {
    MESSAGE("not tested: the kernel makes none when it is asked (before Linux 6.1, or PR_SET_THP_DISABLE)");
  }
  huge_trial_close(trial);
}

TEST_CASE("a host sees to it, while threads write") {
  Host host;
  void *block = nullptr;
  REQUIRE(tproc_host_alloc(host.get(), 16u << 20, 1 << 21, &block, nullptr) == 0);
  auto *words = static_cast<std::atomic<uint64_t> *>(block);
  const uint64_t count = (16u << 20) / sizeof *words, step = 64;
  std::atomic<bool> stop{false};
  uint64_t rounds = 0;
  std::thread writer([&] {
    do {
      for (uint64_t i = 0; i < count; i += step) words[i]++;
      rounds++;
    } while (!stop);
  });
  huge_trial *trial = huge_trial_open(kHeap);
  REQUIRE(trial != nullptr);
  const uint64_t size = huge_trial_size(trial);
  unsigned char *data = huge_trial_use(trial, 2u << 20);
  for (uint64_t i = 0; i < size; i += test_page()) data[i] = 1;
  if (size != 0 && huge_trial_look(trial))
    CHECK(eventually([&] { return huge_now() * 1024 >= (16u << 20) + size; }));
  else
    MESSAGE("not tested: no huge pages here");
  huge_trial_close(trial);
  stop = true;
  writer.join();
  uint64_t wrong = 0;
  for (uint64_t i = 0; i < count; i += step) wrong += words[i] != rounds;
  CHECK(wrong == 0);
}

TEST_SUITE_END();
