#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <initializer_list>
#include <random>
#include <stdexcept>

#include "support/elf_builder.h"
#include "support/own_process.h"
#include "support/proc_maps.h"

extern "C" {
#include "broker/fence.h"
#include "memory/pieces.h"
}

#ifndef __NR_mseal
#define __NR_mseal 462
#endif

namespace {

constexpr uint64_t kGiB = 1ull << 30;

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#else
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

// What the kernel does with a filter, for the instructions that filters consist of.
uint32_t interpret(const fence &filter, const seccomp_data &data) {
  uint32_t a = 0, x = 0;
  for (unsigned at = 0; at < filter.length; at++) {
    const sock_filter &each = filter.instructions[at];
    const uint32_t operand = BPF_SRC(each.code) == BPF_X ? x : each.k;
    bool yes = false;
    switch (each.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (each.k % 4 != 0 || each.k + 4 > sizeof data) throw std::runtime_error("a load beyond the call's data");
        a = *reinterpret_cast<const uint32_t *>(reinterpret_cast<const char *>(&data) + each.k);
        continue;
      case BPF_MISC | BPF_TAX:
        x = a;
        continue;
      case BPF_RET | BPF_K:
        return each.k;
      case BPF_JMP | BPF_JEQ | BPF_K:
        yes = a == operand;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        yes = a >= operand;
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
      case BPF_JMP | BPF_JGT | BPF_X:
        yes = a > operand;
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        yes = (a & operand) != 0;
        break;
      default:
        throw std::runtime_error("an instruction that no filter should need");
    }
    at += yes ? each.jt : each.jf;
  }
  throw std::runtime_error("the filter has no end");
}

// A fence and what it was built from.
struct Fenced {
  slot place{};
  fence_content content{};
  fence filter{};

  Fenced(uint64_t low, uint64_t size, address_range program, bool never_forks = false) {
    place.whole = {low, low + size};
    place.usable = {low, low + size / 4 * 3};
    content.slot = &place;
    content.heap = {low + 0x80000, low + 0xa0000};
    content.program = program.high != 0 ? program : address_range{low, low + 0x40000};
    content.constants = content.program;
    content.files = {low + size / 2, place.usable.high};
    content.arguments = {low + size / 2 - 0x3000, low + size / 2};
    content.never_forks = never_forks;
    fence_build(&filter, &content);
  }
  Fenced(const Fenced &) = delete;
  Fenced &operator=(const Fenced &) = delete;

  // From an instruction of the program.
  bool asks(long number, std::initializer_list<uint64_t> arguments) const {
    return asks_from(content.program.low + 0x1000, number, arguments);
  }
  bool asks_from(uint64_t caller, long number, std::initializer_list<uint64_t> arguments) const {
    seccomp_data data{static_cast<int>(number), kArchitecture, caller, {}};
    size_t at = 0;
    for (const uint64_t each : arguments) data.args[at++] = each;
    const uint32_t decision = interpret(filter, data);
    CHECK((decision == SECCOMP_RET_ALLOW || decision == SECCOMP_RET_USER_NOTIF));
    return decision == SECCOMP_RET_USER_NOTIF;
  }
  uint32_t decision_on_break(uint64_t caller, uint64_t wanted) const {
    seccomp_data data{__NR_brk, kArchitecture, caller, {wanted}};
    return interpret(filter, data);
  }
};

// The kinds of slots there are: with 47 and more address bits, with 39; and a program for fixed addresses.
template <typename Body>
void for_each_kind(Body body) {
  SUBCASE("a slot of 16 GiB") { body(Fenced(0x2000ull * kGiB, 16 * kGiB, {0, 0})); }
  SUBCASE("a slot of 1 GiB, within 4 GiB") { body(Fenced(67 * kGiB, 1 * kGiB, {0, 0})); }
  SUBCASE("a slot of 1 GiB that ends with its 4 GiB") { body(Fenced(71 * kGiB, 1 * kGiB, {0, 0})); }
  SUBCASE("a program for fixed addresses") { body(Fenced(0x2000ull * kGiB, 16 * kGiB, {0x400000, 0x480000})); }
}

#ifndef __NR_set_mempolicy_home_node
#define __NR_set_mempolicy_home_node 450
#endif
#ifndef __NR_map_shadow_stack
#define __NR_map_shadow_stack 453
#endif

const std::initializer_list<long> kRanged = {__NR_mprotect, __NR_pkey_mprotect, __NR_mbind,
                                             __NR_set_mempolicy_home_node, __NR_msync};
const std::initializer_list<long> kAlwaysAsked = {
    __NR_shmat,      __NR_remap_file_pages, __NR_mlockall,   __NR_munlockall, __NR_process_madvise,
    __NR_mseal,      __NR_execve,           __NR_execveat,   __NR_readlinkat,
#ifdef __NR_modify_ldt
    __NR_modify_ldt,
#endif
#if defined(__x86_64__)
    __NR_setitimer,  __NR_timer_settime,
#endif
    __NR_io_setup,   __NR_io_destroy,       __NR_pkey_alloc, __NR_pkey_free,  __NR_map_shadow_stack};

}  // namespace

