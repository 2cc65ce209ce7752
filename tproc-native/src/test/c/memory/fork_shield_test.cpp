#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <memory>
#include <string>

#include "support/elf_builder.h"
#include "support/hosting.h"
#include "support/own_process.h"
#include "support/owned_memory.h"
#include "support/proc_maps.h"

extern "C" {
#include "memory/fork_shield.h"
}

namespace {

constexpr uint64_t kMiB = 1ull << 20;
constexpr uint64_t kLarge = 32 * kMiB;

class Shield {
 public:
  Shield() { fork_shield_init(&shield_, slots.view(), slots.space()); }
  ~Shield() { lower(); }
  Shield(const Shield &) = delete;
  Shield &operator=(const Shield &) = delete;
  fork_shield *get() { return &shield_; }
  void raise() {
    shield_.raised_at = 0;  // now, also if it was a moment ago
    fork_shield_raise(&shield_);
  }
  void lower() {
    if (!lowered_) fork_shield_destroy(&shield_);
    lowered_ = true;
  }
  const Slots slots;

 private:
  fork_shield shield_{};
  bool lowered_ = false;
};

int run_in_fork(uint64_t byte) {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGSEGV, SIG_DFL); /* not the test framework's business */
    _exit(*reinterpret_cast<const volatile char *>(byte));
  }
  int status = -1;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace

TEST_SUITE_BEGIN("fork_shield");

