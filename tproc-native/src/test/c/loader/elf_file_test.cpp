#include <doctest/doctest.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <string>

#include "support/elf_builder.h"
#include "support/memory_file.h"

extern "C" {
#include "base/page.h"
#include "loader/elf_file.h"
}

namespace {

constexpr uint64_t kLargestImage = 4ull << 30;

struct Reading {
  int result = 0;
  elf_file elf{};
  tproc_error error{};

  explicit Reading(const MemoryFile &file, uint64_t largest_image = kLargestImage) {
    result = elf_file_read(file.descriptor(), file.size(), largest_image, &elf, &error);
  }
  explicit Reading(const std::string &bytes) : Reading(MemoryFile(bytes)) {}
  explicit Reading(const ElfBuilder &builder) : Reading(builder.bytes()) {}
  ~Reading() { elf_file_release(&elf); }
  Reading(const Reading &) = delete;
  Reading &operator=(const Reading &) = delete;

  std::string message() const { return error.message; }
};

struct AsInterpreter {
  int result = 0;
  elf_file elf{};
  tproc_error error{};

  explicit AsInterpreter(const std::string &bytes) {
    MemoryFile file(bytes);
    result = elf_file_read_interpreter(file.descriptor(), file.size(), kLargestImage, &elf, &error);
  }
  ~AsInterpreter() { elf_file_release(&elf); }
  AsInterpreter(const AsInterpreter &) = delete;
  AsInterpreter &operator=(const AsInterpreter &) = delete;
};

// Refused as malformed, with exactly this message, and with nothing left to free.
void refused(const Reading &reading, const std::string &message, int code = ENOEXEC) {
  CHECK(reading.result == -code);
  CHECK(reading.error.code == code);
  CHECK(reading.message() == message);
  CHECK(reading.elf.segments == nullptr);
  CHECK(reading.elf.segment_count == 0);
}

std::string property_note(uint32_t type, uint32_t features, const std::string &owner = std::string("GNU\0", 4)) {
  std::string note;
  auto word = [&note](uint32_t value) { note.append(reinterpret_cast<const char *>(&value), 4); };
  word(4);
  word(16);
  word(5); /* NT_GNU_PROPERTY_TYPE_0 */
  note += owner;
  word(type);
  word(4);
  word(features);
  word(0);
  return note;
}

constexpr uint32_t kGnuProperty = 0x6474e553;
constexpr uint32_t kAarch64Features = 0xc0000000;

}  // namespace

TEST_SUITE_BEGIN("elf_file");

TEST_CASE("a minimal file is read completely") {
  Reading reading(ElfBuilder::one_segment());
  REQUIRE(reading.result == 0);
  CHECK(reading.elf.position_independent);
  CHECK(reading.elf.entry == 0x200);
  CHECK(reading.elf.low == 0);
  CHECK(reading.elf.high == test_page());
  CHECK(reading.elf.alignment == test_page());
  CHECK(reading.elf.program_headers == sizeof(Elf64_Ehdr));
  CHECK(reading.elf.program_header_count == 1);
  CHECK_FALSE(reading.elf.executable_stack);
  CHECK_FALSE(reading.elf.has_interpreter);
  CHECK_FALSE(reading.elf.branch_target_protection);
  REQUIRE(reading.elf.segment_count == 1);
  CHECK(reading.elf.segments[0].protection == (PROT_READ | PROT_EXEC));
}

TEST_CASE("a program for fixed addresses is told apart") {
  ElfBuilder builder;
  builder.load(0, 0x400000, test_page(), test_page(), PF_R | PF_X);
  builder.header.e_type = ET_EXEC;
  builder.header.e_entry = 0x400100;
  builder.size = test_page();
  Reading reading(builder);
  REQUIRE(reading.result == 0);
  CHECK_FALSE(reading.elf.position_independent);
  CHECK(reading.elf.low == 0x400000);
  CHECK(reading.elf.program_headers == 0x400000 + sizeof(Elf64_Ehdr));
}