TEST_SUITE_BEGIN("fence");

TEST_CASE("the filter fits") {
  for_each_kind([](const Fenced &fenced) {
    CHECK(fenced.filter.length > 0);
    CHECK(fenced.filter.length <= FENCE_INSTRUCTIONS_MAX);
  });
}

// A jump is of 255 instructions at most. The first calls of a table jump furthest.
TEST_CASE("with all that it can have, too, and each of its jumps arrives") {
  for_each_kind([](const Fenced &fenced) {
#if defined(__x86_64__)
    if (range_size(fenced.place.whole) == kGiB) return; /* these slots are of aarch64, which has fewer calls */
#endif
    fence_content content = fenced.content;
    content.never_forks = true;
    content.executed_texts = {content.program.low, content.program.low + 0x3000};
    content.executed_stack = {content.arguments.low - 0x1000, content.arguments.high};
    content.path_count = FENCE_PATHS_MAX;
    for (size_t i = 0; i < FENCE_PATHS_MAX; i++)
      content.paths[i] = {content.program.low + 0x4000 + i * 0x100, content.program.low + 0x4010 + i * 0x100};
    fence filter{};
    fence_build(&filter, &content);
    CHECK(filter.length > 0);
    CHECK(filter.length <= FENCE_INSTRUCTIONS_MAX);
    const auto decision = [&](long number, std::initializer_list<uint64_t> arguments) {
      seccomp_data data{static_cast<int>(number), kArchitecture, content.program.low + 0x1000, {}};
      size_t at = 0;
      for (const uint64_t each : arguments) data.args[at++] = each;
      return interpret(filter, data);
    };
    for (const long number : kAlwaysAsked) CHECK(decision(number, {~uint64_t{0}}) == SECCOMP_RET_USER_NOTIF);
    for (const long number : kRanged) CHECK(decision(number, {content.slot->usable.low, 1}) == SECCOMP_RET_ALLOW);
    for (const address_range path : content.paths)
      CHECK(decision(__NR_openat, {0, path.low}) == SECCOMP_RET_USER_NOTIF);
    CHECK(decision(__NR_prctl, {PR_SET_NAME}) == SECCOMP_RET_ALLOW);
    CHECK(decision(__NR_prctl, {PR_SET_DUMPABLE}) == SECCOMP_RET_USER_NOTIF);
    CHECK(decision(__NR_brk, {~uint64_t{0}}) == SECCOMP_RET_ERRNO);
    CHECK(decision(__NR_getpid, {}) == SECCOMP_RET_ALLOW);
  });
}

TEST_CASE("a break above the heap is refused without a question, which a signal could interrupt") {
  for_each_kind([](const Fenced &fenced) {
    const address_range heap = fenced.content.heap;
    const uint64_t caller = fenced.content.program.low + 0x1000;
    for (const uint64_t wanted :
         std::initializer_list<uint64_t>{0, heap.low - 1, heap.low, heap.high, heap.high - (1ull << 32)})
      CHECK(fenced.decision_on_break(caller, wanted) == SECCOMP_RET_USER_NOTIF);
    for (const uint64_t wanted :
         std::initializer_list<uint64_t>{heap.high + 1, heap.low + (1ull << 32), heap.high + kGiB, ~0ull})
      CHECK(fenced.decision_on_break(caller, wanted) == SECCOMP_RET_ERRNO); /* the errno is 0, the break is 0 */
    CHECK(fenced.decision_on_break(fenced.place.whole.high + 4096, ~uint64_t{0}) == SECCOMP_RET_ALLOW);
  });
}

