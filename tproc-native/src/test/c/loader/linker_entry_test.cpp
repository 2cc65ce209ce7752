#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "support/memory_file.h"

extern "C" {
#include "loader/linker_entry.h"
}

namespace {

#if defined(__x86_64__)
const std::string kBegin("\x48\x89\xe7\xe8", 4), kCall("\x10\0\0\0", 4), kEnd("\x49\x89\xc4", 3);
const std::string kPad("\xf3\x0f\x1e\xfa", 4);
constexpr uint64_t kLoad = 8 + 16; /* what follows the call, and 16 more */
constexpr uint64_t kReturned = 8;
#else
const std::string kBegin("\xe0\x03\x00\x91", 4), kCall("\x04\x00\x00\x94", 4), kEnd("\xf5\x03\x00\xaa", 4);
const std::string kPad("\x5f\x24\x03\xd5", 4); /* bti c */
constexpr uint64_t kLoad = 4 + 16;
constexpr uint64_t kReturned = 8;
#endif

constexpr uint64_t kAddress = 0x1000;

struct Linker {
  elf_segment segment{};
  elf_file elf{};
  MemoryFile file;

  explicit Linker(const std::string &code, uint64_t size = 64, int protection = PROT_READ | PROT_EXEC)
      : file(code + std::string(64 - code.size(), '\0')) {
    segment.address = kAddress;
    segment.file_size = segment.memory_size = size;
    segment.protection = protection;
    elf.segments = &segment;
    elf.segment_count = 1;
    elf.entry = kAddress;
  }
  bool read(linker_entry *entry, const char *path = "/lib/ld-linux-any.so.2") const {
    return linker_entry_read(file.descriptor(), path, &elf, entry);
  }
};

}  // namespace

TEST_SUITE_BEGIN("linker_entry");

TEST_CASE("the call that begins glibc's linker is found, behind a landing pad, too") {
  linker_entry entry{};
  REQUIRE(Linker(kBegin + kCall + kEnd).read(&entry));
  CHECK(entry.load == kAddress + kLoad);
  CHECK(entry.returned == kAddress + kReturned);
  REQUIRE(Linker(kPad + kBegin + kCall + kEnd).read(&entry));
  CHECK(entry.load == kAddress + kPad.size() + kLoad);
}

TEST_CASE("another linker, other code, or a call out of the code is none") {
  linker_entry entry{};
  const std::string code = kBegin + kCall + kEnd;
  CHECK_FALSE(Linker(code).read(&entry, "/lib/ld-musl-any.so.1"));
  CHECK_FALSE(Linker(kBegin + kCall).read(&entry));
  CHECK_FALSE(Linker(kCall + kEnd).read(&entry));
  CHECK_FALSE(Linker("").read(&entry));
  CHECK_FALSE(Linker(code, 20).read(&entry));
  CHECK_FALSE(Linker(code, 64, PROT_READ).read(&entry));
}

TEST_CASE("this machine's linker begins so") {
  for (const char *path : {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"}) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (file < 0) continue;
    elf_file elf{};
    linker_entry entry{};
    tproc_error error{};
    REQUIRE(fstat(file, &status) == 0);
    const bool ours = elf_file_read(file, static_cast<uint64_t>(status.st_size), 1u << 30, &elf, &error) == 0;
    if (ours) {
      CHECK(linker_entry_read(file, path, &elf, &entry));
      CHECK(entry.returned > elf.entry);
    }
    elf_file_release(&elf);
    close(file);
  }
}

TEST_SUITE_END();
