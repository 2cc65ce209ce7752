#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "support/own_process.h"
#include "support/patience.h"
#include "support/resources.h"
#include "support/system_call_filter.h"

extern "C" {
#include "base/workers.h"
}

TEST_SUITE_BEGIN("workers");

namespace {

// Counts how many of its kind run, and waits for `gate`.
struct Job {
  work base{};
  std::atomic<bool> *gate = nullptr;
  std::atomic<int> *running = nullptr;
  bool signals_blocked = false;
};

void run_job(work *base) {
  Job *job = reinterpret_cast<Job *>(base);
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  job->signals_blocked = sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGPROF) == 1;
  ++*job->running;
  eventually([job] { return job->gate->load(); });
}

struct Pool {
  int news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  workers pool{};
  std::atomic<bool> gate{false};
  std::atomic<int> running{0};

  explicit Pool(size_t most) { REQUIRE(workers_open(&pool, most, 0, news, nullptr) == 0); }
  ~Pool() {
    gate = true;
    workers_stop(&pool);
    workers_release(&pool);
    close(news);
  }
  Job job(bool tell = true) {
    Job made;
    made.base.run = run_job;
    made.base.tell = tell;
    made.gate = &gate;
    made.running = &running;
    return made;
  }
};

}  // namespace

TEST_CASE("work that hangs holds others up only when the limit is reached") {
  Pool pool(3);
  std::vector<Job> jobs(5, pool.job());
  for (Job &job : jobs) REQUIRE(workers_submit(&pool.pool, &job.base, nullptr) == 0);
  CHECK(eventually([&] { return pool.running == 3; }));
  CHECK(workers_withdraw(&pool.pool, &jobs[4].base));
  CHECK(!workers_withdraw(&pool.pool, &jobs[4].base)); /* it is out already */
  CHECK(!workers_withdraw(&pool.pool, &jobs[0].base)); /* too late */
  CHECK(workers_take_done(&pool.pool) == nullptr);
  pool.gate = true;
  int done = 0;
  CHECK(eventually([&] {
    while (workers_take_done(&pool.pool) != nullptr) done++;
    return done == 4;
  }));
  uint64_t news = 0; /* is written after the work is there to be taken */
  CHECK(eventually([&] {
    uint64_t more = 0;
    if (read(pool.news, &more, sizeof more) == sizeof more) news += more;
    return news == 4;
  }));
  CHECK(pool.running == 4);
  CHECK(jobs[0].signals_blocked);
}

TEST_CASE("idle threads are used again") {
  Pool pool(8);
  pool.gate = true;
  for (int i = 0; i < 20; i++) {
    Job job = pool.job();
    REQUIRE(workers_submit(&pool.pool, &job.base, nullptr) == 0);
    CHECK(eventually([&] { return workers_take_done(&pool.pool) == &job.base; }));
    CHECK(eventually([&] { return pool.pool.idle == pool.pool.count; }));
  }
  CHECK(pool.pool.count == 1);
}

TEST_CASE("stopping does what is left, and leaves no thread") {
  CHECK(leaks_of([] {
          Pool pool(1);
          std::vector<Job> jobs(10, pool.job(false));
          for (Job &job : jobs) REQUIRE(workers_submit(&pool.pool, &job.base, nullptr) == 0);
          pool.gate = true;
          workers_stop(&pool.pool);
          CHECK(pool.running == 10);
          CHECK(workers_take_done(&pool.pool) == nullptr); /* the work does not ask to be told */
        }) == "");
}

TEST_CASE("without a single thread work is refused") {
  in_own_process([] {
    const int news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    workers pool{};
    tproc_error error{};
    EXPECT_EQUAL(workers_open(&pool, 2, 0, news, &error), 0);
    forbid({{SYS_clone, EAGAIN}, {SYS_clone3, EAGAIN}});
    Job job;
    EXPECT_EQUAL(workers_submit(&pool, &job.base, &error), -EAGAIN);
    EXPECT_EQUAL(std::string(error.message),
                 "start a worker thread (limit on threads): Resource temporarily unavailable (EAGAIN)");
    EXPECT(!workers_withdraw(&pool, &job.base));
    workers_stop(&pool);
    workers_release(&pool);
    EXPECT_EQUAL(workers_open(&pool, 2, 1, news, &error), -EAGAIN);
  });
}

TEST_SUITE_END();