TEST_CASE("calls that are not about memory pass, whatever their arguments are") {
  for_each_kind([](const Fenced &fenced) {
    const uint64_t neighbour = fenced.place.whole.high + 0x1000;
    for (const long number :
         {__NR_read, __NR_write, __NR_futex, __NR_clone, __NR_exit_group, __NR_rt_sigreturn, __NR_mincore, __NR_close})
      CHECK_FALSE(fenced.asks(number, {neighbour, 4096, 0, 0, 0, 0}));
    for (long number = 0; number < 2000; number++)
      CHECK_FALSE(fenced.asks_from(fenced.place.whole.high + 0x1000, number, {neighbour, 4096, 7, MAP_FIXED}));
  });
}

TEST_CASE("calls from another program's code pass, and its own edges count") {
  for_each_kind([](const Fenced &fenced) {
    const uint64_t neighbour = fenced.place.whole.high + 0x100000000;
    for (const uint64_t inside : {fenced.content.program.low, fenced.content.program.high - 1, fenced.place.whole.low,
                                  fenced.place.whole.high - 1, fenced.content.files.low})
      CHECK(fenced.asks_from(inside, __NR_munmap, {neighbour, 4096}));
    for (const uint64_t outside :
         {fenced.place.whole.low - 1, fenced.place.whole.high, uint64_t{0x7fff00000000}, uint64_t{0x1000}, UINT64_MAX})
      CHECK_FALSE(fenced.asks_from(outside, __NR_munmap, {neighbour, 4096}));
  });
  const Fenced fixed(0x2000ull * kGiB, 16 * kGiB, {0x400000, 0x480000});
  CHECK_FALSE(fixed.asks_from(0x3fffff, __NR_munmap, {0x5000, 4096}));
  CHECK(fixed.asks_from(0x400000, __NR_munmap, {0x5000, 4096}));
  CHECK(fixed.asks_from(0x47ffff, __NR_munmap, {0x5000, 4096}));
  CHECK_FALSE(fixed.asks_from(0x480000, __NR_munmap, {0x5000, 4096}));
}

TEST_CASE("fork and its like pass, but of a program that never forks they are asked for") {
  constexpr uint64_t kThread = CLONE_VM | CLONE_THREAD, kVfork = CLONE_VM | CLONE_VFORK | SIGCHLD, kUpper = 1ull << 32;
  for_each_kind([](const Fenced &fenced) {
    CHECK_FALSE(fenced.asks(__NR_clone, {SIGCHLD}));
    CHECK_FALSE(fenced.asks(__NR_clone3, {0, 88}));
    const Fenced never(fenced.place.whole.low, range_size(fenced.place.whole), fenced.content.program, true);
    CHECK(never.filter.length <= FENCE_INSTRUCTIONS_MAX);
    CHECK(never.asks(__NR_clone, {SIGCHLD}));
    CHECK(never.asks(__NR_clone, {SIGCHLD | kUpper}));
    CHECK(never.asks(__NR_clone3, {0, 88}));
#ifdef __NR_fork
    CHECK(never.asks(__NR_fork, {}));
    CHECK_FALSE(never.asks(__NR_vfork, {}));
#endif
    CHECK_FALSE(never.asks(__NR_clone, {kThread}));
    CHECK_FALSE(never.asks(__NR_clone, {kVfork}));
    CHECK_FALSE(never.asks_from(never.place.whole.high + 4096, __NR_clone, {SIGCHLD}));
    CHECK(never.asks(__NR_brk, {0}));
    CHECK_FALSE(never.asks(__NR_getpid, {}));
  });
}

TEST_CASE("another architecture's calls pass: their numbers mean something else") {
  const Fenced fenced(0x2000ull * kGiB, 16 * kGiB, {0, 0});
  seccomp_data data{__NR_brk, AUDIT_ARCH_I386, fenced.content.program.low, {}};
  CHECK(interpret(fenced.filter, data) == SECCOMP_RET_ALLOW);
}

