// Builds minimal ELF files, well-formed unless a test spoils a field.
#ifndef TPROC_TEST_ELF_BUILDER_H
#define TPROC_TEST_ELF_BUILDER_H

#include <elf.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#if defined(__x86_64__)
constexpr uint16_t kOwnMachine = EM_X86_64;
constexpr uint16_t kOtherMachine = EM_AARCH64;
#else
constexpr uint16_t kOwnMachine = EM_AARCH64;
constexpr uint16_t kOtherMachine = EM_X86_64;
#endif

inline uint64_t test_page() { return static_cast<uint64_t>(sysconf(_SC_PAGESIZE)); }

// Everything is public: a test changes what it wants to see refused.
struct ElfBuilder {
  Elf64_Ehdr header{};
  std::vector<Elf64_Phdr> segments;
  uint64_t size = 0;  // the file is filled up with zeroes to this size
  uint64_t headers_at = sizeof(Elf64_Ehdr);

  ElfBuilder() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_DYN;
    header.e_machine = kOwnMachine;
    header.e_version = EV_CURRENT;
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phoff = headers_at;
  }

  // One page of code that holds the headers, with the entry point after them.
  static ElfBuilder one_segment() {
    ElfBuilder elf;
    elf.load(0, 0, test_page(), test_page(), PF_R | PF_X);
    elf.header.e_entry = 0x200;
    elf.size = test_page();
    return elf;
  }

  Elf64_Phdr &add(uint32_t type, uint32_t flags, uint64_t offset, uint64_t address, uint64_t file_size,
                  uint64_t memory_size, uint64_t alignment) {
    Elf64_Phdr segment{};
    segment.p_type = type;
    segment.p_flags = flags;
    segment.p_offset = offset;
    segment.p_vaddr = segment.p_paddr = address;
    segment.p_filesz = file_size;
    segment.p_memsz = memory_size;
    segment.p_align = alignment;
    segments.push_back(segment);
    header.e_phnum = static_cast<uint16_t>(segments.size());
    return segments.back();
  }

  Elf64_Phdr &load(uint64_t offset, uint64_t address, uint64_t file_size, uint64_t memory_size, uint32_t flags) {
    return add(PT_LOAD, flags, offset, address, file_size, memory_size, test_page());
  }

  // Puts `content` at `offset` of the file, after the headers, and a program header of the given type on it.
  void describe(uint32_t type, uint64_t offset, const std::string &content) {
    add(type, PF_R, offset, offset, content.size(), content.size(), 1);
    put(offset, content);
  }

  void put(uint64_t offset, const std::string &content) { patches.push_back({offset, content}); }

  std::string bytes() const {
    std::string file(reinterpret_cast<const char *>(&header), sizeof header);
    file.resize(headers_at);
    file.append(reinterpret_cast<const char *>(segments.data()), segments.size() * sizeof(Elf64_Phdr));
    if (file.size() < size) file.resize(size);
    for (const Patch &patch : patches) {
      if (file.size() < patch.offset + patch.content.size()) file.resize(patch.offset + patch.content.size());
      file.replace(patch.offset, patch.content.size(), patch.content);
    }
    return file;
  }

 private:
  struct Patch {
    uint64_t offset;
    std::string content;
  };
  std::vector<Patch> patches;
};

#endif
