#include <doctest/doctest.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "support/elf_builder.h"
#include "support/memory_file.h"
#include "support/proc_maps.h"

extern "C" {
#include "base/page.h"
#include "loader/image.h"
}

namespace {

constexpr uint64_t kLargestImage = 1ull << 32;

/* Reads a file and maps it into an area of its own, with room for its alignment. */
struct Mapped {
  MemoryFile file;
  elf_file elf{};
  image mapped{};
  tproc_error error{};
  int result = -1;

  explicit Mapped(const ElfBuilder &builder) : file(builder.bytes()) {
    tproc_error reading{};
    const int failed = elf_file_read(file.descriptor(), file.size(), kLargestImage, &elf, &reading);
    INFO(reading.message);
    REQUIRE(failed == 0);
  }
  ~Mapped() { elf_file_release(&elf); }
  Mapped(const Mapped &) = delete;
  Mapped &operator=(const Mapped &) = delete;

  void map(const Area &area, bool guard_branches = false) {
    const uint64_t bias = align_up(area.low(), elf.alignment) - align_down(elf.low, elf.alignment);
    result = image_map(file.descriptor(), &elf, bias, guard_branches, &mapped, &error);
  }
  const char *at(uint64_t address) const { return reinterpret_cast<const char *>(mapped.load_bias + address); }
  std::string message() const { return error.message; }
};

uint64_t room() { return 64 * test_page() + (8u << 20); }

bool is_zero(const char *from, uint64_t count) {
  for (uint64_t i = 0; i < count; i++)
    if (from[i] != 0) return false;
  return true;
}

}  // namespace

TEST_SUITE_BEGIN("image");

TEST_CASE("addresses are moved by the load bias") {
  ElfBuilder builder = ElfBuilder::one_segment();
  Mapped image_file(builder);
  Area area(room());
  image_file.map(area);
  REQUIRE(image_file.result == 0);
  CHECK(image_file.mapped.load_bias == area.low());
  CHECK(image_file.mapped.low == area.low());
  CHECK(image_file.mapped.high == area.low() + test_page());
  CHECK(image_file.mapped.entry == area.low() + 0x200);
  CHECK(image_file.mapped.program_headers == area.low() + sizeof(Elf64_Ehdr));
  CHECK(std::memcmp(image_file.at(0), ELFMAG, SELFMAG) == 0);
}

TEST_CASE("program headers that no segment holds have the load bias for an address, as from the kernel") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.headers_at = builder.header.e_phoff = 2 * test_page();
  Mapped image_file(builder);
  Area area(room());
  image_file.map(area);
  REQUIRE(image_file.result == 0);
  CHECK(image_file.mapped.program_headers == image_file.mapped.load_bias);
}

TEST_CASE("a program for fixed addresses is mapped where it says") {
  Area area(room());
  ElfBuilder builder;
  builder.load(0, area.low() + test_page(), test_page(), test_page(), PF_R | PF_X);
  builder.header.e_type = ET_EXEC;
  builder.header.e_entry = area.low() + test_page() + 0x100;
  builder.size = test_page();
  Mapped image_file(builder);
  image_file.result = image_map(image_file.file.descriptor(), &image_file.elf, 0, false, &image_file.mapped, nullptr);
  REQUIRE(image_file.result == 0);
  CHECK(image_file.mapped.entry == area.low() + test_page() + 0x100);
  CHECK(std::memcmp(image_file.at(area.low() + test_page()), ELFMAG, SELFMAG) == 0);
}

TEST_CASE("what follows a segment's file part is zero, whatever the file has there") {
  const uint64_t page = test_page();
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.load(page + 0x80, 4 * page + 0x80, 0x20, 3 * page, PF_R | PF_W);
  builder.size = 3 * page;
  builder.put(page, std::string(2 * page, 'f'));
  Mapped image_file(builder);
  Area area(room());
  image_file.map(area);
  REQUIRE(image_file.result == 0);
  CHECK(std::string(image_file.at(4 * page + 0x80), 0x20) == std::string(0x20, 'f'));
  CHECK(is_zero(image_file.at(4 * page + 0xa0), 7 * page + 0x80 - (4 * page + 0xa0)));
}

