#include <doctest/doctest.h>
#include <linux/mman.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/elf_builder.h"
#include "support/memory_file.h"
#include "support/own_process.h"
#include "support/owned_memory.h"
#include "support/proc_maps.h"

extern "C" {
#include "base/page.h"
#include "memory/memory_external.h"
#include "memory/memory_map.h"
}

namespace {

constexpr uint64_t kMiB = 1ull << 20;
constexpr uint64_t kGiB = 1ull << 30;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;

char *pointer(int64_t address) { return reinterpret_cast<char *>(address); }
uint64_t plain(int64_t address) { return static_cast<uint64_t>(address); }

bool resident(int64_t address, uint64_t length) {
  std::vector<unsigned char> pages(length / test_page());
  if (mincore(pointer(address), length, pages.data()) != 0) return false;
  for (const unsigned char each : pages)
    if ((each & 1) == 0) return false;
  return true;
}

// Another's memory, with content to be harmed.
class Neighbour {
 public:
  explicit Neighbour(uint64_t size = 64 * test_page(), void *at = nullptr)
      : memory_(mmap(at, size, PROT_READ | PROT_WRITE, kPrivate | (at != nullptr ? MAP_FIXED_NOREPLACE : 0), -1, 0)),
        size_(size) {
    REQUIRE(memory_ != MAP_FAILED);
    for (uint64_t i = 0; i < size; i++) bytes()[i] = static_cast<unsigned char>(i * 7);
  }
  ~Neighbour() { munmap(memory_, size_); }
  Neighbour(const Neighbour &) = delete;
  Neighbour &operator=(const Neighbour &) = delete;
  uint64_t low() const { return reinterpret_cast<uint64_t>(memory_); }
  uint64_t size() const { return size_; }
  bool unharmed() const {
    if (protection_at(low()) != "rw-p") return false;
    for (uint64_t i = 0; i < size_; i++)
      if (bytes()[i] != static_cast<unsigned char>(i * 7)) return false;
    return true;
  }

 private:
  unsigned char *bytes() const { return static_cast<unsigned char *>(memory_); }
  void *memory_;
  uint64_t size_;
};

// Every harmful call that the fence hands over, aimed at [address, address + size).
void attack(OwnedMemory &memory, uint64_t address, uint64_t size) {
  CHECK(memory_unmap(memory.get(), address, size) == -EPERM);
  CHECK_FALSE(memory_owns(memory.get(), {address, address + size}));
  CHECK(memory.map(size, kPrivate | MAP_FIXED, address) == -ENOMEM);
  CHECK(memory.map(size, kPrivate | MAP_FIXED_NOREPLACE, address) < 0);
  CHECK(memory_remap(memory.get(), address, size, 2 * size, MREMAP_MAYMOVE, 0) == -EFAULT);
  CHECK(memory_remap(memory.get(), address, size, size / 2, 0, 0) == -EFAULT);
  const int64_t own = memory.map(size, kPrivate | MAP_NORESERVE); /* a slot may be larger than the machine's memory */
  REQUIRE(own > 0);
  CHECK(memory_remap(memory.get(), plain(own), size, size, MREMAP_MAYMOVE | MREMAP_FIXED, address) == -ENOMEM);
  const segment none{-1, size};
  CHECK(memory_attach(memory.get(), &none, address, 0) < 0);
  CHECK(memory_unmap(memory.get(), plain(own), size) == 0);
}

}  // namespace

TEST_SUITE_BEGIN("memory");

TEST_CASE("mappings come into the slot: anonymous ones and those of files into their own parts") {
  const Slots slots;
  OwnedMemory memory(slots);
  MemoryFile file(std::string(3 * test_page(), 'x'));
  const int64_t anonymous = memory.map(10 * test_page());
  const int64_t of_file = memory.map(3 * test_page(), MAP_PRIVATE, 0, file.descriptor());
  CHECK(range_contains(memory->anonymous.area, plain(anonymous)));
  CHECK(range_contains(memory->files.area, plain(of_file)));
  CHECK(pointer(of_file)[test_page()] == 'x');
  std::memset(pointer(anonymous), 1, 10 * test_page());
  CHECK(memory_unmap(memory.get(), plain(anonymous), 10 * test_page()) == 0);
  CHECK(protection_at(plain(anonymous)).empty());
}

TEST_CASE("every flag of mmap") {
  const Slots slots;
  OwnedMemory memory(slots);
  MemoryFile file(std::string(4 * test_page(), 'f'));
  struct Case {
    const char *name;
    int flags;
    bool of_file;
  };
  const Case cases[] = {
      {"MAP_PRIVATE", kPrivate, false},
      {"MAP_SHARED", MAP_SHARED | MAP_ANONYMOUS, false},
      {"MAP_STACK", kPrivate | MAP_STACK, false},
      {"MAP_GROWSDOWN", kPrivate | MAP_GROWSDOWN, false},
      {"MAP_NORESERVE", kPrivate | MAP_NORESERVE, false},
      {"MAP_POPULATE", kPrivate | MAP_POPULATE, false},
      {"MAP_POPULATE | MAP_NONBLOCK", kPrivate | MAP_POPULATE | MAP_NONBLOCK, false},
      {"MAP_DENYWRITE | MAP_EXECUTABLE", kPrivate | MAP_DENYWRITE | MAP_EXECUTABLE, false},
      {"a private file", MAP_PRIVATE, true},
      {"a shared file", MAP_SHARED, true},
      {"a validated shared file", MAP_SHARED_VALIDATE, true},
  };
  for (const Case &each : cases) {
    CAPTURE(each.name);
    const int64_t got = memory.map(4 * test_page(), each.flags, 0, each.of_file ? file.descriptor() : -1);
    REQUIRE(memory.in_slot(got));
    CHECK(pointer(got)[0] == (each.of_file ? 'f' : 0));
    pointer(got)[3 * test_page()] = 'w';
    char in_file = 0;
    CHECK(pread(file.descriptor(), &in_file, 1, static_cast<off_t>(3 * test_page())) == 1);
    CHECK((in_file == 'w') == (each.of_file && each.flags != MAP_PRIVATE));
    CHECK(pwrite(file.descriptor(), "f", 1, static_cast<off_t>(3 * test_page())) == 1);
    CHECK(memory_unmap(memory.get(), plain(got), 4 * test_page()) == 0);
  }
}

TEST_CASE("memory of a device") {
  const Slots slots;
  OwnedMemory memory(slots);
  const int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
  REQUIRE(zero >= 0);
  const int64_t got = memory.map(4 * test_page(), MAP_PRIVATE, 0, zero);
  CHECK(memory.in_slot(got));
  pointer(got)[5] = 1;
  CHECK(memory_unmap(memory.get(), plain(got), 4 * test_page()) == 0);
  close(zero);
}

