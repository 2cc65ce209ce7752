// Programs that have promised never to fork, and what others copy when they do.
#include <doctest/doctest.h>

#include <string>

#include "support/hosting.h"
#include "support/patience.h"

TEST_SUITE_BEGIN("forks");

namespace {

constexpr int kAsWanted = 7;
constexpr const char *kSize = "33554432";

// What `forks hold` writes to.
struct Held {
  WaitWord word;
  uint64_t address = 0;
};

Launch holding(Held *held, unsigned flags) {
  Launch launch(test_program("forks"), {"hold", address_of(held->word.get()), kSize, address_of(&held->address)});
  launch.flags = flags;
  return launch;
}

// Which of two pages a forked child of another program has.
int seen(Host &host, uint64_t first, uint64_t second) {
  tproc_threadproc *looking =
      host.start(Launch(test_program("forks"), {"look", address_of(reinterpret_cast<void *>(first)),
                                                address_of(reinterpret_cast<void *>(second))}));
  return host.await(looking).status;
}

}  // namespace

TEST_CASE("a program that never forks gets ENOSYS, and may do all that shares its memory") {
  for (const unsigned more : {0u, static_cast<unsigned>(TPROC_LAUNCH_CRASH_REPORT)}) {
    Host host;
    Launch launch(test_program("forks"), {"kinds"});
    launch.flags = TPROC_LAUNCH_NEVER_FORKS | more;
    CHECK(host.await(host.start(launch)).status == kAsWanted);
  }
}

TEST_CASE("forked children of others have a program's memory, but not of one that never forks") {
  Host host;
  Held never, may;
  tproc_threadproc *kept = host.start(holding(&never, TPROC_LAUNCH_NEVER_FORKS));
  tproc_threadproc *copied = host.start(holding(&may, 0));
  never.word.await_running();
  may.word.await_running();
  CHECK(eventually([&] { return seen(host, never.address, may.address) == 2; }));
  never.word.go();
  may.word.go();
  CHECK(host.await(kept).status == 0);
  CHECK(host.await(copied).status == 0);
}

TEST_SUITE_END();
