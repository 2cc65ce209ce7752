#include "loader/linker_entry.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The instructions of a linker's entry that are looked at. */
#define ENTRY_SIZE 32

static bool is_glibc_name(const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash != NULL ? slash + 1 : path;
  return strncmp(name, "ld-linux-", strlen("ld-linux-")) == 0;
}

/* By pread, as everything that is looked at in a file: one that shrinks gives an error and no fault. */
static bool read_entry(int file, const struct elf_file *elf, unsigned char code[ENTRY_SIZE]) {
  for (size_t i = 0; i < elf->segment_count; i++) {
    const struct elf_segment *segment = &elf->segments[i];
    if (elf->entry < segment->address || elf->entry - segment->address >= segment->file_size) continue;
    const uint64_t within = elf->entry - segment->address;
    return segment->file_size - within >= ENTRY_SIZE &&
           pread(file, code, ENTRY_SIZE, (off_t)(segment->file_offset + within)) == ENTRY_SIZE;
  }
  return false;
}

#if defined(__x86_64__)
static bool skip(const unsigned char *code, size_t *at, const char *instruction, size_t size) {
  if (memcmp(code + *at, instruction, size) != 0) return false;
  *at += size;
  return true;
}

/* mov %rsp,%rdi; call load; mov %rax,%r12 */
static bool find_call(const unsigned char *code, uint64_t at_address, struct linker_entry *entry) {
  int32_t distance;
  size_t at = 0;
  skip(code, &at, "\xf3\x0f\x1e\xfa", 4); /* endbr64 */
  if (!skip(code, &at, "\x48\x89\xe7\xe8", 4)) return false;
  memcpy(&distance, code + at, sizeof distance);
  at += sizeof distance;
  entry->returned = at_address + at;
  entry->load = entry->returned + (uint64_t)(int64_t)distance;
  return skip(code, &at, "\x49\x89\xc4", 3);
}
#else
#define NOP 0xd503201fu
#define LANDING_PAD 0xd503245fu /* bti c */
#define CLEAR_X29 0xd280001du   /* mov x29, #0 */
#define CLEAR_X30 0xd280001eu
#define STACK_TO_X0 0x910003e0u /* mov x0, sp */
#define X0_TO_X21 0xaa0003f5u   /* mov x21, x0 */
#define CALL 0x94000000u        /* bl */
#define CALL_MASK 0xfc000000u

/* mov x0, sp; bl load; mov x21, x0 */
static bool find_call(const unsigned char *code, uint64_t at_address, struct linker_entry *entry) {
  uint32_t words[ENTRY_SIZE / sizeof(uint32_t)];
  const size_t last = sizeof words / sizeof words[0] - 3;
  size_t i = 0;
  memcpy(words, code, sizeof words);
  while (i < last && (words[i] == NOP || words[i] == LANDING_PAD || words[i] == CLEAR_X29 || words[i] == CLEAR_X30))
    i++;
  if (words[i] != STACK_TO_X0 || (words[i + 1] & CALL_MASK) != CALL || words[i + 2] != X0_TO_X21) return false;
  const int64_t distance = (int64_t)((uint64_t)words[i + 1] << 38) >> 36; /* 26 bits of words, with a sign */
  const uint64_t call = at_address + (i + 1) * sizeof words[0];
  entry->load = call + (uint64_t)distance;
  entry->returned = call + sizeof words[0];
  return true;
}
#endif

static bool is_code(const struct elf_file *elf, uint64_t address) {
  for (size_t i = 0; i < elf->segment_count; i++) {
    const struct elf_segment *segment = &elf->segments[i];
    if (address >= segment->address && address - segment->address < segment->file_size)
      return (segment->protection & PROT_EXEC) != 0;
  }
  return false;
}

bool linker_entry_read(int file, const char *path, const struct elf_file *elf, struct linker_entry *entry) {
  unsigned char code[ENTRY_SIZE];
  return is_glibc_name(path) && read_entry(file, elf, code) && find_call(code, elf->entry, entry) &&
         is_code(elf, entry->load);
}
