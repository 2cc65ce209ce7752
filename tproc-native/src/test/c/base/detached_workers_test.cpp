#include <doctest/doctest.h>

#include <atomic>
#include <vector>

#include "support/patience.h"
#include "support/resources.h"

extern "C" {
#include "base/detached_workers.h"
#include "base/thread.h"
}

namespace {

std::atomic<bool> go{false};
std::atomic<int> hanging{0}, done{0}, wanted{0};
detached_workers *the_workers = nullptr;

void hang_then_finish(detached_work *work) {
  ++hanging;
  eventually([] { return go.load(); });
  --hanging;
  ++done;
  delete work;
}

// As a deferred reply: what is the owner's is touched only while the owner is there.
void hang_then_enter(detached_work *work) {
  ++hanging;
  eventually([] { return go.load(); });
  if (detached_workers_enter(the_workers)) {
    ++wanted;
    detached_workers_exit(the_workers);
  }
  ++done;
  --hanging;
  delete work;
}

void finish(detached_work *work) {
  ++done;
  delete work;
}

void submit(void (*run)(detached_work *), const void *origin) {
  detached_workers_submit(the_workers, new detached_work{run, origin, nullptr});
}

void open(size_t threads, size_t of_one_origin) {
  go = false;
  hanging = done = wanted = 0;
  const detached_limits limits{threads, of_one_origin};
  REQUIRE(detached_workers_open(&the_workers, &limits) == 0);
}

const int good = 0, bad = 0;

}  // namespace

TEST_SUITE_BEGIN("detached workers");

TEST_CASE("all work is done, and nothing is left") {
  CHECK(leaks_of([] {
          open(8, 8);
          for (int i = 0; i < 200; i++) submit(finish, &good);
          detached_workers_leave(the_workers, 20000);
          CHECK(done == 200);
        }) == "");
}

TEST_CASE("what hangs takes threads from its own origin alone, and goes on when it can") {
  open(8, 2);
  for (int i = 0; i < 20; i++) submit(hang_then_finish, &bad);
  CHECK(eventually([] { return hanging == 2; }));
  for (int i = 0; i < 50; i++) submit(finish, &good);
  CHECK(eventually([] { return done == 50; }));
  CHECK(hanging == 2);
  CHECK(detached_workers_count(the_workers, &bad) == 20);
  CHECK(eventually([] { return detached_workers_count_all(the_workers) == 20; })); /* the last of the 50 ends */
  go = true;
  CHECK(eventually([] { return done == 70; }));
  detached_workers_leave(the_workers, 20000);
}

TEST_CASE("what begins at once waits for nothing that is queued, or does not begin") {
  const auto begin = [](void (*run)(detached_work *)) {
    auto *work = new detached_work{run, nullptr, nullptr};
    work->origin = work;
    const bool begun = detached_workers_begin(the_workers, work);
    if (!begun) delete work;
    return begun;
  };
  open(4, 2);
  for (int i = 0; i < 5; i++) submit(hang_then_finish, &bad);
  CHECK(eventually([] { return hanging == 2; }));
  CHECK(eventually([&] { return begin(finish); })); /* threads that found nothing may still be ending */
  CHECK(eventually([] { return done == 1; }));
  CHECK(eventually([&] { return begin(hang_then_finish); }));
  CHECK(eventually([] { return hanging == 3; }));
  submit(hang_then_finish, &good);
  CHECK(eventually([] { return hanging == 4; }));
  CHECK_FALSE(begin(finish));
  CHECK(detached_workers_count_all(the_workers) == 7);
  go = true;
  CHECK(eventually([] { return done == 8; }));
  detached_workers_leave(the_workers, 20000);
}

TEST_CASE("who leaves does not wait for what hangs, which then finds nobody and frees all") {
  const Resources before = Resources::settled();
  open(4, 4);
  for (int i = 0; i < 6; i++) submit(hang_then_enter, &bad);
  CHECK(eventually([] { return hanging == 4; }));
  detached_workers_leave(the_workers, 10);
  CHECK(hanging == 4);
  CHECK(thread_any_left());
  go = true;
  CHECK(eventually([] { return done == 6; }));
  CHECK(wanted == 0);
  CHECK(left_behind(before) == "");
}

TEST_CASE("who leaves waits for what is done with its own") {
  open(4, 4);
  submit(hang_then_enter, &bad);
  CHECK(eventually([] { return hanging == 1; }));
  go = true;
  detached_workers_leave(the_workers, 20000);
  CHECK(wanted == 1);
}

TEST_SUITE_END();