TEST_CASE("several segments give one range, the largest alignment and each its protection") {
  const uint64_t page = test_page();
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.load(page, 3 * page, page, page, PF_R);
  builder.load(2 * page + 0x10, 5 * page + 0x10, 0x20, 4 * page, PF_R | PF_W).p_align = 2u << 20;
  builder.size = 3 * page;
  Reading reading(builder);
  REQUIRE(reading.result == 0);
  REQUIRE(reading.elf.segment_count == 3);
  CHECK(reading.elf.high == 10 * page);
  CHECK(reading.elf.alignment == 2u << 20);
  CHECK(reading.elf.segments[1].protection == PROT_READ);
  CHECK(reading.elf.segments[2].protection == (PROT_READ | PROT_WRITE));
  CHECK(reading.elf.segments[2].memory_size == 4 * page);
}

TEST_CASE("an alignment of 0 or 1 means none") {
  for (uint64_t alignment : {0, 1}) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.segments[0].p_align = alignment;
    Reading reading(builder);
    REQUIRE(reading.result == 0);
    CHECK(reading.elf.alignment == test_page());
  }
}

TEST_CASE("a segment without memory is passed over") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.load(0, ~0ull << 13, 0, 0, PF_R);
  Reading reading(builder);
  REQUIRE(reading.result == 0);
  CHECK(reading.elf.segment_count == 1);
}

TEST_CASE("program headers outside all segments have no address") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.headers_at = builder.header.e_phoff = 2 * test_page();
  Reading reading(builder);
  REQUIRE(reading.result == 0);
  CHECK(reading.elf.program_headers == 0);
}

TEST_CASE("program headers are where the last segment has them that holds their beginning, as for the kernel") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.headers_at = builder.header.e_phoff = test_page() - 8;
  Reading in_part(builder);
  REQUIRE(in_part.result == 0);
  CHECK(in_part.elf.program_headers == test_page() - 8);
  builder.load(0, 0x100000, test_page(), test_page(), PF_R);
  builder.load(0, 0x200000, test_page() - 8, test_page() - 8, PF_R);
  Reading twice(builder);
  REQUIRE(twice.result == 0);
  CHECK(twice.elf.program_headers == 0x100000 + test_page() - 8);
}

TEST_CASE("an executable stack is noticed") {
  for (uint32_t flags : {PF_R | PF_W, PF_R | PF_W | PF_X}) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.add(PT_GNU_STACK, flags, 0, 0, 0, 0, 16);
    Reading reading(builder);
    REQUIRE(reading.result == 0);
    CHECK(reading.elf.executable_stack == ((flags & PF_X) != 0));
  }
}

TEST_CASE("unknown program headers are passed over, whatever they say") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.add(0x6fffffff, ~0u, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull);
  CHECK(Reading(builder).result == 0);
}

/* ---- the file ---- */

TEST_CASE("an empty file") { refused(Reading(std::string()), "not an ELF file and no #! script: 0 bytes (ENOEXEC)"); }

TEST_CASE("a file shorter than the identification") {
  refused(Reading(std::string("\177ELF")), "not an ELF file and no #! script: 4 bytes (ENOEXEC)");
}

TEST_CASE("a text file") {
  refused(Reading(std::string("echo this is a shell script without #!\n")),
          "not an ELF file and no #! script (ENOEXEC)");
  refused(Reading(std::string(5000, 'x')), "not an ELF file and no #! script (ENOEXEC)");
}

TEST_CASE("a file that ends inside the header") {
  const std::string bytes = ElfBuilder::one_segment().bytes();
  const std::string machine = kOwnMachine == EM_AARCH64 ? "aarch64" : "x86_64";
  for (size_t size : {size_t{16}, size_t{18}})
    refused(Reading(bytes.substr(0, size)),
            "ELF header: a program for another machine (e_machine 0), this machine is " + machine + " (ENOEXEC)");
  refused(Reading(bytes.substr(0, sizeof(Elf64_Ehdr) - 1)),
          "program headers: end beyond the file, which is truncated (ENOEXEC)");
}

TEST_CASE("a program whose headers lie in one another, and end before the header does") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.header.e_phoff = 4; /* the machine becomes a part of an offset, and there is nothing to load */
  const std::string bytes = builder.bytes();
  refused(Reading(bytes.substr(0, 4 + sizeof(Elf64_Phdr))), "no PT_LOAD segment: nothing to run (ENOEXEC)");
  refused(Reading(bytes.substr(0, 3 + sizeof(Elf64_Phdr))),
          "program headers: end beyond the file, which is truncated (ENOEXEC)");
}