TEST_CASE("private memory is hidden while the shield is up, everything else is not") {
  in_own_process([] {
    Shield shield;
    /* In this order: neighbours of one kind would be one mapping. */
    const Area large(kLarge, PROT_READ | PROT_WRITE), reserved(kLarge), small(4 * kMiB, PROT_READ | PROT_WRITE);
    void *shared = mmap(nullptr, kLarge, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const uint64_t local = 0;
    shield.raise();
    EXPECT(!is_in_forks(large.low()));
    EXPECT(!is_in_forks(small.low()));
    EXPECT(!is_in_forks(reserved.low()));
    EXPECT(is_in_forks(reinterpret_cast<uint64_t>(shared)));
    EXPECT(is_in_forks(reinterpret_cast<uint64_t>(&local) & ~(test_page() - 1)));
    shield.lower();
    EXPECT(is_in_forks(large.low()));
    EXPECT(is_in_forks(small.low()));
    EXPECT(is_in_forks(reserved.low()));
  });
}

TEST_CASE("what others have marked stays marked, from before the first host until after the last") {
  in_own_process([] {
    const Area pinned(kLarge, PROT_READ | PROT_WRITE);
    EXPECT_EQUAL(madvise(reinterpret_cast<void *>(pinned.low() + kMiB), kMiB, MADV_DONTFORK), 0);
    Shield shield;
    for (int round = 0; round < 2; round++) {
      shield.raise();
      EXPECT(!is_in_forks(pinned.low()));
      EXPECT(!is_in_forks(pinned.low() + kMiB));
      EXPECT_EQUAL(run_in_fork(pinned.low()), 0); /* the host's own fork lowers the shield, and raises it again */
      EXPECT_EQUAL(run_in_fork(pinned.low() + kMiB), 1000 + SIGSEGV);
    }
    shield.lower();
    EXPECT(is_in_forks(pinned.low()));
    EXPECT(!is_in_forks(pinned.low() + kMiB));
    EXPECT(is_in_forks(pinned.low() + 2 * kMiB));
    EXPECT_EQUAL(madvise(reinterpret_cast<void *>(pinned.low() + kMiB), kMiB, MADV_DOFORK), 0);
    Shield second;
    second.raise();
    second.lower();
    EXPECT(is_in_forks(pinned.low() + kMiB));
  });
}

TEST_CASE("a shield over many mappings is raised in pieces") {
  in_own_process([] {
    Shield shield;
    if (!shield.slots.view()->can_query) return;
    const Area many(3000 * test_page());
    for (uint64_t at = many.low(); at < many.high(); at += 2 * test_page())
      EXPECT_EQUAL(mprotect(reinterpret_cast<void *>(at), test_page(), PROT_READ), 0);
    unsigned pieces = 1;
    while (fork_shield_raise_some(shield.get())) pieces++;
    EXPECT(pieces > 3);
    EXPECT(!is_in_forks(many.low()));
    EXPECT(!is_in_forks(many.high() - test_page()));
    shield.lower();
    EXPECT(is_in_forks(many.low()));
  });
}

TEST_CASE("a shield is raised in pieces, too, when each mapping takes long to mark") {
  in_own_process([] {
    Shield shield;
    const Area area(kLarge, PROT_READ | PROT_WRITE);
    shield.get()->nanoseconds_at_once = 0; /* any time is too long */
    unsigned pieces = 1;
    while (fork_shield_raise_some(shield.get())) pieces++;
    EXPECT(pieces > 10); /* libraries, stacks, heaps */
    EXPECT(!is_in_forks(area.low()));
    shield.lower();
    EXPECT(is_in_forks(area.low()));
  });
}

TEST_CASE("what is kept stays visible, on both sides of the raise and in the middle of a mapping") {
  in_own_process([] {
    Shield shield;
    const Area large(kLarge, PROT_READ | PROT_WRITE);
    const uint64_t first = large.low() + 3 * kMiB + 100, second = large.low() + 20 * kMiB;
    fork_shield_keep(shield.get(), {first, first + 10});
    shield.raise();
    fork_shield_keep(shield.get(), {second, second + kMiB});
    for (int i = 0; i < 2; i++) {
      EXPECT(!is_in_forks(large.low()));
      EXPECT(is_in_forks(first / test_page() * test_page()));
      EXPECT(!is_in_forks(first / test_page() * test_page() + test_page()));
      EXPECT(is_in_forks(second));
      EXPECT(is_in_forks(second + kMiB - test_page()));
      EXPECT(!is_in_forks(second + kMiB));
      EXPECT(!is_in_forks(large.high() - test_page()));
      shield.raise();
    }
  });
}

TEST_CASE("a threadproc's own large mapping outside its slot stays visible to its children") {
  in_own_process([] {
    Shield shield;
    OwnedMemory memory(shield.slots);
    const int64_t huge = memory.map(range_size(memory->slot.whole), MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    EXPECT(huge > 0 && !memory.in_slot(huge));
    shield.raise();
    EXPECT(is_in_forks(static_cast<uint64_t>(huge)));
  });
}

TEST_CASE("what a threadproc that never forks has is hidden, also what comes later, and no other's is") {
  in_own_process([] {
    Shield shield;
    OwnedMemory never(shield.slots), may(shield.slots);
    memory_keep_out_of_forks(never.get());
    const int64_t first = never.map(kLarge), others = may.map(kLarge);
    const int64_t shared = never.map(kLarge, MAP_SHARED | MAP_ANONYMOUS);
    const uint64_t whole = range_size(never->slot.whole);
    const int64_t outside = never.map(whole, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    const int64_t others_outside = may.map(whole, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    EXPECT(outside > 0 && !never.in_slot(outside));
    shield.raise();
    EXPECT(!is_in_forks(static_cast<uint64_t>(outside)));
    EXPECT(is_in_forks(static_cast<uint64_t>(others_outside)));
    EXPECT(!is_in_forks(static_cast<uint64_t>(first)));
    EXPECT(is_in_forks(static_cast<uint64_t>(others)));
    EXPECT(is_in_forks(static_cast<uint64_t>(shared)));
    const int64_t later = never.map(kLarge);
    EXPECT(is_in_forks(static_cast<uint64_t>(later)));
    shield.get()->nanoseconds_at_once = 0; /* in pieces, which stop within the slot */
    shield.get()->raised_at = 0;
    while (fork_shield_raise_some(shield.get())) {
    }
    EXPECT(!is_in_forks(static_cast<uint64_t>(later)));
    EXPECT(is_in_forks(static_cast<uint64_t>(others)));
  });
}

TEST_CASE("what belongs to a threadproc of another host stays visible to its children") {
  in_own_process([] {
    Shield one, other;
    OwnedMemory memory(one.slots);
    const int64_t huge = memory.map(range_size(memory->slot.whole), MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    EXPECT(huge > 0 && !memory.in_slot(huge));
    other.raise();
    EXPECT(is_in_forks(static_cast<uint64_t>(huge)));
  });
}

TEST_CASE("of a small mapping all is kept, not only what was named") {
  in_own_process([] {
    Shield shield;
    const Area arena(4 * kMiB, PROT_READ | PROT_WRITE);
    fork_shield_keep(shield.get(), {arena.low() + kMiB, arena.low() + kMiB + 16});
    shield.raise();
    EXPECT(is_in_forks(arena.low()));
    EXPECT(is_in_forks(arena.high() - test_page()));
  });
}

TEST_CASE("the process's own fork finds all of its memory, and the shields are up again afterwards") {
  in_own_process([] {
    Shield one, other;
    const Area large(kLarge, PROT_READ | PROT_WRITE);
    *reinterpret_cast<char *>(large.low()) = 7;
    one.raise();
    other.raise();
    EXPECT_EQUAL(run_in_fork(large.low()), 7);
    EXPECT(!is_in_forks(large.low()));
  });
}

TEST_CASE("a host shields from its first launch to its end") {
  in_own_process([] {
    const Area large(kLarge, PROT_READ | PROT_WRITE);
    Host host;
    EXPECT(is_in_forks(large.low()));
    EXPECT_EQUAL(host.run(Launch(test_program("end"), {"exit", "0"})), 0);
    EXPECT(!is_in_forks(large.low()));
    host.close();
    EXPECT(is_in_forks(large.low()));
  });
}

TEST_CASE("any number of ranges is kept, in any order") {
  in_own_process([] {
    constexpr uint64_t kRanges = 1000;
    auto shield = std::make_unique<Shield>();
    const Area large(2 * (kRanges + 1) * test_page() + kLarge, PROT_READ | PROT_WRITE);
    for (uint64_t i = 0; i < kRanges; i++) {
      const uint64_t at = large.low() + 2 * (i * 7 % kRanges) * test_page();
      EXPECT_EQUAL(fork_shield_keep(shield->get(), {at, at + 1}), 0);
      EXPECT_EQUAL(fork_shield_keep(shield->get(), {at, at + 1}), 0);
    }
    shield->raise();
    for (uint64_t i = 0; i < kRanges; i += 333) {
      EXPECT(is_in_forks(large.low() + 2 * i * test_page()));
      EXPECT(!is_in_forks(large.low() + (2 * i + 1) * test_page()));
    }
    EXPECT(is_in_forks(large.low() + 2 * (kRanges - 1) * test_page()));
    EXPECT_EQUAL(shield->get()->kept.count, size_t{kRanges});
  });
}

TEST_CASE("what was cut into small pieces while it was hidden is unmarked, too") {
  in_own_process([] {
    Shield shield;
    const Area large(kLarge, PROT_READ | PROT_WRITE);
    shield.raise();
    for (uint64_t at = large.low(); at < large.high(); at += 4 * kMiB)
      EXPECT_EQUAL(mprotect(reinterpret_cast<void *>(at), 2 * kMiB, PROT_READ), 0);
    shield.lower();
    for (uint64_t at = large.low(); at < large.high(); at += 2 * kMiB) EXPECT(is_in_forks(at));
  });
}

TEST_CASE("a raise is due only now and then") {
  in_own_process([] {
    Shield shield;
    shield.raise();
    const Area large(kLarge, PROT_READ | PROT_WRITE);
    fork_shield_raise(shield.get());
    EXPECT(is_in_forks(large.low()));
  });
}

TEST_SUITE_END();