TEST_CASE("what only the broker can answer always goes there") {
  for_each_kind([](const Fenced &fenced) {
    for (const long number : kAlwaysAsked) CHECK(fenced.asks(number, {fenced.place.usable.low, 4096}));
#ifdef __NR_readlink
    CHECK(fenced.asks(__NR_readlink, {fenced.place.usable.low}));
#endif
  });
}

TEST_CASE("ranges: inside the slot without a question, anything else with one") {
  for_each_kind([](const Fenced &fenced) {
    const address_range usable = fenced.place.usable;
    const uint64_t rest = fenced.place.whole.high - usable.high;
    const uint64_t longest = rest > UINT32_MAX ? UINT32_MAX : rest;
    for (const long number : kRanged) {
      CAPTURE(number);
      CHECK_FALSE(fenced.asks(number, {usable.low, 4096}));
      CHECK_FALSE(fenced.asks(number, {usable.low, 0}));
      CHECK_FALSE(fenced.asks(number, {usable.high - 4096, 4096}));
      CHECK_FALSE(fenced.asks(number, {usable.high - 1, longest})); /* still ends in the slot */
      CHECK_FALSE(fenced.asks(number, {usable.low, longest}));
      CHECK(fenced.asks(number, {usable.low, longest + 1}));
      CHECK(fenced.asks(number, {usable.low, UINT64_MAX}));
      CHECK(fenced.asks(number, {usable.low, 1ull << 32}));
      CHECK(fenced.asks(number, {usable.low, (1ull << 32) + 4096}));
      CHECK(fenced.asks(number, {usable.low - 1, 4096}));
      CHECK(fenced.asks(number, {usable.low - 4096, 8192}));
      CHECK(fenced.asks(number, {usable.high, 4096}));
      CHECK(fenced.asks(number, {fenced.place.whole.high, 4096}));
      CHECK(fenced.asks(number, {fenced.place.whole.low - 0x100000000, 4096}));
      CHECK(fenced.asks(number, {0, UINT64_MAX}));
      CHECK(fenced.asks(number, {UINT64_MAX, 1}));
    }
  });
}

TEST_CASE("munmap, madvise and munlock: what would keep all others waiting is asked for, too") {
  for_each_kind([](const Fenced &fenced) {
    const address_range usable = fenced.place.usable;
    for (const long number : {__NR_munmap, __NR_madvise, __NR_munlock}) {
      CHECK_FALSE(fenced.asks(number, {usable.low, 4096}));
      CHECK_FALSE(fenced.asks(number, {usable.low, UNMAPPED_AT_ONCE}));
      CHECK(fenced.asks(number, {usable.low, UNMAPPED_AT_ONCE + 1}));
      CHECK(fenced.asks(number, {usable.low, (1ull << 32) + 4096}));
      CHECK(fenced.asks(number, {usable.high, 4096}));
      CHECK(fenced.asks(number, {fenced.place.whole.high, 4096}));
    }
  });
}

TEST_CASE("filling and locking: what would keep all others waiting is asked for, too") {
  for_each_kind([](const Fenced &fenced) {
    const address_range usable = fenced.place.usable;
    const auto asks = [&](long number, uint64_t advice, uint64_t size) {
      return fenced.asks(number, {usable.low, size, advice});
    };
    for (const uint64_t advice : {MADV_POPULATE_READ, MADV_POPULATE_WRITE}) {
      CHECK_FALSE(asks(__NR_madvise, advice, POPULATED_AT_ONCE));
      CHECK(asks(__NR_madvise, advice, POPULATED_AT_ONCE + 1));
      CHECK(asks(__NR_madvise, advice, 1ull << 32));
    }
    CHECK_FALSE(asks(__NR_madvise, MADV_DONTNEED, POPULATED_AT_ONCE + 1));
    for (const long number : {__NR_mlock, __NR_mlock2}) {
      CHECK_FALSE(asks(number, 0, POPULATED_AT_ONCE));
      CHECK(asks(number, 0, POPULATED_AT_ONCE + 1));
      CHECK(asks(number, 0, 1ull << 32));
    }
  });
}