TEST_CASE("a file that ends right after the header") {
  refused(Reading(ElfBuilder::one_segment().bytes().substr(0, sizeof(Elf64_Ehdr))),
          "program headers: end beyond the file, which is truncated (ENOEXEC)");
}

TEST_CASE("a file that ends inside the program headers") {
  refused(Reading(ElfBuilder::one_segment().bytes().substr(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) - 1)),
          "program headers: end beyond the file, which is truncated (ENOEXEC)");
}

TEST_CASE("a file that has shrunk since its size was asked") {
  struct {
    uint64_t left;
    const char *message;
  } const steps[] = {{0, "ELF header: the file is truncated (ENOEXEC)"},
                     {sizeof(Elf64_Ehdr), "program headers: the file is truncated (ENOEXEC)"}};
  for (const auto &step : steps) {
    MemoryFile file(ElfBuilder::one_segment().bytes());
    file.shrink_to(step.left);
    refused(Reading(file), step.message);
  }
}

TEST_CASE("a descriptor that cannot be read") {
  elf_file elf;
  tproc_error error{};
  CHECK(elf_file_read(-1, 4096, kLargestImage, &elf, &error) == -EBADF);
  CHECK(std::string(error.message) == "read ELF header: Bad file descriptor (EBADF)");
}

TEST_CASE("an error needs no place to go") {
  elf_file elf;
  CHECK(elf_file_read(-1, 4096, kLargestImage, &elf, nullptr) == -EBADF);
  MemoryFile file(std::string(100, '\0'));
  CHECK(elf_file_read(file.descriptor(), file.size(), kLargestImage, &elf, nullptr) == -ENOEXEC);
}

/* ---- the header ---- */

TEST_CASE("a wrong magic number") {
  for (int at = 0; at < SELFMAG; at++) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.header.e_ident[at] ^= 0x20;
    refused(Reading(builder), "not an ELF file and no #! script (ENOEXEC)");
  }
}

TEST_CASE("a 32-bit program") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.header.e_ident[EI_CLASS] = ELFCLASS32;
  builder.header.e_phentsize = sizeof(Elf32_Phdr);
  refused(Reading(builder), "ELF header: a 32-bit program; only 64-bit ones can share the host's memory (ENOEXEC)");
  builder.header.e_phentsize = sizeof(Elf64_Phdr);
  builder.header.e_machine = EM_386;
  refused(Reading(builder), "ELF header: a 32-bit program; only 64-bit ones can share the host's memory (ENOEXEC)");
}

TEST_CASE("what the identification says of words and bytes is not looked at, as by the kernel") {
  for (int value : {0, 1, 2, 3, 255}) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.header.e_ident[EI_CLASS] = builder.header.e_ident[EI_DATA] = static_cast<unsigned char>(value);
    CHECK(Reading(builder).result == 0);
  }
}

TEST_CASE("a big-endian program") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.header.e_ident[EI_DATA] = ELFDATA2MSB;
  builder.header.e_machine = static_cast<uint16_t>(kOwnMachine << 8);
  refused(Reading(builder), "ELF header: big-endian (ENOEXEC)");
}

TEST_CASE("a program for another machine") {
  struct {
    uint16_t machine;
    const char *name;
  } const machines[] = {{EM_386, "i386"},
                        {EM_ARM, "arm"},
                        {EM_RISCV, "riscv"},
                        {EM_PPC64, "ppc64"},
                        {EM_S390, "s390"},
                        {0xfffe, "another machine"},
                        {kOtherMachine, kOtherMachine == EM_AARCH64 ? "aarch64" : "x86_64"}};
  for (const auto &each : machines) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.header.e_machine = each.machine;
    refused(Reading(builder), std::string("ELF header: a program for ") + each.name + " (e_machine " +
                                  std::to_string(each.machine) + "), this machine is " +
                                  (kOwnMachine == EM_AARCH64 ? "aarch64" : "x86_64") + " (ENOEXEC)");
  }
}

TEST_CASE("neither a program nor a library") {
  for (uint16_t type : {ET_NONE, ET_REL, ET_CORE, 0xfe00}) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.header.e_type = type;
    refused(Reading(builder), "ELF header: e_type " + std::to_string(type) + " is not an executable (ENOEXEC)");
  }
}

