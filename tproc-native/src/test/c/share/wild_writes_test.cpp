// What has attached may write anything into the shared range: the host, which puts right what the dead leave, goes on.
#include <doctest/doctest.h>
#include <unistd.h>

#include "share/wild_writes_part.h"
#include "support/own_process.h"

TEST_SUITE_BEGIN("wild writes");

TEST_CASE("whatever stands in the tables of the shared range, an end is dealt with, and nothing beyond it is touched") {
  in_own_process([] {
    alarm(120);
    const uint64_t most = bury_after_wild_writes(1, 0) + (8u << 20);
    for (int seed = 1; seed <= scaled(500); seed++)
      if (bury_after_wild_writes(static_cast<uint64_t>(seed) * 0x9e3779b97f4a7c15u, 1u << (seed % 13)) > most)
        FAIL("seed " << seed);
  });
}

TEST_SUITE_END();