TEST_CASE("MAP_HUGETLB: aligned, or the kernel's own refusal where there are no huge pages") {
  const Slots slots;
  OwnedMemory memory(slots);
  void *native = mmap(nullptr, 2 * kMiB, PROT_READ | PROT_WRITE, kPrivate | MAP_HUGETLB, -1, 0);
  const int code = native == MAP_FAILED ? errno : 0;
  if (native != MAP_FAILED) munmap(native, 2 * kMiB);
  const int64_t got = memory.map(2 * kMiB, kPrivate | MAP_HUGETLB);
  if (code != 0) {
    CHECK(got == -code);
  } else {
    CHECK(memory.in_slot(got));
    CHECK(plain(got) % (2 * kMiB) == 0);
  }
}

#ifdef MAP_32BIT
TEST_CASE("MAP_32BIT: a free hint is kept to, as SBCL needs it") {
  const Slots slots;
  OwnedMemory memory(slots);
  const int64_t hint = memory.map(kMiB, kPrivate | MAP_32BIT);
  REQUIRE(hint > 0);
  REQUIRE(memory_unmap(memory.get(), plain(hint), kMiB) == 0);
  CHECK(memory.map(kMiB, kPrivate | MAP_32BIT, plain(hint)) == hint);
  CHECK(memory.map(kMiB, kPrivate | MAP_32BIT, plain(hint)) != hint);
  const int64_t other = memory.map(kMiB, kPrivate | MAP_32BIT, memory->slot.usable.low); /* too high to be one */
  CHECK(other < static_cast<int64_t>(2 * kGiB));
}

TEST_CASE("MAP_32BIT: also when all is taken where the kernel looks, as a newer JVM's classes may") {
  in_own_process([] {
    const Slots slots;
    OwnedMemory memory(slots);
    // All but the last 64 KiB, where AddressSanitizer has its shadow.
    void *window = reinterpret_cast<void *>(kGiB);
    EXPECT(mmap(window, kGiB - (64 << 10), PROT_NONE, kPrivate | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) == window);
    const int64_t got = memory.map(kMiB, kPrivate | MAP_32BIT);
    EXPECT(got > 0 && got < static_cast<int64_t>(kGiB));
    EXPECT(slot_threadproc_at(slots.space(), plain(got)) == &memory);
    const int64_t second = memory.map(kMiB, kPrivate | MAP_32BIT);
    EXPECT_EQUAL(second, got - static_cast<int64_t>(kMiB));
    EXPECT_EQUAL(memory.map(2 * kGiB, kPrivate | MAP_32BIT), -ENOMEM);
    memory.release();
    EXPECT(protection_at(plain(got)).empty());
  });
}

TEST_CASE("MAP_32BIT: below 2 GiB, remembered and returned") {
  const Slots slots;
  OwnedMemory memory(slots);
  const int64_t got = memory.map(4 * test_page(), kPrivate | MAP_32BIT);
  REQUIRE(got > 0);
  CHECK(got < static_cast<int64_t>(2 * kGiB));
  CHECK(slot_threadproc_at(slots.space(), plain(got)) == &memory);
  memory.release();
  CHECK(protection_at(plain(got)).empty());
}
#endif