TEST_CASE("program headers of a wrong size") {
  for (uint16_t size : {0, 32, 55, 57, 65535}) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.header.e_phentsize = size;
    refused(Reading(builder), "ELF header: e_phentsize " + std::to_string(size) + " instead of 56 (ENOEXEC)");
  }
}

TEST_CASE("no program headers, or more than 64 KiB of them") {
  for (uint16_t count : {0, 65536 / 56 + 1, 65535}) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.header.e_phnum = count;
    builder.size = 1u << 23;
    refused(Reading(builder), "ELF header: e_phnum " + std::to_string(count) + " (ENOEXEC)");
  }
}

TEST_CASE("as many program headers as the kernel takes") {
  ElfBuilder builder = ElfBuilder::one_segment();
  while (builder.segments.size() < 65536 / 56) builder.add(PT_NULL, 0, 0, 0, 0, 0, 0);
  Reading reading(builder);
  REQUIRE(reading.result == 0);
  CHECK(reading.elf.program_header_count == 65536 / 56);
}

TEST_CASE("program headers beyond the file") {
  for (uint64_t at : {uint64_t{1} << 20, uint64_t{INT64_MAX}, ~uint64_t{0}, ~uint64_t{0} - 55}) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.header.e_phoff = at;
    refused(Reading(builder), "program headers: end beyond the file, which is truncated (ENOEXEC)");
  }
}

TEST_CASE("an entry point outside the image") {
  for (uint64_t entry : {test_page(), ~uint64_t{0}, uint64_t{1} << 40}) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.header.e_entry = entry;
    char text[100];
    std::snprintf(text, sizeof text, "the entry point %#llx lies outside the image (ENOEXEC)",
                  static_cast<unsigned long long>(entry));
    refused(Reading(builder), text);
  }
}

TEST_CASE("an entry point below the image") {
  ElfBuilder builder;
  builder.load(0, 0x10000, test_page(), test_page(), PF_R | PF_X);
  builder.header.e_entry = 0xffff;
  builder.size = test_page();
  refused(Reading(builder), "the entry point 0xffff lies outside the image (ENOEXEC)");
}

TEST_CASE("an entry point that an interpreter may make something of") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.header.e_entry = uint64_t{1} << 40;
  builder.describe(PT_INTERP, 0x300, std::string("/lib/ld.so", 11));
  CHECK(Reading(builder).result == 0);
}

/* ---- PT_LOAD ---- */

TEST_CASE("nothing to load") {
  ElfBuilder builder;
  builder.add(PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 16);
  refused(Reading(builder), "no PT_LOAD segment: nothing to run (ENOEXEC)");
}

TEST_CASE("a segment that is larger in the file than in memory") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.segments[0].p_memsz = builder.segments[0].p_filesz - 1;
  refused(Reading(builder), "PT_LOAD 0: larger in the file than in memory (ENOEXEC)");
}

TEST_CASE("a segment whose file part ends beyond the file, as the kernel maps it") {
  const uint64_t page = test_page();
  struct {
    uint64_t offset, file_size, memory_size;
  } const cases[] = {
      {page, page, page}, {8 * page, 1, 1}, {page - 1, 2, 2}, {0, 2 * page, 3 * page}, {0, page, 3 * page}};
  for (const auto &each : cases) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.load(each.offset, 0x100000 + each.offset % page, each.file_size, each.memory_size, PF_R);
    builder.size = page;
    CHECK(Reading(builder).result == 0);
  }
}

TEST_CASE("a file part that ends where the file has no page, before zeroes") {
  const uint64_t page = test_page();
  struct {
    uint64_t offset, file_size;
  } const cases[] = {{page, 1}, {page - 1, 2}, {0, page + 1}};
  for (const auto &each : cases) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.load(each.offset, 0x100000 + each.offset % page, each.file_size, 2 * page, PF_R | PF_W);
    builder.size = page;
    refused(Reading(builder), "PT_LOAD 1: ends beyond the file, which is truncated (ENOEXEC)");
    builder.segments[1].p_flags = PF_R | PF_X; /* the kernel leaves that page as it is */
    CHECK(Reading(builder).result == 0);
  }
}

TEST_CASE("a segment without a file part, whose offset means nothing") {
  for (uint64_t offset : {uint64_t{1} << 20, uint64_t{1} << 62, ~uint64_t{0}, uint64_t{0x123}}) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.load(offset, 0x100008, 0, test_page(), PF_R | PF_W);
    CHECK(Reading(builder).result == 0);
  }
}