TEST_CASE("limits: those of memory are asked for, all others pass") {
  for_each_kind([](const Fenced &fenced) {
    for (const uint64_t resource : {RLIMIT_AS, RLIMIT_DATA}) {
      CHECK(fenced.asks(__NR_prlimit64, {0, resource, 1, 1}));
      CHECK(fenced.asks(__NR_setrlimit, {resource, 1}));
      CHECK(fenced.asks(__NR_getrlimit, {resource, 1}));
    }
    for (const uint64_t resource : {RLIMIT_NOFILE, RLIMIT_STACK, RLIMIT_CORE}) {
      CHECK_FALSE(fenced.asks(__NR_prlimit64, {RLIMIT_AS, resource, 1, 1}));
      CHECK_FALSE(fenced.asks(__NR_setrlimit, {resource, RLIMIT_AS}));
      CHECK_FALSE(fenced.asks(__NR_getrlimit, {resource, RLIMIT_AS}));
    }
    CHECK_FALSE(fenced.asks_from(fenced.place.whole.high + 4096, __NR_prlimit64, {0, RLIMIT_AS, 1, 1}));
  });
}

TEST_CASE("prctl: a name is given in the slot without a question") {
  for_each_kind([](const Fenced &fenced) {
    const uint64_t name = 0x53564d41 /* PR_SET_VMA */;
    CHECK_FALSE(fenced.asks(__NR_prctl, {name, 0, fenced.place.usable.low, 4096}));
    CHECK(fenced.asks(__NR_prctl, {name, 0, fenced.place.usable.low, 1ull << 32}));
    CHECK(fenced.asks(__NR_prctl, {name, 0, fenced.place.usable.high, 4096}));
    CHECK(fenced.asks(__NR_prctl, {name, 0, fenced.place.whole.high, 4096}));
  });
}

TEST_CASE("no range that is let pass reaches beyond the slot") {
  for_each_kind([](const Fenced &fenced) {
    std::mt19937_64 random(4711);
    const uint64_t marks[] = {fenced.place.whole.low, fenced.place.usable.high, fenced.place.whole.high, 0, 1ull << 32};
    unsigned passed = 0;
    for (int i = 0; i < 20000; i++) {
      const uint64_t address = marks[random() % 5] + random() % 0x4000 - 0x2000 + (random() % 3) * kGiB / 2;
      const uint64_t length = random() % 4 == 0 ? random() : (1ull << random() % 40) + random() % 3 - 1;
      const long number = kRanged.begin()[random() % kRanged.size()];
      if (fenced.asks(number, {address, length})) continue;
      passed++;
      const bool inside = address >= fenced.place.whole.low && length <= fenced.place.whole.high - address;
      CHECK(inside);
      if (!inside) return;
    }
    CHECK(passed > 100);
  });
}

TEST_CASE("mmap: only what is fixed inside the slot passes") {
  for_each_kind([](const Fenced &fenced) {
    const uint64_t own = fenced.place.usable.low + 0x10000, other = fenced.place.whole.high + 0x10000;
    for (const uint64_t flag : {MAP_FIXED, MAP_FIXED_NOREPLACE}) {
      CHECK_FALSE(fenced.asks(__NR_mmap, {own, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | flag}));
      CHECK(fenced.asks(__NR_mmap, {other, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | flag}));
      CHECK(fenced.asks(__NR_mmap, {own, fenced.place.whole.high, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | flag}));
    }
    CHECK(fenced.asks(__NR_mmap, {own, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS}));
    /* What would keep all others waiting: much that is replaced, or filled. */
    const uint64_t fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    CHECK_FALSE(fenced.asks(__NR_mmap, {own, UNMAPPED_AT_ONCE, PROT_READ, fixed}));
    CHECK(fenced.asks(__NR_mmap, {own, UNMAPPED_AT_ONCE + 1, PROT_READ, fixed}));
    CHECK_FALSE(fenced.asks(__NR_mmap, {own, POPULATED_AT_ONCE, PROT_READ, fixed | MAP_POPULATE}));
    CHECK(fenced.asks(__NR_mmap, {own, POPULATED_AT_ONCE + 1, PROT_READ, fixed | MAP_POPULATE}));
    CHECK_FALSE(fenced.asks(__NR_mmap, {own, UNMAPPED_AT_ONCE + 1, PROT_READ, fixed | MAP_LOCKED}));
    CHECK(fenced.asks(__NR_mmap, {0, 4096, PROT_READ, MAP_SHARED}));
  });
}

