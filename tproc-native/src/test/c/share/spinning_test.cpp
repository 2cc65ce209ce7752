#include <doctest/doctest.h>

#include "share/spinning_part.h"

TEST_SUITE_BEGIN("spinning");

namespace {

struct End {
  uint32_t hint = 0;
  uint32_t wait(bool paid, uint32_t most = 1000) { return spin_once(&hint, most, paid ? 1 : 0); }
  void waits(int times, bool paid) {
    for (int i = 0; i < times; i++) wait(paid);
  }
};

}  // namespace

TEST_CASE("waits in vain are shortened, down to a few looks") {
  End end;
  CHECK(end.wait(false) == 1000);
  CHECK(end.wait(false) == 500);
  end.waits(20, false);
  CHECK(end.wait(false) == 16);
}

TEST_CASE("where looking pays there is more of it, up to the most") {
  End end;
  end.waits(20, false);
  CHECK(end.wait(true) == 16);
  CHECK(end.wait(true) == 32);
  end.waits(20, true);
  CHECK(end.wait(true) == 1000);
}

TEST_CASE("now and then all looks are tried, and kept if that has paid") {
  End end;
  end.waits(20, false);
  int trials = 0;
  for (int i = 0; i < 650; i++) trials += end.wait(false) == 1000;
  CHECK(trials == 10);
  while (end.wait(false) != 1000) {
  }
  CHECK(end.wait(false) == 16);
  end.waits(63, false);
  CHECK(end.wait(true) == 1000);
  CHECK(end.wait(true) == 1000);
}

TEST_CASE("a channel without looks has none") {
  End end;
  CHECK(end.wait(false, 0) == 0);
  CHECK(end.wait(true, 0) == 0);
  CHECK(end.wait(false, 0) == 0);
}

TEST_SUITE_END();
