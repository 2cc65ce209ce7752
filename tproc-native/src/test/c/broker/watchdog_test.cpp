#include <doctest/doctest.h>
#include <sys/syscall.h>

#include <mutex>
#include <string>
#include <vector>

#include "support/patience.h"

extern "C" {
#include "broker/watchdog.h"
}

namespace {

struct Reports {
  std::mutex lock;
  std::vector<std::string> all;
  size_t count() {
    const std::lock_guard<std::mutex> held(lock);
    return all.size();
  }
};

void note(void *context, const tproc_error *error) {
  auto *reports = static_cast<Reports *>(context);
  const std::lock_guard<std::mutex> held(reports->lock);
  reports->all.emplace_back(error->message);
}

}  // namespace

TEST_SUITE_BEGIN("watchdog");

TEST_CASE("a call that is not answered is told by name, once, and told of again when it is answered") {
  Reports reports;
  watchdog dog{};
  REQUIRE(watchdog_open(&dog, note, &reports, nullptr) == 0);
  for (int i = 0; i < 1000; i++) { /* what is answered is not told of */
    watchdog_begin(&dog, {__NR_munmap, 5, 4});
    watchdog_end(&dog);
  }
  watchdog_begin(&dog, {__NR_mmap, 12, 11});
  CHECK(eventually([&] { return reports.count() == 1; }));
  watchdog_end(&dog);
  CHECK(eventually([&] { return reports.count() == 2; }));
  watchdog_close(&dog);
  REQUIRE(reports.all.size() == 2);
  CHECK(reports.all[0] ==
        "the host's broker has answered no one for 1.0 s: mmap of thread 12 of threadproc 11 (ETIMEDOUT)");
  CHECK(reports.all[1].find("the host's broker goes on; it was busy for ") == 0);
  CHECK(reports.all[1].find(" s: mmap of thread 12 of threadproc 11 (ETIMEDOUT)") != std::string::npos);
}

TEST_CASE("one that has gone to sleep, since nothing was asked, is awake again when something is") {
  Reports reports;
  watchdog dog{};
  REQUIRE(watchdog_open(&dog, note, &reports, nullptr) == 0);
  CHECK(eventually([&] { return !__atomic_load_n(&dog.awake, __ATOMIC_SEQ_CST); }));
  watchdog_begin(&dog, {-1, 0, 0});
  CHECK(eventually([&] { return reports.count() == 1; }));
  watchdog_end(&dog);
  watchdog_close(&dog);
  CHECK(reports.all[0] == "the host's broker has answered no one for 1.0 s: its own work (ETIMEDOUT)");
}

TEST_SUITE_END();