TEST_CASE("mremap: only what shrinks inside the slot passes") {
  for_each_kind([](const Fenced &fenced) {
    const uint64_t own = fenced.place.usable.low + 0x10000, other = fenced.place.whole.high + 0x10000;
    CHECK_FALSE(fenced.asks(__NR_mremap, {own, 8192, 4096, 0}));
    CHECK_FALSE(fenced.asks(__NR_mremap, {own, 8192, 4096, MREMAP_MAYMOVE}));
    CHECK_FALSE(fenced.asks(__NR_mremap, {own, 8192, 8192, MREMAP_MAYMOVE}));
    CHECK(fenced.asks(__NR_mremap, {own, 4096, 8192, MREMAP_MAYMOVE}));
    CHECK_FALSE(fenced.asks(__NR_mremap, {own, UNMAPPED_AT_ONCE, 4096, 0}));
    CHECK(fenced.asks(__NR_mremap, {own, UNMAPPED_AT_ONCE + 1, 4096, 0}));
    CHECK(fenced.asks(__NR_mremap, {own, 8192, 1ull << 32, MREMAP_MAYMOVE}));
    CHECK(fenced.asks(__NR_mremap, {own, 1ull << 32, 4096, 0}));
    CHECK(fenced.asks(__NR_mremap, {own, 8192, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, other}));
    CHECK(fenced.asks(__NR_mremap, {own, 8192, 8192, MREMAP_MAYMOVE | 4 /* MREMAP_DONTUNMAP */}));
    CHECK(fenced.asks(__NR_mremap, {other, 8192, 4096, 0}));
  });
}

TEST_CASE("shmdt: only in the slot") {
  for_each_kind([](const Fenced &fenced) {
    CHECK_FALSE(fenced.asks(__NR_shmdt, {fenced.place.usable.low}));
    CHECK_FALSE(fenced.asks(__NR_shmdt, {fenced.place.usable.high - 1}));
    CHECK(fenced.asks(__NR_shmdt, {fenced.place.usable.high}));
    CHECK(fenced.asks(__NR_shmdt, {fenced.place.whole.low - 1}));
  });
}

TEST_CASE("kill: a SIGTSTP is asked for, and no other signal") {
  for_each_kind([](const Fenced &fenced) {
    for (const uint64_t signal : {SIGTSTP, SIGTERM, SIGSTOP, SIGCONT, SIGTTIN, 0}) {
      CHECK(fenced.asks(__NR_kill, {1, signal}) == (signal == SIGTSTP));
      CHECK(fenced.asks(__NR_tkill, {1, signal}) == (signal == SIGTSTP));
      CHECK(fenced.asks(__NR_tgkill, {1, 1, signal}) == (signal == SIGTSTP));
    }
    const uint64_t elsewhere = fenced.place.whole.high + 4096;
    CHECK_FALSE(fenced.asks_from(elsewhere, __NR_kill, {1, SIGTSTP}));
  });
}

TEST_CASE("ptrace: who attaches to a process is asked for, everything else passes") {
  for_each_kind([](const Fenced &fenced) {
    for (const uint64_t request : {PTRACE_ATTACH, PTRACE_SEIZE}) CHECK(fenced.asks(__NR_ptrace, {request, 1}));
    for (const uint64_t request : {PTRACE_TRACEME, PTRACE_PEEKDATA, PTRACE_CONT, PTRACE_DETACH, PTRACE_INTERRUPT})
      CHECK_FALSE(fenced.asks(__NR_ptrace, {request, 1}));
  });
}

TEST_CASE("prctl: what acts on the whole address space is asked for, everything else passes") {
  for_each_kind([](const Fenced &fenced) {
    for (const uint64_t option : {PR_SET_DUMPABLE, PR_GET_DUMPABLE, PR_SET_MM, PR_SET_THP_DISABLE, 65 /* PR_SET_MDWE */,
                                  67 /* PR_SET_MEMORY_MERGE */, PR_SET_PDEATHSIG, PR_GET_PDEATHSIG})
      CHECK(fenced.asks(__NR_prctl, {option, 1}));
    for (const uint64_t option :
         {PR_SET_NAME, PR_GET_KEEPCAPS, PR_SET_NO_NEW_PRIVS, PR_GET_NAME, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER})
      CHECK_FALSE(fenced.asks(__NR_prctl, {option, 1}));
  });
}