TEST_CASE("MAP_LOCKED locks, and says so when the limit is reached") {
  in_own_process([] {
    become_ordinary_user();
    const rlimit limit{64 * test_page(), 64 * test_page()};
    EXPECT_EQUAL(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    const Slots slots;
    OwnedMemory memory(slots);
    const int64_t got = memory.map(8 * test_page(), kPrivate | MAP_LOCKED);
    EXPECT(memory.in_slot(got));
    void *native = mmap(nullptr, 80 * test_page(), PROT_READ, kPrivate | MAP_LOCKED, -1, 0);
    EXPECT(native == MAP_FAILED && errno == EAGAIN);
    const auto in_slot = [&memory] { /* malloc may map meanwhile */
                                     size_t count = 0;
                                     for (const Mapping &each : mappings())
                                       count += range_contains(memory->slot.whole, each.low);
                                     return count;
    };
    const size_t before = in_slot();
    EXPECT_EQUAL(memory.map(80 * test_page(), kPrivate | MAP_LOCKED), -EAGAIN);
    EXPECT_EQUAL(in_slot(), before);
  });
}

TEST_CASE("requests that make no sense") {
  const Slots slots;
  OwnedMemory memory(slots);
  CHECK(memory.map(0) == -EINVAL);
  CHECK(memory.map(UINT64_MAX) == -ENOMEM);
  CHECK(memory.map(1ull << 62) == -ENOMEM);
  CHECK(memory.map(test_page(), kPrivate | MAP_FIXED, memory->slot.usable.low + 1) == -EINVAL);
  CHECK(memory.map(UINT64_MAX, kPrivate | MAP_FIXED, memory->slot.usable.low) == -ENOMEM);
  CHECK(memory.map(test_page(), kPrivate | MAP_FIXED, UINT64_MAX - test_page() + 1) == -ENOMEM);
  CHECK(memory.map(test_page(), MAP_ANONYMOUS) == -EINVAL);
  CHECK(memory.map(test_page(), MAP_PRIVATE, 0, 9999) == -EBADF);
  const MemoryFile file(std::string(test_page(), 'x'));
  CHECK(memory.map(test_page(), MAP_PRIVATE | MAP_GROWSDOWN, 0, file.descriptor()) == -EINVAL);
  CHECK(memory_unmap(memory.get(), memory->slot.usable.low + 1, test_page()) == -EINVAL);
  CHECK(memory_unmap(memory.get(), memory->slot.usable.low, 0) == -EINVAL);
  CHECK(memory_unmap(memory.get(), UINT64_MAX - test_page() + 1, test_page()) == -EINVAL);
  CHECK(memory_unmap(memory.get(), 0, UINT64_MAX) == -EINVAL);
  CHECK(memory_remap(memory.get(), memory->slot.usable.low, test_page(), 0, 0, 0) == -EINVAL);
  CHECK(memory_remap(memory.get(), memory->slot.usable.low + 1, test_page(), test_page(), 0, 0) == -EINVAL);
  CHECK(memory_remap(memory.get(), memory->slot.usable.low, UINT64_MAX, test_page(), 0, 0) == -EFAULT);
  CHECK(memory_remap(memory.get(), UINT64_MAX << 47, test_page(), 2 * test_page(), MREMAP_MAYMOVE, 0) == -EFAULT);
  const uint64_t own = plain(memory.map(2 * test_page()));
  CHECK(memory_remap(memory.get(), own, test_page(), test_page(), MREMAP_DONTUNMAP, 0) == -EINVAL);
}

TEST_CASE("mremap refuses what the kernel refuses, with its errors") {
  const Slots slots;
  OwnedMemory memory(slots);
  const uint64_t page = test_page();
  const uint64_t own = plain(memory.map(4 * page)), shared = plain(memory.map(page, MAP_SHARED | MAP_ANONYMOUS));
  const uint64_t hole = own + page;
  REQUIRE(munmap(reinterpret_cast<void *>(hole), page) == 0);
  const uint64_t target = plain(memory.map(4 * page));
  struct {
    uint64_t from, length, new_length;
    int flags;
    uint64_t to;
    int64_t code;
  } const cases[] = {
      {own, 0, page, 0, 0, -EINVAL},
      {hole, 0, page, 0, 0, -EFAULT},
      {shared, 0, page, 0, 0, -ENOMEM},
      {hole, UINT64_MAX, page, MREMAP_MAYMOVE, 0, -EFAULT},
      {hole, UINT64_MAX - page + 1, page, MREMAP_MAYMOVE, 0, -EFAULT},
      {own, UINT64_MAX - page + 1, page, MREMAP_MAYMOVE, 0, -EINVAL},
      {hole, uint64_t{1} << 47, page, MREMAP_MAYMOVE, 0, -EFAULT},
      {own, uint64_t{1} << 52, page, MREMAP_MAYMOVE, 0, -EINVAL},
      {hole, page, page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0, -EFAULT},
      {own, 2 * page, 2 * page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0, -EFAULT}, /* the hole ends the mapping */
      {own, page, page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, own, -EINVAL},
      {own, page, page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, target + 1, -EINVAL},
      {own, page, page, MREMAP_FIXED, target, -EINVAL},
      {own, page, page, MREMAP_MAYMOVE | 8, 0, -EINVAL},
      {own, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, own, -EINVAL},
      {own, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, memory->slots->end, -EINVAL},
      {own, page, uint64_t{1} << 62, MREMAP_MAYMOVE | MREMAP_FIXED, target, -EINVAL},
  };
  for (const auto &each : cases) {
    CAPTURE(each.length);
    CAPTURE(each.flags);
    CHECK(memory_remap(memory.get(), each.from, each.length, each.new_length, each.flags, each.to) == each.code);
  }
  CHECK(memory_remap(memory.get(), own, page - 5, page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0) > 0); /* whole pages */

  /* Several mappings at once: what the kernel says of it. */
  const uint64_t several = plain(memory.map(2 * page)), natively = plain(memory.map(2 * page));
  REQUIRE(mprotect(reinterpret_cast<void *>(several), page, PROT_READ) == 0);
  REQUIRE(mprotect(reinterpret_cast<void *>(natively), page, PROT_READ) == 0);
  const int flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
  const void *moved = mremap(reinterpret_cast<void *>(natively), 2 * page, 2 * page, flags, target);
  const int64_t expected = moved == MAP_FAILED ? -errno : static_cast<int64_t>(target);
  CHECK(memory_remap(memory.get(), several, 2 * page, 2 * page, flags, target) == expected);
}

TEST_CASE("what ends beyond the addresses has the kernel's errors") {
  const Slots slots;
  OwnedMemory memory(slots);
  const uint64_t page = test_page(), own = plain(memory.map(page)), length = memory->slots->end;
  CHECK(memory.map(length, kPrivate | MAP_FIXED_NOREPLACE, own) == -ENOMEM);
  CHECK(memory.map(length, kPrivate | MAP_FIXED_NOREPLACE, own + 1) == -ENOMEM);
  CHECK(munmap(reinterpret_cast<void *>(own), length) == -1); /* as the kernel says of it */
  CHECK(errno == EINVAL);
  CHECK(memory_unmap(memory.get(), own, length) == -EINVAL);
  CHECK(memory_owns(memory.get(), {own, own + page}));
}

TEST_CASE("a hint in the slot is honoured, any other is not") {
  const Slots slots;
  OwnedMemory memory(slots);
  const uint64_t hint = memory->slot.usable.low + 100 * kMiB;
  CHECK(memory.map(test_page(), kPrivate, hint) == static_cast<int64_t>(hint));
  CHECK(memory.map(test_page(), kPrivate, hint) != static_cast<int64_t>(hint));
  CHECK(memory.in_slot(memory.map(test_page(), kPrivate, hint)));
  CHECK(memory.in_slot(memory.map(test_page(), kPrivate, memory->slot.whole.high + kMiB)));
  CHECK(memory.in_slot(memory.map(test_page(), kPrivate, 0x10000)));
}

TEST_CASE("what is too large for the slot goes elsewhere, and back when it is released") {
  const Slots slots;
  OwnedMemory memory(slots);
  const uint64_t size = range_size(memory->slot.whole);
  const int64_t huge = memory.map(size, kPrivate | MAP_NORESERVE);
  REQUIRE(huge > 0);
  CHECK_FALSE(ranges_overlap(slot_space_range(slots.space()), {plain(huge), plain(huge) + size}));
  CHECK(memory_owns(memory.get(), {plain(huge), plain(huge) + size}));
  pointer(huge)[size - 1] = 1;

  CHECK(memory_unmap(memory.get(), plain(huge) + 4 * kMiB, kMiB) == 0); /* a hole in the middle */
  CHECK_FALSE(memory_owns(memory.get(), {plain(huge), plain(huge) + size}));
  CHECK(memory_owns(memory.get(), {plain(huge), plain(huge) + 4 * kMiB}));
  CHECK(memory_owns(memory.get(), {plain(huge) + 5 * kMiB, plain(huge) + size}));
  Neighbour in_the_hole(kMiB, pointer(huge) + 4 * kMiB);
  CHECK(memory_unmap(memory.get(), plain(huge), size) == -EPERM);

  memory.release();
  CHECK(in_the_hole.unharmed());
  CHECK(protection_at(plain(huge)).empty());
  CHECK(protection_at(plain(huge) + 5 * kMiB).empty());
}

TEST_CASE("a slot that is full: mappings go elsewhere") {
  const Slots slots(64 * kMiB);
  OwnedMemory memory(slots);
  std::vector<int64_t> all;
  unsigned outside = 0;
  for (int i = 0; i < 20; i++) {
    all.push_back(memory.map(2 * kMiB));
    REQUIRE(all.back() > 0);
    outside += !memory.in_slot(all.back());
  }
  CHECK(outside > 5);
  CHECK(outside < 20);
  for (const int64_t each : all) CHECK(memory_unmap(memory.get(), plain(each), 2 * kMiB) == 0);
  CHECK(memory->owner.external.count == 0);
  CHECK(memory.in_slot(memory.map(2 * kMiB)));
}

TEST_CASE("no two mappings overlap, whatever comes and goes") {
  for (const bool by_query : {true, false}) {
    Slots slots(256 * kMiB);
    if (!by_query) slots.read_maps();
    OwnedMemory memory(slots);
    struct Piece {
      int64_t address;
      uint64_t size;
      unsigned char mark;
    };
    std::vector<Piece> pieces;
    unsigned seed = 11;
    unsigned wrong = 0;
    for (unsigned i = 0; i < 3000; i++) {
      seed = seed * 1103515245 + 12345;
      if (pieces.size() < 100 || (seed >> 16) % 2 == 0) {
        const uint64_t size = ((seed >> 8) % 40 + 1) * test_page();
        const int64_t got = memory.map(size);
        if (got < 0) continue;
        for (uint64_t at = 0; at < size; at += test_page()) wrong += pointer(got)[at] != 0;
        std::memset(pointer(got), static_cast<int>(i % 255) + 1, size);
        pieces.push_back({got, size, static_cast<unsigned char>(i % 255 + 1)});
      } else {
        const size_t which = (seed >> 4) % pieces.size();
        const Piece piece = pieces[which];
        for (uint64_t at = 0; at < piece.size; at++)
          wrong += static_cast<unsigned char>(pointer(piece.address)[at]) != piece.mark;
        munmap(pointer(piece.address), piece.size); /* as the fence lets it: without asking */
        pieces.erase(pieces.begin() + static_cast<long>(which));
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("a fixed address outside: once, if it is free, and given back") {
  const Slots slots;
  OwnedMemory first(slots), second(slots);
  const uint64_t free_address = Area(64 * kMiB).low() + 32 * kMiB; /* mapped no longer */
  REQUIRE(protection_at(free_address).empty());
  CHECK(first.map(kMiB, kPrivate | MAP_FIXED, free_address) == static_cast<int64_t>(free_address));
  CHECK(slot_threadproc_at(slots.space(), free_address) == &first);
  CHECK(second.map(kMiB, kPrivate | MAP_FIXED, free_address) == -ENOMEM);
  CHECK(second.map(kMiB, kPrivate | MAP_FIXED_NOREPLACE, free_address) == -EEXIST);
  CHECK(second.map(2 * kMiB, kPrivate | MAP_FIXED, free_address - kMiB) == -ENOMEM);
  CHECK(protection_at(free_address - kMiB).empty());
  pointer(static_cast<int64_t>(free_address))[0] = 1;
  CHECK(first.map(kMiB, kPrivate | MAP_FIXED, free_address) == static_cast<int64_t>(free_address)); /* over its own */
  CHECK(pointer(static_cast<int64_t>(free_address))[0] == 0);
  first.release();
  CHECK(second.map(kMiB, kPrivate | MAP_FIXED, free_address) == static_cast<int64_t>(free_address));
}

TEST_CASE("a place without mappings in another's slot is not free") {
  const Slots slots;
  OwnedMemory first(slots), second(slots);
  const uint64_t low = second->slot.whole.low, high = second->slot.whole.high;
  for (const uint64_t address : {low, low + kGiB / 2, second->slot.usable.high, high - test_page()}) {
    CHECK(first.map(test_page(), kPrivate | MAP_FIXED, address) == -ENOMEM);
    CHECK(first.map(test_page(), kPrivate | MAP_FIXED_NOREPLACE, address) == -EEXIST);
  }
}

TEST_CASE("a free address among the slots, in a free one, can be had like any other") {
  const Slots slots;
  OwnedMemory memory(slots);
  const uint64_t size = range_size(memory->slot.whole);
  const uint64_t above = memory->slot.whole.high + size, below = memory->slot.whole.low - size;
  const uint64_t address = above < slot_space_range(slots.space()).high ? above : below;
  REQUIRE(slot_threadproc_at(slots.space(), address) == nullptr);
  CHECK(memory.map(kMiB, kPrivate | MAP_FIXED_NOREPLACE, address) == static_cast<int64_t>(address));
  CHECK(slot_threadproc_at(slots.space(), address) == &memory);
  CHECK(memory.map(size + kMiB, kPrivate | MAP_FIXED, memory->slot.whole.low - size) == -ENOMEM); /* into its own */
  for (int i = 0; i < 5; i++) { /* the place is not given away with it */
    OwnedMemory other(slots);
    CHECK_FALSE(range_contains(other->slot.whole, address));
  }
  memory.release();
  CHECK(protection_at(address).empty());
  CHECK(slot_threadproc_at(slots.space(), address) == nullptr);
}

TEST_CASE("the empty end of the own slot is the own, for who asks for it by address") {
  const Slots slots;
  OwnedMemory memory(slots);
  const uint64_t address = memory->slot.usable.high - kMiB;
  CHECK(memory.map(4 * kMiB, kPrivate | MAP_FIXED_NOREPLACE, address) == static_cast<int64_t>(address));
  CHECK(memory_owns(memory.get(), {address + 2 * kMiB, address + 3 * kMiB}));
  CHECK(memory_unmap(memory.get(), address, 4 * kMiB) == 0);
}

TEST_CASE("where nothing is mapped there is nothing to be harmed: the kernel's answers") {
  const Slots slots;
  OwnedMemory memory(slots);
  const uint64_t hole = Area(64 * kMiB).low() + 32 * kMiB;
  REQUIRE(protection_at(hole).empty());
  CHECK(memory_is_hole(memory.get(), {hole, hole + kMiB}));
  CHECK(memory_unmap(memory.get(), hole, kMiB) == 0);
  CHECK_FALSE(memory_is_hole(memory.get(), {plain(memory.map(kMiB)), memory->slot.usable.high}));
}

TEST_CASE("a neighbour and the host cannot be harmed") {
  const Slots slots;
  OwnedMemory memory(slots), other(slots);
  Neighbour host;
  attack(memory, host.low(), host.size());
  attack(memory, host.low() + test_page(), test_page());
  CHECK(host.unharmed());

  const int64_t place = other.map(64 * test_page());
  REQUIRE(other.in_slot(place));
  REQUIRE(memory_unmap(other.get(), plain(place), 64 * test_page()) == 0);
  Neighbour in_slot(64 * test_page(), pointer(place));
  attack(memory, in_slot.low(), in_slot.size());
  attack(memory, other->slot.whole.low, range_size(other->slot.whole));
  for (const uint64_t edge : {memory->slot.whole.low, memory->slot.whole.high}) /* also into its own */
    CHECK(memory.map(2 * test_page(), kPrivate | MAP_FIXED, edge - test_page()) == -ENOMEM);
  CHECK(in_slot.unharmed());
}

TEST_CASE("the break: grows, shrinks, comes back zeroed, stops at its ends") {
  const Slots slots;
  OwnedMemory memory(slots);
  const address_range heap = memory->heap;
  CHECK(memory_break(memory.get(), 0) == static_cast<int64_t>(heap.low));
  CHECK(memory_break(memory.get(), heap.low - 1) == static_cast<int64_t>(heap.low));
  CHECK(memory_break(memory.get(), heap.high + 1) == static_cast<int64_t>(heap.low));
  uint64_t seed = 1;
  for (int i = 0; i < 300; i++) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    const uint64_t before = memory->program_break, wanted = heap.low + (seed >> 33) % (range_size(heap) + 1);
    REQUIRE(memory_break(memory.get(), wanted) == static_cast<int64_t>(wanted));
    CHECK(memory_break(memory.get(), 0) == static_cast<int64_t>(wanted));
    if (wanted > before) {
      const uint64_t fresh = (before + test_page() - 1) / test_page() * test_page();
      bool zero = true;
      for (uint64_t at = fresh; at < wanted; at += 512) zero = zero && pointer(static_cast<int64_t>(at))[0] == 0;
      CHECK(zero);
      std::memset(pointer(static_cast<int64_t>(before)), 0x5a, wanted - before);
    }
  }
  CHECK(memory_break(memory.get(), heap.low) == static_cast<int64_t>(heap.low));
  CHECK(protection_at(heap.low).empty());
}

TEST_CASE("the break: protected pages come back accessible") {
  const Slots slots;
  OwnedMemory memory(slots);
  const uint64_t low = memory->heap.low, size = range_size(memory->heap);
  REQUIRE(memory_break(memory.get(), low + size) == static_cast<int64_t>(low + size));
  REQUIRE(mprotect(pointer(static_cast<int64_t>(low)), size, PROT_NONE) == 0);
  CHECK(memory_break(memory.get(), low) == static_cast<int64_t>(low));
  REQUIRE(memory_break(memory.get(), low + size) == static_cast<int64_t>(low + size));
  CHECK(protection_at(low) == "rw-p");
  CHECK(protection_at(low + size - test_page()) == "rw-p");
}

TEST_CASE("the break: stops where something has been mapped") {
  const Slots slots;
  OwnedMemory memory(slots);
  const uint64_t low = memory->heap.low;
  Neighbour own(test_page(), pointer(static_cast<int64_t>(low + test_page())));
  CHECK(memory_break(memory.get(), low + test_page()) == static_cast<int64_t>(low + test_page()));
  CHECK(memory_break(memory.get(), low + 2 * test_page()) == static_cast<int64_t>(low + test_page()));
  CHECK(memory_break(memory.get(), low + 1) == static_cast<int64_t>(low + 1));
  CHECK(own.unharmed());
}

// Another thread that maps and unmaps all the time.
class Busy {
 public:
  explicit Busy(OwnedMemory &memory)
      : thread_([this, &memory] {
          while (!stop_) {
            const int64_t got = memory.map(test_page());
            memory_unmap(memory.get(), plain(got), test_page());
            calls++;
          }
        }) {
    while (calls == 0) std::this_thread::yield();
  }
  ~Busy() {
    stop_ = true;
    thread_.join();
  }
  Busy(const Busy &) = delete;
  Busy &operator=(const Busy &) = delete;
  std::atomic<uint64_t> calls{0};

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// All mappings that a visit gives, and how often another thread had its turn between the first and the last.
struct Visit {
  std::vector<address_range> found;
  const Busy *other;
  uint64_t first, last;
};

bool note_range(const mapping *each, void *context) {
  auto *visit = static_cast<Visit *>(context);
  visit->last = visit->other != nullptr ? visit->other->calls.load() : 0;
  if (visit->found.empty()) visit->first = visit->last;
  visit->found.push_back(each->range);
  return true;
}

TEST_CASE("a visit gives each mapping once, in order, and lets others get at the memory in between") {
  for (const bool reads : {false, true}) {
    Slots slots;
    if (reads) slots.read_maps();
    OwnedMemory memory(slots);
    const int pieces = reads ? 20 : 10000;
    const int64_t whole = memory.map(2ul * pieces * test_page());
    for (int i = 0; i < pieces; i++)
      REQUIRE(mprotect(pointer(whole) + 2 * i * test_page(), test_page(), PROT_READ) == 0);
    std::vector<uint64_t> outside;
    const uint64_t area = Area(128 * kMiB).low(); /* not beside what is around it */
    for (uint64_t i = 5; i < 8; i++) outside.push_back(area + i * 8 * kMiB);
    for (const uint64_t at : outside) REQUIRE(memory.map(test_page(), kPrivate | MAP_FIXED, at) > 0);
    Visit visit{};
    {
      const Busy busy(memory);
      visit.other = &busy;
      memory_visit(memory.get(), note_range, &visit);
    }
    if (slots.view()->can_query) CHECK(visit.last - visit.first >= 2); /* one may have been under way */
    REQUIRE(visit.found.size() >= 3 + 2ul * pieces);
    for (size_t i = 0; i < 3; i++) CHECK(visit.found[i].low == outside[i]);
    for (size_t i = 4; i < visit.found.size(); i++) REQUIRE(visit.found[i].low >= visit.found[i - 1].high);
    memory.release();
    Visit nothing{};
    memory_visit(memory.get(), note_range, &nothing);
    CHECK(nothing.found.empty());
  }
}

TEST_CASE("mremap: in place, moved, with a new address, of what lies outside") {
  const Slots slots;
  OwnedMemory memory(slots);
  const int64_t small = memory.map(4 * test_page());
  std::strcpy(pointer(small), "content");
  const int64_t below = memory.map(4 * test_page()); /* so that there is something above it */
  std::memset(pointer(below), 2, 4 * test_page());
  CHECK(memory_remap(memory.get(), plain(below), 4 * test_page(), 64 * test_page(), 0, 0) == -ENOMEM);
  const int64_t moved = memory_remap(memory.get(), plain(below), 4 * test_page(), 64 * test_page(), MREMAP_MAYMOVE, 0);
  REQUIRE(memory.in_slot(moved));
  CHECK(pointer(moved)[5] == 2);
  CHECK(protection_at(plain(below)).empty());
  CHECK(memory_remap(memory.get(), plain(moved), 64 * test_page(), 8 * test_page(), 0, 0) == moved);
  CHECK(protection_at(plain(moved) + 8 * test_page()).empty());

  const int64_t target = memory.map(4 * test_page());
  CHECK(memory_remap(memory.get(), plain(small), 4 * test_page(), 4 * test_page(), MREMAP_MAYMOVE | MREMAP_FIXED,
                     plain(target)) == target);
  CHECK(std::string(pointer(target)) == "content");

  const uint64_t outside = Area(64 * kMiB).low() + 32 * kMiB; /* free, and of the program's choice */
  CHECK(memory_remap(memory.get(), plain(target), 4 * test_page(), 4 * test_page(), MREMAP_MAYMOVE | MREMAP_FIXED,
                     outside) == static_cast<int64_t>(outside));
  CHECK(std::string(pointer(static_cast<int64_t>(outside))) == "content");
  CHECK(slot_threadproc_at(slots.space(), outside) == &memory);
  CHECK(memory_remap(memory.get(), outside, 4 * test_page(), 4 * test_page(), MREMAP_FIXED, outside + kMiB) == -EINVAL);
  CHECK(protection_at(outside + kMiB).empty());
  CHECK(slot_threadproc_at(slots.space(), outside + kMiB) == nullptr);
  CHECK(memory_remap(memory.get(), outside, 4 * test_page(), 4 * test_page(), MREMAP_MAYMOVE | MREMAP_FIXED,
                     outside + 1) == -EINVAL);
}

TEST_CASE("what the host has reserved is taken, though nothing can be accessed there yet") {
  const Slots slots;
  OwnedMemory memory(slots);
  const uint64_t size = 64 * kMiB;
  void *reserved = mmap(nullptr, size, PROT_NONE, kPrivate | MAP_NORESERVE, -1, 0);
  REQUIRE(reserved != MAP_FAILED);
  const uint64_t low = reinterpret_cast<uint64_t>(reserved);
  for (const uint64_t at : {low, low + 32 * kMiB, low + size - test_page()}) {
    CHECK(memory.map(test_page(), kPrivate | MAP_FIXED, at) == -ENOMEM);
    CHECK(memory.map(test_page(), kPrivate | MAP_FIXED_NOREPLACE, at) == -EEXIST);
    CHECK(memory_unmap(memory.get(), at, test_page()) == -EPERM);
    CHECK(protection_at(at) == "---p");
  }
  CHECK(munmap(reserved, size) == 0);
}

TEST_CASE("mremap: what locked memory grows by is locked, and not filled") {
  const Slots slots;
  OwnedMemory memory(slots);
  const uint64_t page = test_page();
  const int64_t locked = memory.map(4 * page);
  if (syscall(SYS_mlock, pointer(locked), 4 * page) != 0) { /* AddressSanitizer's mlock does nothing */
    MESSAGE("not tested: this process may not lock memory");
    return;
  }
  const int64_t moved = memory_remap(memory.get(), plain(locked), 4 * page, 16 * page, MREMAP_MAYMOVE, 0);
  REQUIRE(moved > 0);
  CHECK(resident(moved, 4 * page));
  CHECK_FALSE(resident(moved + static_cast<int64_t>(4 * page), 12 * page));
  CHECK(madvise(pointer(moved), 16 * page, MADV_DONTNEED) == -1); /* all of it is locked */
  CHECK(memory_remap(memory.get(), plain(moved), 16 * page, 2 * page, 0, 0) == moved);
}

TEST_CASE("mremap: what is not locked stays so, and two mappings stay two") {
  const Slots slots;
  OwnedMemory memory(slots);
  const uint64_t page = test_page();
  const int64_t own = memory.map(2 * page);
  CHECK(memory_is_one_mapping(memory.get(), {plain(own), plain(own) + 2 * page}));
  CHECK_FALSE(memory_is_one_mapping(memory.get(), {plain(own), plain(own) + 2 * page + kMiB}));
  REQUIRE(mprotect(pointer(own), page, PROT_READ) == 0);
  CHECK_FALSE(memory_is_one_mapping(memory.get(), {plain(own), plain(own) + 2 * page}));
  if (syscall(SYS_mlock, pointer(own) + page, page) != 0) return;
  CHECK(memory_remap(memory.get(), plain(own), 2 * page, 8 * page, MREMAP_MAYMOVE, 0) == -EFAULT);
  CHECK(madvise(pointer(own), page, MADV_DONTNEED) == 0);
}

TEST_CASE("mremap: what goes of much is unmapped in pieces, and where nothing is, nothing goes") {
  const Slots slots;
  OwnedMemory memory(slots);
  const uint64_t page = test_page();
  const int64_t own = memory.map(16 * kMiB);
  address_range gone{};
  REQUIRE(memory_begin_shrink(memory.get(), plain(own), 16 * kMiB, page, &gone));
  CHECK(gone.low % (2 * kMiB) == 0);
  CHECK(gone.low - plain(own) <= 2 * kMiB + page);
  CHECK(gone.high == plain(own) + 16 * kMiB);
  CHECK(memory_end_unmap(memory.get(), gone) == 0);
  CHECK(protection_at(gone.low).empty());
  CHECK(memory_remap(memory.get(), plain(own), gone.low - plain(own), page, 0, 0) == own);
  CHECK(protection_at(plain(own)) == "rw-p");
  CHECK(protection_at(plain(own) + page).empty());
  CHECK_FALSE(memory_begin_shrink(memory.get(), plain(own) + page, 16 * kMiB, page, &gone));
  CHECK_FALSE(memory_begin_shrink(memory.get(), plain(own) + 1, 16 * kMiB, page, &gone));
  const Neighbour neighbour;
  CHECK_FALSE(memory_begin_shrink(memory.get(), neighbour.low(), neighbour.size(), page, &gone));
  CHECK(neighbour.unharmed());
}

TEST_CASE("mremap: a block that has outgrown the slot goes on growing elsewhere, and is returned") {
  const Slots slots(64 * kMiB);
  OwnedMemory memory(slots);
  int64_t block = memory.map(kMiB);
  REQUIRE(memory.in_slot(block));
  pointer(block)[17] = 42;
  std::set<uint64_t> places;
  for (uint64_t size = kMiB; size < 256 * kMiB; size *= 2) {
    const int64_t next = memory_remap(memory.get(), plain(block), size, 2 * size, MREMAP_MAYMOVE, 0);
    REQUIRE(next > 0);
    CHECK(pointer(next)[17] == 42);
    CHECK(memory_owns(memory.get(), {plain(next), plain(next) + 2 * size}));
    if (next != block) CHECK_FALSE(memory_external_covers(memory.get(), {plain(block), plain(block) + size}));
    places.insert(plain(next));
    block = next;
  }
  CHECK_FALSE(memory.in_slot(block));
  CHECK(memory_remap(memory.get(), plain(block), 256 * kMiB, kMiB, 0, 0) == block); /* shrinks where it is */
  CHECK_FALSE(memory_owns(memory.get(), {plain(block), plain(block) + 2 * kMiB}));
  const int64_t back = memory_remap(memory.get(), plain(block), kMiB, 2 * kMiB, MREMAP_MAYMOVE, 0);
  CHECK(memory.in_slot(back));
  CHECK(pointer(back)[17] == 42);
  CHECK(memory->owner.external.count == 0);
  memory.release();
  for (const uint64_t each : places) CHECK(protection_at(each).empty());
}

TEST_CASE("mremap that fails leaves everything as it was") {
  const Slots slots;
  OwnedMemory memory(slots);
  CHECK(memory_remap(memory.get(), memory->slot.usable.high - kMiB, test_page(), kMiB, MREMAP_MAYMOVE, 0) == -EFAULT);
  for (const Mapping &each : mappings()) CHECK_FALSE(range_contains(memory->slot.usable, each.low)); /* no kept place */
}

TEST_CASE("System V shared memory is attached in the slot, and two attach the same") {
  const Slots slots;
  OwnedMemory first(slots), second(slots);
  const int id = shmget(IPC_PRIVATE, 3 * test_page(), IPC_CREAT | 0600);
  if (id < 0) {
    MESSAGE("not tested: no System V shared memory here");
    return;
  }
  const segment whole{id, 3 * test_page()}, none{-1, test_page()};
  const int64_t one = memory_attach(first.get(), &whole, 0, 0),
                two = memory_attach(second.get(), &whole, 0, SHM_RDONLY);
  shmctl(id, IPC_RMID, nullptr);
  REQUIRE(first.in_slot(one));
  REQUIRE(second.in_slot(two));
  pointer(one)[7] = 'x';
  CHECK(pointer(two)[7] == 'x');
  CHECK(memory_attach(second.get(), &none, 0, 0) == -EINVAL);
  CHECK(memory_attach(second.get(), &whole, 0, SHM_REMAP) == -EINVAL);
  CHECK(memory_attach(second.get(), &whole, first->slot.usable.low, 0) == -EINVAL);
}

TEST_CASE("System V shared memory that is not attached over a mapping leaves it as it was") {
  const Slots slots;
  OwnedMemory memory(slots);
  const int64_t place = memory.map(2 * test_page());
  std::memset(pointer(place), 7, 2 * test_page());
  const segment none{-1, test_page()};
  CHECK(memory_attach(memory.get(), &none, plain(place), SHM_REMAP) == -EINVAL);
  CHECK(protection_at(plain(place)) == "rw-p");
  CHECK(pointer(place)[3] == 7);
}

TEST_CASE("MAP_POPULATE is left to the caller, whatever the size") {
  const Slots slots;
  OwnedMemory memory(slots);
  const int64_t got = memory.map(64 * test_page(), kPrivate | MAP_POPULATE);
  CHECK_FALSE(resident(got, 64 * test_page()));
}

namespace {

// Huge pages that are only reserved can be had where there are none, so this runs anywhere but on a kernel without.
constexpr int kHuge = kPrivate | MAP_HUGETLB | MAP_NORESERVE;

uint64_t huge_page() {
  const uint64_t size = memory_default_huge_page();
  void *native = mmap(nullptr, size, PROT_NONE, kHuge, -1, 0);
  if (native == MAP_FAILED) return 0;
  munmap(native, size);
  return size;
}

size_t of_huge_pages() {
  size_t count = 0;
  for (const Mapping &each : mappings()) count += each.name.find("hugepage") != std::string::npos;
  return count;
}

}  // namespace

TEST_CASE("huge pages are returned as a whole, however their length was given") {
  const uint64_t huge = huge_page();
  if (huge == 0) {
    MESSAGE("not tested: no huge pages here");
    return;
  }
  const Slots slots;
  OwnedMemory memory(slots);
  const uint64_t large = align_up(range_size(memory->slot.whole), huge);
  CHECK(memory.map(huge + test_page(), kHuge, 0, -1, PROT_NONE) > 0);
  CHECK(memory.map(large + test_page(), kHuge, 0, -1, PROT_NONE) > 0);
#ifdef MAP_32BIT
  CHECK(memory.map(huge + test_page(), kHuge | MAP_32BIT, 0, -1, PROT_NONE) > 0);
#endif
  const int64_t shrunk = memory.map(large, kHuge, 0, -1, PROT_NONE);
  REQUIRE(shrunk > 0);
  CHECK(memory_remap(memory.get(), plain(shrunk), large, large - 2 * huge + test_page(), 0, 0) == shrunk);
  CHECK(memory_owns(memory.get(), {plain(shrunk), plain(shrunk) + large - huge}));
  CHECK_FALSE(memory_owns(memory.get(), {plain(shrunk), plain(shrunk) + large}));
  CHECK(protection_at(plain(shrunk) + large - huge).empty());
  memory.release();
  CHECK(of_huge_pages() == 0);
}

TEST_CASE("a file of huge pages is mapped in the slot, also less than one page of it") {
  const int file = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
  const uint64_t huge = memory_default_huge_page();
  if (file < 0 || ftruncate(file, static_cast<off_t>(2 * huge)) != 0) {
    MESSAGE("not tested: no huge pages here");
    return;
  }
  const Slots slots;
  OwnedMemory memory(slots);
  for (const uint64_t size : {test_page(), huge / 2, 2 * huge}) {
    const int64_t got = memory.map(size, MAP_SHARED | MAP_NORESERVE, 0, file, PROT_NONE);
    CHECK(memory.in_slot(got));
    CHECK(plain(got) % huge == 0);
  }
  close(file);
}

TEST_CASE("what grows down does not grow outside the slot, into what is not the program's") {
  in_own_process([] {
    const Slots slots;
    OwnedMemory memory(slots);
    const uint64_t address = Area(64 * kMiB).low() + 32 * kMiB;
    EXPECT_EQUAL(memory.map(test_page(), kPrivate | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, address),
                 static_cast<int64_t>(address));
    int fault[2];
    EXPECT_EQUAL(pipe(fault), 0);
    char *below = pointer(static_cast<int64_t>(address)) - test_page();
    EXPECT(read(fault[0], below, 0) == 0 && write(fault[1], "x", 1) == 1);
    EXPECT(read(fault[0], below, 1) == -1 && errno == EFAULT);
    memory.release();
    EXPECT(protection_at(address).empty());
  });
}

TEST_CASE("contexts of asynchronous I/O go with the memory, and are nobody else's") {
  const auto rings = [] {
    size_t count = 0;
    for (const Mapping &each : mappings()) count += each.name.find("[aio]") != std::string::npos;
    return count;
  };
  const Slots slots;
  OwnedMemory memory(slots), other(slots);
  const size_t before = rings();
  uint64_t first = 0, second = 0;
  const int failed = memory_open_aio(memory.get(), 16, &first);
  if (failed != 0) {
    MESSAGE("not tested: no asynchronous I/O here, errno ", -failed);
    return;
  }
  REQUIRE(memory_open_aio(memory.get(), 16, &second) == 0);
  CHECK(memory_open_aio(memory.get(), 0, &second) == -EINVAL);
  CHECK(rings() == before + 2);
  CHECK_FALSE(memory_forget_aio(other.get(), first));
  CHECK(memory_forget_aio(memory.get(), first));
  CHECK_FALSE(memory_forget_aio(memory.get(), first));
  CHECK(syscall(SYS_io_destroy, first) == 0);
  memory.release();
  CHECK(rings() == before);
}

TEST_CASE("what is unmapped in pieces is nobody's meanwhile, and the release waits for it") {
  const Slots slots;
  OwnedMemory memory(slots);
  const uint64_t size = range_size(memory->slot.whole), page = test_page();
  const int64_t large = memory.map(size, kPrivate | MAP_NORESERVE);
  REQUIRE(large > 0);
  address_range range{};
  CHECK(memory_begin_unmap(memory.get(), plain(large) + 1, size, &range) == -EINVAL);
  CHECK(memory_begin_unmap(memory.get(), reinterpret_cast<uint64_t>(&range) / page * page, page, &range) == -EPERM);
  REQUIRE(memory_begin_unmap(memory.get(), plain(large), size, &range) == 1);
  CHECK_FALSE(memory_owns(memory.get(), range));
  CHECK(memory.map(page, kPrivate | MAP_FIXED, plain(large)) == -ENOMEM);
  std::thread releasing([&memory] { memory.release(); });
  CHECK(memory_end_unmap(memory.get(), range) == 0);
  releasing.join();
  CHECK(protection_at(plain(large)).empty());
  CHECK(protection_at(plain(large) + size - page).empty());
}

TEST_CASE("what is released stays so") {
  const Slots slots;
  OwnedMemory memory(slots);
  const address_range whole = memory->slot.whole;
  memory.map(kMiB);
  memory_break(memory.get(), memory->heap.high);
  memory.release();
  for (const Mapping &each : mappings()) CHECK_FALSE(ranges_overlap(whole, {each.low, each.high}));
  CHECK(slot_threadproc_at(slots.space(), whole.low) == nullptr);
}

TEST_CASE("a release while threads map: nothing is left and nothing comes later") {
  for (int round = 0; round < 20; round++) {
    const Slots slots;
    memory owned{};
    tproc_error error{};
    REQUIRE(memory_open(&owned, slots.space(), slots.view(), &owned, &error) == 0);
    const uint64_t low = owned.slot.usable.low;
    memory_divide(&owned, {low, low + kMiB}, {low + kGiB / 4, low + kGiB / 2},
                  {low + kGiB / 2, owned.slot.usable.high});
    const address_range whole = owned.slot.whole;
    std::atomic<bool> stop{false};
    std::atomic<unsigned> running{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; i++)
      threads.emplace_back([&] {
        const map_request request{0, 16 * test_page(), PROT_READ | PROT_WRITE, kPrivate, -1, 0, 0};
        while (!stop) {
          memory_map(&owned, &request);
          memory_break(&owned, low + kMiB);
          memory_break(&owned, low);
          running++;
        }
      });
    while (running < 10) std::this_thread::yield();
    pthread_mutex_lock(&owned.lock); /* as memory_release does, but the lock has to outlive the threads here */
    owned.released = true;
    memory_release_external(&owned);
    slot_release(slots.space(), &owned.slot);
    pthread_mutex_unlock(&owned.lock);
    stop = true;
    for (std::thread &each : threads) each.join();
    for (const Mapping &each : mappings()) CHECK_FALSE(ranges_overlap(whole, {each.low, each.high}));
    pthread_mutex_destroy(&owned.lock);
  }
}

TEST_CASE("nothing is mapped where null pointers point") {
  const Slots slots;
  OwnedMemory memory(slots);
  for (const uint64_t address : {uint64_t{0}, test_page(), uint64_t{(64 << 10) - 1} / test_page() * test_page()}) {
    CHECK(memory.map(test_page(), kPrivate | MAP_FIXED, address) == -EPERM);
    CHECK(memory.map(test_page(), kPrivate | MAP_FIXED_NOREPLACE, address) == -EPERM);
  }
}

TEST_CASE("nothing is mapped directly beside what is another's, nor where the first thread's stack grows") {
  for (const bool reading : {false, true}) {
    CAPTURE(reading);
    Slots slots;
    if (reading) slots.read_maps();
    OwnedMemory memory(slots), second(slots);
    const uint64_t page = test_page(), gap = 256 * page;
    const uint64_t middle = Area(16 * gap).low() + 8 * gap; /* mapped no longer */
    auto refused = [&](OwnedMemory &whose, uint64_t address) {
      return whose.map(page, kPrivate | MAP_FIXED, address) == -ENOMEM &&
             whose.map(page, kPrivate | MAP_FIXED_NOREPLACE, address) == -EEXIST;
    };
    const Neighbour neighbour(page, pointer(static_cast<int64_t>(middle)));
    CHECK(refused(memory, middle - page));
    CHECK(refused(memory, middle + page));
    CHECK(refused(memory, middle - gap));
    CHECK(refused(memory, middle + gap));
    const int64_t own = memory.map(page);
    REQUIRE(own > 0);
    CHECK(memory_remap(memory.get(), plain(own), page, page, MREMAP_MAYMOVE | MREMAP_FIXED, middle + page) == -ENOMEM);
    const uint64_t far = middle + page + gap;
    CHECK(memory.map(page, kPrivate | MAP_FIXED_NOREPLACE, far) == static_cast<int64_t>(far));
    CHECK(memory.map(page, kPrivate | MAP_FIXED, far + page) == static_cast<int64_t>(far + page)); /* its own */
    CHECK(refused(second, far + 2 * page));
    CHECK(neighbour.unharmed());

    const uint64_t stack = getauxval(AT_RANDOM) / page * page;
    rlimit limit{};
    REQUIRE(getrlimit(RLIMIT_STACK, &limit) == 0);
    if (limit.rlim_cur >= 4 * gap && limit.rlim_cur < kGiB) CHECK(refused(memory, stack - limit.rlim_cur / 2));
  }
}

TEST_CASE("a limit refuses nothing that is within it, however often memory comes and goes") {
  in_own_process([] {
    for (const bool can_query : {true, false}) {
      Slots slots;
      if (!can_query) slots.read_maps();
      OwnedMemory memory(slots);
      const int64_t many = memory.map(8000 * test_page());
      for (uint64_t i = 0; i < 8000; i += 2)
        EXPECT_EQUAL(
            mprotect(reinterpret_cast<void *>(many + static_cast<int64_t>(i * test_page())), test_page(), PROT_READ),
            0);
      const tproc_limit limit{1ull << 30, 1ull << 30};
      EXPECT_EQUAL(memory_set_limit(memory.get(), RLIMIT_AS, &limit, false), 0);
      unsigned refused = 0;
      for (int i = 0; i < 200; i++) {
        const int64_t got = memory.map(100ull << 20, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
        if (got < 0)
          refused++;
        else
          munmap(reinterpret_cast<void *>(got), 100ull << 20); /* as the program does, without a question */
      }
      EXPECT_EQUAL(refused, 0u);
      memory->limits.not_before = 0;
      EXPECT_EQUAL(memory.map(2ull << 30, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE), -ENOMEM);
    }
  });
}

TEST_CASE("mremap to more than there are addresses says what the kernel says") {
  in_own_process([] {
    const Slots slots;
    OwnedMemory memory(slots);
    const int64_t old = memory.map(test_page());
    const uint64_t more = 1ull << (slots.space()->slot_size > (1ull << 34) ? 48 : 47);
    const Area native(test_page());
    errno = 0;
    mremap(reinterpret_cast<void *>(native.low()), test_page(), more, MREMAP_MAYMOVE);
    EXPECT_EQUAL(memory_remap(memory.get(), static_cast<uint64_t>(old), test_page(), more, MREMAP_MAYMOVE, 0), -errno);
  });
}

TEST_CASE("what the kernel would put into a slot is refused") {
  in_own_process([] {
    Slots slots;
    OwnedMemory memory(slots);
    slot_owner other{};
    const uint64_t size = 64ull << 20;
    void *probe = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    munmap(probe, size);
    slot_space *space = slots.space();
    const uint64_t first = space->first, places = space->places;
    slot_owner *owners[2] = {space->owners[0], space->owners[1]};
    space->first = reinterpret_cast<uint64_t>(probe) / space->slot_size * space->slot_size;
    space->places = 2;
    space->owners[0] = space->owners[1] = &other;
    const map_request request{0, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, 0};
    EXPECT_EQUAL(memory_map_where_kernel_likes(memory.get(), &request), -ENOMEM);
    EXPECT_EQUAL(protection_at(reinterpret_cast<uint64_t>(probe)), std::string());
    space->first = first;
    space->places = places;
    space->owners[0] = owners[0];
    space->owners[1] = owners[1];
  });
}

TEST_SUITE_END();