TEST_CASE("the rest of a file part's last page is left as it is where it cannot be written, as by the kernel") {
  const uint64_t page = test_page();
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.load(page, 4 * page, 0x20, 3 * page, PF_R);
  builder.size = 3 * page;
  builder.put(page, std::string(2 * page, 'f'));
  Mapped image_file(builder);
  Area area(room());
  image_file.map(area);
  REQUIRE(image_file.result == 0);
  CHECK(std::string(image_file.at(4 * page), page) == std::string(page, 'f'));
  CHECK(is_zero(image_file.at(5 * page), 2 * page));
}

TEST_CASE("file parts and zeroes of every length") {
  const uint64_t page = test_page();
  for (uint64_t start : {uint64_t{0}, uint64_t{8}, page - 1}) {
    for (uint64_t file_size : {uint64_t{0}, uint64_t{1}, page - 1, page, page + 1, 2 * page, 3 * page - 1}) {
      for (uint64_t more : {uint64_t{0}, uint64_t{1}, page - 1, page, 2 * page + 3}) {
        if (file_size + more == 0) continue;
        CAPTURE(start);
        CAPTURE(file_size);
        CAPTURE(more);
        ElfBuilder builder = ElfBuilder::one_segment();
        builder.load(page + start, 8 * page + start, file_size, file_size + more, PF_R | PF_W);
        builder.size = 6 * page;
        builder.put(page, std::string(5 * page, 'f'));
        Mapped image_file(builder);
        Area area(room());
        image_file.map(area);
        REQUIRE(image_file.result == 0);
        REQUIRE(std::string(image_file.at(8 * page + start), file_size) == std::string(file_size, 'f'));
        REQUIRE(is_zero(image_file.at(8 * page + start + file_size), more));
        /* All of its pages, and none after them. */
        REQUIRE(protection_at(page_ceil(image_file.mapped.load_bias + 8 * page + start + file_size + more) - 1) ==
                "rw-p");
        REQUIRE(protection_at(page_ceil(image_file.mapped.load_bias + 8 * page + start + file_size + more)) == "---p");
      }
    }
  }
}

TEST_CASE("each segment has its own protection, and whole pages of zeroes can be written, as from the kernel") {
  const uint64_t page = test_page();
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.load(page, page, page, page, PF_R);
  builder.load(2 * page, 2 * page, 0x10, 2 * page, PF_R | PF_W);
  builder.load(3 * page, 4 * page, 0x10, 2 * page, PF_R | PF_X);
  builder.load(3 * page, 6 * page, 0x10, 2 * page, PF_R);
  builder.load(3 * page, 8 * page, page, page, 0);
  builder.load(0, 9 * page, 0, page, PF_R);
  builder.size = 4 * page;
  Mapped image_file(builder);
  Area area(room());
  image_file.map(area);
  REQUIRE(image_file.result == 0);
  const char *const expected[] = {"r-xp", "r--p", "rw-p", "rw-p", "r-xp", "rwxp", "r--p", "rw-p", "---p", "rw-p"};
  for (uint64_t i = 0; i < 10; i++) {
    CAPTURE(i);
    CHECK(protection_at(area.low() + i * page) == expected[i]);
  }
}

TEST_CASE("gaps between segments stay inaccessible") {
  const uint64_t page = test_page();
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.load(0, 5 * page, page, page, PF_R);
  Mapped image_file(builder);
  Area area(room());
  image_file.map(area);
  REQUIRE(image_file.result == 0);
  for (uint64_t i = 1; i < 5; i++) CHECK(protection_at(area.low() + i * page) == "---p");
  CHECK(protection_at(area.low() + 6 * page) == "---p");
}

TEST_CASE("an alignment of 2 MiB") {
  const uint64_t alignment = 2u << 20;
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.segments[0].p_align = alignment;
  builder.load(0, alignment, test_page(), test_page(), PF_R | PF_W).p_align = alignment;
  Mapped image_file(builder);
  Area area(room());
  image_file.map(area);
  REQUIRE(image_file.result == 0);
  CHECK(image_file.mapped.load_bias % alignment == 0);
  CHECK(image_file.mapped.load_bias >= area.low());
  CHECK(image_file.mapped.high <= area.high());
}