TEST_CASE("paths: constants of the program and of libraries, and its arguments") {
  for_each_kind([](const Fenced &fenced) {
    const uint64_t constant = fenced.content.program.low + 0x2000, library = fenced.content.files.low + 64,
                   argument = fenced.content.arguments.low + 8, heap = fenced.place.usable.low + 0x100000;
    for (const long number : {__NR_openat, __NR_newfstatat, __NR_statx}) {
      for (const uint64_t path : {constant, library, argument}) CHECK(fenced.asks(number, {0, path}));
      for (const uint64_t path : {heap, fenced.place.whole.high, fenced.content.arguments.low - 1})
        CHECK_FALSE(fenced.asks(number, {0, path}));
    }
#ifdef __NR_open
    for (const long number : {__NR_open, __NR_stat}) {
      for (const uint64_t path : {constant, library, argument}) CHECK(fenced.asks(number, {path}));
      CHECK_FALSE(fenced.asks(number, {heap}));
    }
    CHECK_FALSE(fenced.asks(__NR_lstat, {constant})); /* about the link itself */
#endif
  });
}

TEST_CASE("execve: constants and what stands on the stack pass where the launch says so, all else is asked for") {
  for_each_kind([](const Fenced &fenced) {
    fence_content content = fenced.content;
    const uint64_t constant = content.program.low + 0x2000, stack = content.arguments.low - 64,
                   heap = fenced.place.usable.low + 0x100000, library = content.files.low + 64;
    for (const uint64_t path : {constant, stack, heap, library}) CHECK(fenced.asks(__NR_execve, {path}));
    content.executed_texts = {content.program.low, content.program.low + 0x3000};
    content.executed_stack = {content.arguments.low - 0x1000, content.arguments.high};
    fence filter{};
    fence_build(&filter, &content);
    const auto decision = [&](long number, uint64_t path) {
      seccomp_data data{static_cast<int>(number), kArchitecture, content.program.low + 0x1000, {path}};
      return interpret(filter, data);
    };
    for (const uint64_t path : {constant, stack, content.arguments.low + 8})
      CHECK(decision(__NR_execve, path) == SECCOMP_RET_ALLOW);
    for (const uint64_t path : {heap, library, uint64_t{0}, content.program.low + 0x3000})
      CHECK(decision(__NR_execve, path) == SECCOMP_RET_USER_NOTIF);
    CHECK(decision(__NR_execveat, stack) == SECCOMP_RET_USER_NOTIF);
  });
}

TEST_CASE("paths: fstat, for which C libraries have the path \"\", passes") {
  for_each_kind([](const Fenced &fenced) {
    const uint64_t library = fenced.content.files.low + 64, here = static_cast<uint32_t>(AT_FDCWD);
    for (const uint64_t file : {uint64_t{0}, uint64_t{3}, uint64_t{0x7fffffff}}) {
      CHECK_FALSE(fenced.asks(__NR_newfstatat, {file, library, 0, AT_EMPTY_PATH}));
      CHECK_FALSE(fenced.asks(__NR_statx, {file, library, AT_EMPTY_PATH}));
      CHECK(fenced.asks(__NR_newfstatat, {file, library, 0, 0}));
      CHECK(fenced.asks(__NR_statx, {file, library, AT_SYMLINK_NOFOLLOW}));
    }
    CHECK(fenced.asks(__NR_newfstatat, {here, library, 0, AT_EMPTY_PATH}));
    CHECK(fenced.asks(__NR_statx, {here, library, AT_EMPTY_PATH}));
  });
}