TEST_CASE("a file part at an offset that no file has") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.load(~uint64_t{0} - test_page() + 1, 0x100000, 1, 1, PF_R);
  CHECK(Reading(builder).result == -ENOEXEC);
}

TEST_CASE("addresses and sizes out of range") {
  struct {
    uint64_t address, size;
    const char *text;
  } const cases[] = {{0, kLargestImage + 1, "PT_LOAD 1: address 0 and size 0x100000001 are out of range (ENOEXEC)"},
                     {0, ~0ull, "PT_LOAD 1: address 0 and size 0xffffffffffffffff are out of range (ENOEXEC)"},
                     {~0ull << 16, 1, "PT_LOAD 1: address 0xffffffffffff0000 and size 0x1 are out of range (ENOEXEC)"},
                     {1ull << 63, 1, "PT_LOAD 1: address 0x8000000000000000 and size 0x1 are out of range (ENOEXEC)"}};
  for (const auto &each : cases) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.load(0, each.address, 0, each.size, PF_R);
    refused(Reading(builder), each.text);
  }
}

TEST_CASE("offset and address differ within a page") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.load(0x10, 0x100008, 0x10, 0x10, PF_R);
  refused(Reading(builder), "PT_LOAD 1: offset and address differ within the page of " + std::to_string(test_page()) +
                                " bytes (ENOEXEC)");
}

TEST_CASE("an alignment that is no power of two means nothing") {
  for (uint64_t alignment : {uint64_t{3}, uint64_t{0x3000}, ~uint64_t{0}}) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.segments[0].p_align = alignment;
    Reading reading(builder);
    REQUIRE(reading.result == 0);
    CHECK(reading.elf.alignment == test_page());
  }
}

TEST_CASE("a huge alignment") {
  for (uint64_t alignment : {uint64_t{1} << 31, uint64_t{1} << 63}) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.segments[0].p_align = alignment;
    Reading reading(builder);
    REQUIRE(reading.result == 0);
    CHECK(reading.elf.alignment == alignment);
  }
}

TEST_CASE("segments that overlap or go backwards") {
  const uint64_t page = test_page();
  for (uint64_t address : {uint64_t{0}, page, page + page / 2}) {
    ElfBuilder builder;
    builder.load(0, page, page, page + 1, PF_R | PF_X);
    builder.load(address % page, address, page / 2, page, PF_R);
    builder.header.e_entry = page;
    builder.size = page;
    Reading reading(builder);
    REQUIRE(reading.result == 0);
    CHECK(reading.elf.low == page_floor(address < page ? address : page));
    CHECK(reading.elf.high == 3 * page);
  }
}

TEST_CASE("an image that spans more than fits") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.load(0, kLargestImage, 0, test_page(), PF_R | PF_W);
  char text[100];
  std::snprintf(text, sizeof text, "the image spans %#llx bytes, at most 0x100000000 fit (ENOEXEC)",
                static_cast<unsigned long long>(kLargestImage + test_page()));
  refused(Reading(builder), text);
}

TEST_CASE("an image that just fits") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.load(0, kLargestImage - test_page(), 0, test_page(), PF_R | PF_W);
  CHECK(Reading(builder).result == 0);
}

/* ---- PT_INTERP ---- */

TEST_CASE("an interpreter") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.describe(PT_INTERP, 0x300, std::string("/lib/ld.so", 11));
  Reading reading(builder);
  REQUIRE(reading.result == 0);
  CHECK(reading.elf.has_interpreter);
  CHECK(std::string(reading.elf.interpreter) == "/lib/ld.so");
}

TEST_CASE("of two interpreters the first counts") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.describe(PT_INTERP, 0x300, std::string("/first", 7));
  builder.describe(PT_INTERP, 0x310, std::string("/second", 8));
  CHECK(std::string(Reading(builder).elf.interpreter) == "/first");
}

TEST_CASE("an interpreter's path of the largest size") {
  ElfBuilder builder = ElfBuilder::one_segment();
  std::string path = "/" + std::string(PATH_MAX - 2, 'x');
  builder.describe(PT_INTERP, test_page(), path + '\0');
  Reading reading(builder);
  REQUIRE(reading.result == 0);
  CHECK(std::string(reading.elf.interpreter) == path);
}