TEST_CASE("writing to a segment does not change the file") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.load(0, test_page(), test_page(), test_page(), PF_R | PF_W);
  Mapped image_file(builder);
  Area area(room());
  image_file.map(area);
  REQUIRE(image_file.result == 0);
  *const_cast<char *>(image_file.at(test_page())) = 'X';
  char first = 0;
  REQUIRE(pread(image_file.file.descriptor(), &first, 1, 0) == 1);
  CHECK(first == ELFMAG[0]);
}

TEST_CASE("a file that shrinks between reading and mapping gives an error, never a fault") {
  const uint64_t page = test_page();
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.load(page, 4 * page, page + 0x20, 3 * page, PF_R | PF_W);
  builder.size = 3 * page;
  for (uint64_t left : {uint64_t{0}, page, 2 * page}) {
    Mapped image_file(builder);
    Area area(room());
    image_file.file.shrink_to(left);
    image_file.map(area);
    CHECK(image_file.result == -ENOEXEC);
    CHECK(image_file.message() == "read the end of a segment: the file is truncated (ENOEXEC)");
  }
}

TEST_CASE("a file that ends within a file part's last page has zeroes there") {
  const uint64_t page = test_page();
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.load(page, 4 * page, page + 0x20, 3 * page, PF_R | PF_W);
  builder.size = 2 * page + 0x10;
  builder.put(2 * page, std::string(0x10, 'f'));
  Mapped image_file(builder);
  Area area(room());
  image_file.map(area);
  REQUIRE(image_file.result == 0);
  CHECK(std::string(image_file.at(5 * page), 0x10) == std::string(0x10, 'f'));
  CHECK(is_zero(image_file.at(5 * page + 0x10), 2 * page - 0x10));
}

TEST_CASE("segments out of order, of which a later one covers an earlier one") {
  const uint64_t page = test_page();
  ElfBuilder builder;
  builder.load(page, 6 * page, 2 * page, 2 * page, PF_R);
  builder.load(0, 2 * page, page, page, PF_R | PF_X);
  builder.load(0x123, 7 * page + 8, 0, 0x10, PF_R | PF_W);
  builder.header.e_entry = 2 * page + 0x200;
  builder.size = 3 * page;
  builder.put(page, std::string(2 * page, 'f'));
  Mapped image_file(builder);
  Area area(room());
  image_file.map(area);
  REQUIRE(image_file.result == 0);
  CHECK(image_file.mapped.low == area.low());
  CHECK(image_file.mapped.high == area.low() + 6 * page);
  CHECK(std::memcmp(image_file.at(2 * page), ELFMAG, SELFMAG) == 0);
  CHECK(*image_file.at(6 * page) == 'f');
  CHECK(is_zero(image_file.at(7 * page), page));
}

TEST_CASE("a file that the kernel does not map") {
  ElfBuilder builder = ElfBuilder::one_segment();
  Mapped image_file(builder);
  Area area(room());
  const std::string path = "/proc/self/fd/" + std::to_string(image_file.file.descriptor());
  const int write_only = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(write_only >= 0);
  CHECK(image_map(write_only, &image_file.elf, area.low(), false, &image_file.mapped, &image_file.error) == -EACCES);
  close(write_only);
  char text[200];
  std::snprintf(text, sizeof text, "map a segment at %#llx-%#llx: Permission denied (EACCES)",
                static_cast<unsigned long long>(area.low()), static_cast<unsigned long long>(area.low() + test_page()));
  CHECK(image_file.message() == text);
}

TEST_CASE("a failure leaves the reservation to its owner") {
  const uint64_t page = test_page();
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.load(page, 4 * page, 0x20, 3 * page, PF_R | PF_W);
  builder.size = 3 * page;
  Mapped image_file(builder);
  Area area(room());
  image_file.file.shrink_to(page);
  image_file.map(area);
  REQUIRE(image_file.result != 0);
  for (uint64_t at = area.low(); at < area.high(); at += 16 * page) CHECK(protection_at(at) != "");
}

TEST_SUITE_END();