TEST_CASE("paths: single constants") {
  for_each_kind([](const Fenced &fenced) {
    fence_content content = fenced.content;
    const uint64_t low = content.program.low;
    content.constants = {low + 0x8000, content.program.high};
    for (uint64_t i = 0; i < FENCE_PATHS_MAX; i++) content.paths[i] = {low + 0x100 * i + 1, low + 0x100 * i + 16};
    content.path_count = FENCE_PATHS_MAX;
    fence filter{};
    fence_build(&filter, &content);
    CHECK(filter.length > 0);
    const auto asks = [&](uint64_t path) {
      seccomp_data data{__NR_openat, kArchitecture, low + 0x1000, {0, path}};
      return interpret(filter, data) == SECCOMP_RET_USER_NOTIF;
    };
    for (uint64_t i = 0; i < FENCE_PATHS_MAX; i++) {
      CHECK(asks(low + 0x100 * i + 1));
      CHECK(asks(low + 0x100 * i + 15));
      CHECK_FALSE(asks(low + 0x100 * i));
      CHECK_FALSE(asks(low + 0x100 * i + 16));
    }
    CHECK(asks(low + 0x8000));
    CHECK(asks(content.files.low));
    CHECK_FALSE(asks(fenced.place.usable.low + 0x100000));
  });
}

TEST_CASE("paths: what cannot name the own executable passes") {
  for_each_kind([](const Fenced &fenced) {
    fence_content content = fenced.content;
    content.constants = content.arguments = {0, 0};
    fence filter{};
    fence_build(&filter, &content);
    for (const uint64_t path : {content.program.low + 0x2000, content.arguments.low + 8}) {
      seccomp_data data{__NR_openat, kArchitecture, content.program.low + 0x1000, {0, path}};
      CHECK(interpret(filter, data) == SECCOMP_RET_ALLOW);
      data.nr = __NR_readlinkat;
      CHECK(interpret(filter, data) == SECCOMP_RET_USER_NOTIF);
    }
    const seccomp_data library{__NR_openat, kArchitecture, content.program.low + 0x1000, {0, content.files.low}};
    CHECK(interpret(filter, library) == SECCOMP_RET_USER_NOTIF);
  });
}

TEST_CASE("the kernel takes the filter, and decides as it says") {
  in_own_process([] {
    // This process's own code stands for the program; the area for its slot.
    const Area area(4ull << 32);
    const uint64_t low = (area.low() + UINT32_MAX) >> 32 << 32;
    Fenced fenced(low, 2ull << 32, {1, 2});
    fenced.place.usable.high = low + (1ull << 32);
    // All calls go through syscall(): that libc's mmap is within the same 4 GiB is likely only, a sanitizer's is not.
    uint64_t own_code = reinterpret_cast<uint64_t>(&syscall) >> 32 << 32;
    fenced.content.program = {own_code, own_code + (1ull << 32)};
    fence_build(&fenced.filter, &fenced.content);
    const sock_fprog program{fenced.filter.length, fenced.filter.instructions};
    EXPECT_EQUAL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    const long notify_fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    EXPECT(notify_fd >= 0);
    // What passes is done by the kernel; what asks fails once the listener has gone.
    close(static_cast<int>(notify_fd));
    char *inside = reinterpret_cast<char *>(low + 0x10000);
    const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    EXPECT(syscall(SYS_mmap, inside, 0x4000, PROT_READ | PROT_WRITE, anonymous | MAP_FIXED, -1, 0) ==
           reinterpret_cast<long>(inside));
    inside[0] = 1;
    EXPECT_EQUAL(syscall(SYS_mprotect, inside, 0x4000, PROT_READ), 0);
    EXPECT_EQUAL(syscall(SYS_munmap, inside, 0x4000), 0);
    char *outside = reinterpret_cast<char *>(low + (3ull << 32));
    EXPECT(syscall(SYS_munmap, outside, 0x4000) == -1 && errno == ENOSYS);
    EXPECT(syscall(SYS_mprotect, outside, 0x4000, PROT_READ) == -1 && errno == ENOSYS);
    EXPECT(syscall(SYS_mmap, nullptr, 0x4000, PROT_READ, anonymous, -1, 0) == -1 && errno == ENOSYS);
    EXPECT(syscall(SYS_prctl, PR_SET_DUMPABLE, 0) == -1 && errno == ENOSYS);
    EXPECT_EQUAL(syscall(SYS_prctl, PR_SET_NAME, "fenced"), 0);
  });
}

TEST_SUITE_END();
