// A C++ program that is not hosted, and the C++ header.
#include <atomic>
#include <tproc.hpp>
#include <tproc_arrow.hpp>

#include "tests.h"

struct Counters {
  std::atomic<long> started;
};

template <typename Allocation>
static bool is_refused(Allocation allocation) {
  try {
    allocation();
    return false;
  } catch (const std::bad_alloc &) {
    return true;
  }
}

// Without a host there is no heap, and no half-made object.
static void expect_no_heap() {
  tproc::memory_resource resource;
  tproc::vector<tproc::string> none;
  EXPECT(is_refused([] { tproc::make_unique<long>(1); }));
  EXPECT(is_refused([&] { none.emplace_back(); }));
  EXPECT(is_refused([&] { std::pmr::vector<int>(1, &resource); }));
  EXPECT(is_refused([] { tproc::allocator<long>().allocate(static_cast<std::size_t>(-1) / 4); }));
  EXPECT(is_refused([] { tproc::graph<long>::make(1 << 20, "a", 1); }));
  EXPECT(none.empty());
  EXPECT(resource == tproc::memory_resource());
  EXPECT(tproc::allocator<int>() == tproc::allocator<int>(tproc::allocator<long>()));
}

template <typename Call>
static int code_of(Call call) {
  try {
    call();
  } catch (const std::system_error &failed) {
    return failed.code().value();
  }
  return 0;
}

// All that waits, publishes or sends says so, too, and leaves nothing behind.
static void expect_nothing_shared() {
  tproc::mutex mutex;
  tproc::event event;
  tproc::semaphore semaphore(1);
  tproc::barrier barrier(1);
  tproc::once once;
  int calls = 0;
  EXPECT(code_of([&] { (void)mutex.lock(); }) == ENOTSUP);
  EXPECT(code_of([&] { event.wait([] { return false; }); }) == ENOTSUP);
  EXPECT(semaphore.try_acquire() && code_of([&] { semaphore.acquire(); }) == ENOTSUP);
  EXPECT(code_of([&] { barrier.wait(); }) == ENOTSUP);
  EXPECT(code_of([&] { once.call([&] { calls++; }); }) == ENOTSUP && calls == 0);
  EXPECT(code_of([] { (void)tproc::publish("a", "b", nullptr, 0); }) == ENOTSUP);
  EXPECT(code_of([] { (void)tproc::lookup("a"); }) == ENOTSUP);
  EXPECT(code_of([] { (void)tproc::await("a"); }) == ENOTSUP);
  EXPECT(code_of([] { (void)tproc::entries(); }) == ENOTSUP);
  EXPECT(code_of([] { (void)tproc::sender::create(1); }) == ENOTSUP);
  EXPECT(code_of([] { (void)tproc::receiver::open("a"); }) == ENOTSUP);
  EXPECT(code_of([] { tproc::worker(); }) == ENOTSUP);
  EXPECT(code_of([] { tproc::attach("/nowhere/at/all"); }) == ENOENT);
  EXPECT(is_refused([] { (void)tproc::make_block(1); }));
}

// A program that no pool has started serves none.
static void expect_no_pool() {
  int calls = 0;
  const auto handler = [&calls](tproc_request &) { calls++; };
  EXPECT(tproc::serve(handler) == ENOTSUP);
  EXPECT(tproc::serve([](tproc_request &request) { return static_cast<int>(tproc::data(request).size()); }) == ENOTSUP);
  EXPECT(calls == 0);
}

int main() {
  expect_no_pool();
  expect_no_host();
  expect_no_heap();
  expect_nothing_shared();
  EXPECT(!tproc::is_threadproc());
  EXPECT(tproc::scratch() == nullptr);
  EXPECT(tproc::scratch_size() == 0);
  EXPECT(tproc::scratch_as<Counters>() == nullptr);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