TEST_CASE("an interpreter's path too short or too long") {
  for (size_t size : {size_t{0}, size_t{1}, size_t{PATH_MAX + 1}}) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.describe(PT_INTERP, test_page(), std::string(size, '\0'));
    refused(Reading(builder), "PT_INTERP: a path of " + std::to_string(size) + " bytes (ENOEXEC)");
  }
}

TEST_CASE("an interpreter's path without an end") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.describe(PT_INTERP, 0x300, "/lib/ld.so");
  refused(Reading(builder), "PT_INTERP: the path has no end (ENOEXEC)");
}

TEST_CASE("an interpreter's path that is empty") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.describe(PT_INTERP, 0x300, std::string(2, '\0'));
  refused(Reading(builder), "PT_INTERP: an empty path (EACCES)", EACCES);
}

TEST_CASE("an interpreter's path beyond the file") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.add(PT_INTERP, PF_R, 10 * test_page(), 0, 20, 20, 1);
  refused(Reading(builder), "PT_INTERP: the file is truncated (EIO)", EIO);
}

TEST_CASE("an interpreter's offset that no file has") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.add(PT_INTERP, PF_R, ~0ull, 0, 20, 20, 1);
  refused(Reading(builder), "PT_INTERP: its offset is out of range (EINVAL)", EINVAL);
}

TEST_CASE("an interpreter's own interpreter means nothing") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.describe(PT_INTERP, 0x300, "/lib/ld.so"); /* a path without an end */
  const AsInterpreter reading(builder.bytes());
  CHECK(reading.result == 0);
  CHECK_FALSE(reading.elf.has_interpreter);
}

TEST_CASE("what is wrong with an interpreter has the kernel's errors") {
  ElfBuilder builder = ElfBuilder::one_segment();
  const std::string whole = builder.bytes();
  builder.header.e_phentsize = 55;
  struct {
    std::string bytes, message;
    int code;
  } const cases[] = {{"a text", "ELF header: the file is truncated (EIO)", EIO},
                     {std::string(100, 'x'), "not an ELF file and no #! script (ELIBBAD)", ELIBBAD},
                     {builder.bytes(), "ELF header: e_phentsize 55 instead of 56 (ELIBBAD)", ELIBBAD},
                     {whole.substr(0, sizeof(Elf64_Ehdr) - 1), "ELF header: the file is truncated (EIO)", EIO}};
  for (const auto &each : cases) {
    const AsInterpreter reading(each.bytes);
    CHECK(reading.result == -each.code);
    CHECK(reading.error.code == each.code);
    CHECK(std::string(reading.error.message) == each.message);
  }
}

/* ---- PT_GNU_PROPERTY ---- */

TEST_CASE("landing pads are noticed on the architecture that has them") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.describe(kGnuProperty, 0x400, property_note(kAarch64Features, 1));
  Reading reading(builder);
  REQUIRE(reading.result == 0);
  CHECK(reading.elf.branch_target_protection == (kOwnMachine == EM_AARCH64));
}

TEST_CASE("a malformed property promises nothing and is no error") {
  std::string descriptor_too_long = property_note(kAarch64Features, 1);
  descriptor_too_long[4] = '\x7f';
  std::string property_too_long = property_note(kAarch64Features, 1);
  property_too_long[20] = '\x7f';
  const std::string notes[] = {property_note(kAarch64Features, 2),
                               property_note(0xc0000002, 1),
                               property_note(kAarch64Features, 1, std::string("XYZ\0", 4)),
                               property_note(kAarch64Features, 1).substr(0, 15),
                               std::string(2000, '\xff'),
                               descriptor_too_long,
                               property_too_long};
  for (const std::string &note : notes) {
    ElfBuilder builder = ElfBuilder::one_segment();
    builder.describe(kGnuProperty, 0x400, note);
    Reading reading(builder);
    CHECK(reading.result == 0);
    CHECK_FALSE(reading.elf.branch_target_protection);
  }
}

TEST_CASE("a property beyond the file is no error") {
  ElfBuilder builder = ElfBuilder::one_segment();
  builder.add(kGnuProperty, PF_R, ~0ull, 0, 32, 32, 8);
  builder.add(kGnuProperty, PF_R, 100 * test_page(), 0, 32, 32, 8);
  CHECK(Reading(builder).result == 0);
}

TEST_SUITE_END();
