#include "loader/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/error.h"
#include "base/page.h"

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#define OWN_MACHINE_NAME "x86_64"
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#define OWN_MACHINE_NAME "aarch64"
#endif

/* The kernel's own limit (fs/binfmt_elf.c, load_elf_phdrs). */
#define PROGRAM_HEADERS_MAX 65536

/* GNU property notes of real programs have some 50 bytes. */
#define PROPERTY_NOTE_MAX 1024

#define AARCH64_FEATURE_BTI 1u

/* Reads exactly `count` bytes or fails: a short file is a malformed one, which is `malformed` where the kernel reads.
 */
static int read_exactly(int file, void *buffer, size_t count, uint64_t offset, const char *what, int malformed,
                        struct tproc_error *error) {
  size_t done = 0;
  while (done < count) {
    ssize_t got = pread(file, (char *)buffer + done, count - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tproc_fail(error, errno, "read %s", what);
    if (got == 0) return tproc_fail_because(error, malformed, "%s: the file is truncated", what);
    done += (size_t)got;
  }
  return 0;
}

static const char *machine_name(unsigned machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86_64";
    case EM_AARCH64:
      return "aarch64";
    case EM_386:
      return "i386";
    case EM_ARM:
      return "arm";
    case EM_RISCV:
      return "riscv";
    case EM_PPC64:
      return "ppc64";
    case EM_S390:
      return "s390";
    default:
      return "another machine";
  }
}

/* As the kernel, which looks at the machine alone: what the identification says of words and bytes only explains. */
static int check_machine(const Elf64_Ehdr *header, struct tproc_error *error) {
  if (header->e_machine == OWN_MACHINE && header->e_phentsize == sizeof(Elf64_Phdr)) return 0;
  if (header->e_ident[EI_CLASS] == ELFCLASS32)
    return tproc_fail_because(error, ENOEXEC,
                              "ELF header: a 32-bit program; only 64-bit ones can share the host's memory");
  if (header->e_ident[EI_DATA] == ELFDATA2MSB) return tproc_fail_because(error, ENOEXEC, "ELF header: big-endian");
  if (header->e_machine != OWN_MACHINE)
    return tproc_fail_because(error, ENOEXEC,
                              "ELF header: a program for %s (e_machine %u), this machine is " OWN_MACHINE_NAME,
                              machine_name(header->e_machine), header->e_machine);
  return tproc_fail_because(error, ENOEXEC, "ELF header: e_phentsize %u instead of %zu", header->e_phentsize,
                            sizeof(Elf64_Phdr));
}

static int check_header(const Elf64_Ehdr *header, struct tproc_error *error) {
  if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
    return tproc_fail_because(error, ENOEXEC, "not an ELF file and no #! script");
  const int failed = check_machine(header, error);
  if (failed) return failed;
  if (header->e_type != ET_DYN && header->e_type != ET_EXEC)
    return tproc_fail_because(error, ENOEXEC, "ELF header: e_type %u is not an executable", header->e_type);
  if (header->e_phnum == 0 || header->e_phnum * sizeof(Elf64_Phdr) > PROGRAM_HEADERS_MAX)
    return tproc_fail_because(error, ENOEXEC, "ELF header: e_phnum %u", header->e_phnum);
  return 0;
}

static int protection_of(uint32_t flags) {
  return ((flags & PF_R) ? PROT_READ : 0) | ((flags & PF_W) ? PROT_WRITE : 0) | ((flags & PF_X) ? PROT_EXEC : 0);
}

/*
 * What follows the file part is zero, in its last page, too, if that is writable: the kernel cannot write there where
 * the file has no page.
 */
static bool ends_in_no_page(const Elf64_Phdr *header, uint64_t size) {
  const uint64_t end = header->p_offset + header->p_filesz;
  return (header->p_flags & PF_W) != 0 && header->p_memsz > header->p_filesz && end % page_size() != 0 &&
         page_floor(end) >= page_ceil(size);
}

/* Only what is mapped from the file has to agree with it. A part beyond its end is mapped, and faults where touched. */
static int check_file_part(const Elf64_Phdr *header, unsigned index, uint64_t size, uint64_t largest_image,
                           struct tproc_error *error) {
  if (header->p_filesz == 0) return 0;
  if (header->p_offset > INT64_MAX - largest_image)
    return tproc_fail_because(error, ENOEXEC, "PT_LOAD %u: offset %#llx is out of range", index,
                              (unsigned long long)header->p_offset);
  if ((header->p_vaddr - header->p_offset) % page_size() != 0)
    return tproc_fail_because(error, ENOEXEC, "PT_LOAD %u: offset and address differ within the page of %llu bytes",
                              index, (unsigned long long)page_size());
  if (ends_in_no_page(header, size))
    return tproc_fail_because(error, ENOEXEC, "PT_LOAD %u: ends beyond the file, which is truncated", index);
  return 0;
}

/* What is no power of two means nothing, as for the kernel. */
static void take_alignment(struct elf_file *elf, uint64_t alignment) {
  if ((alignment & (alignment - 1)) == 0 && alignment > elf->alignment) elf->alignment = alignment;
}

static int add_segment(struct elf_file *elf, const Elf64_Phdr *header, unsigned index, uint64_t size,
                       uint64_t largest_image, struct tproc_error *error) {
  if (header->p_filesz > header->p_memsz)
    return tproc_fail_because(error, ENOEXEC, "PT_LOAD %u: larger in the file than in memory", index);
  if (header->p_memsz == 0) return 0;
  if (header->p_vaddr > INT64_MAX - largest_image || header->p_memsz > largest_image)
    return tproc_fail_because(error, ENOEXEC, "PT_LOAD %u: address %#llx and size %#llx are out of range", index,
                              (unsigned long long)header->p_vaddr, (unsigned long long)header->p_memsz);
  const int failed = check_file_part(header, index, size, largest_image, error);
  if (failed) return failed;
  elf->segments[elf->segment_count++] = (struct elf_segment){.address = header->p_vaddr,
                                                             .memory_size = header->p_memsz,
                                                             .file_offset = header->p_offset,
                                                             .file_size = header->p_filesz,
                                                             .protection = protection_of(header->p_flags)};
  take_alignment(elf, header->p_align);
  return 0;
}

static int read_interpreter(int file, const Elf64_Phdr *header, struct elf_file *elf, struct tproc_error *error) {
  if (elf->has_interpreter || elf->is_interpreter) return 0; /* the kernel uses the first one, of the program alone */
  if (header->p_filesz < 2 || header->p_filesz > sizeof elf->interpreter)
    return tproc_fail_because(error, ENOEXEC, "PT_INTERP: a path of %llu bytes", (unsigned long long)header->p_filesz);
  if (header->p_offset > INT64_MAX - sizeof elf->interpreter)
    return tproc_fail_because(error, EINVAL, "PT_INTERP: its offset is out of range");
  int failed = read_exactly(file, elf->interpreter, header->p_filesz, header->p_offset, "PT_INTERP", EIO, error);
  if (failed) return failed;
  if (elf->interpreter[header->p_filesz - 1] != '\0')
    return tproc_fail_because(error, ENOEXEC, "PT_INTERP: the path has no end");
  if (elf->interpreter[0] == '\0') return tproc_fail_because(error, EACCES, "PT_INTERP: an empty path");
  elf->has_interpreter = true;
  return 0;
}

/* A malformed note only means that nothing is promised, as for the kernel's older versions: it is never an error. */
static void read_properties(int file, const Elf64_Phdr *header, struct elf_file *elf) {
  _Alignas(8) unsigned char note[PROPERTY_NOTE_MAX];
  if (header->p_filesz > sizeof note || header->p_offset > INT64_MAX - sizeof note) return;
  if (read_exactly(file, note, header->p_filesz, header->p_offset, "PT_GNU_PROPERTY", EIO, NULL)) return;
  const size_t size = header->p_filesz;
  Elf64_Nhdr prefix;
  if (size < sizeof prefix + 4) return;
  memcpy(&prefix, note, sizeof prefix);
  if (prefix.n_type != NT_GNU_PROPERTY_TYPE_0 || prefix.n_namesz != 4 || memcmp(note + sizeof prefix, "GNU", 4) != 0)
    return;
  size_t at = sizeof prefix + 4;
  if (prefix.n_descsz > size - at) return;
  const size_t end = at + prefix.n_descsz;
  while (end - at >= 8) {
    uint32_t type, length;
    memcpy(&type, note + at, 4);
    memcpy(&length, note + at + 4, 4);
    at += 8;
    if (length > end - at) return;
    if (type == GNU_PROPERTY_AARCH64_FEATURE_1_AND && length >= 4) {
      uint32_t features;
      memcpy(&features, note + at, 4);
      elf->branch_target_protection = OWN_MACHINE == EM_AARCH64 && (features & AARCH64_FEATURE_BTI) != 0;
    }
    const size_t step = align_up(length, 8);
    if (step > end - at) return;
    at += step;
  }
}

/* The kernel does not look at it: of what is impossible or too much, nothing is kept. */
static uint64_t thread_storage(const Elf64_Phdr *header, uint64_t largest_image) {
  if (header->p_memsz > largest_image / 8 || header->p_align > largest_image / 8) return 0;
  return header->p_memsz + 2 * header->p_align;
}

static int take_program_header(int file, const Elf64_Phdr *header, unsigned index, uint64_t size,
                               uint64_t largest_image, struct elf_file *elf, struct tproc_error *error) {
  switch (header->p_type) {
    case PT_LOAD:
      return add_segment(elf, header, index, size, largest_image, error);
    case PT_INTERP:
      return read_interpreter(file, header, elf, error);
    case PT_TLS:
      elf->thread_storage = thread_storage(header, largest_image);
      return 0;
    case PT_GNU_STACK:
      elf->executable_stack = (header->p_flags & PF_X) != 0;
      return 0;
    case PT_GNU_PROPERTY:
      read_properties(file, header, elf);
      return 0;
    default:
      return 0;
  }
}

static void span_segments(struct elf_file *elf) {
  elf->low = UINT64_MAX;
  for (size_t i = 0; i < elf->segment_count; i++) {
    const struct elf_segment *segment = &elf->segments[i];
    const uint64_t low = page_floor(segment->address), high = page_ceil(segment->address + segment->memory_size);
    if (low < elf->low) elf->low = low;
    if (high > elf->high) elf->high = high;
  }
}

static int finish(struct elf_file *elf, const Elf64_Ehdr *header, uint64_t largest_image, struct tproc_error *error) {
  if (elf->segment_count == 0) return tproc_fail_because(error, ENOEXEC, "no PT_LOAD segment: nothing to run");
  span_segments(elf);
  if (elf->high - elf->low > largest_image)
    return tproc_fail_because(error, ENOEXEC, "the image spans %#llx bytes, at most %#llx fit",
                              (unsigned long long)(elf->high - elf->low), (unsigned long long)largest_image);
  /* An interpreter, which is told of it, may do what it likes. */
  if (!elf->has_interpreter && (header->e_entry < elf->low || header->e_entry >= elf->high))
    return tproc_fail_because(error, ENOEXEC, "the entry point %#llx lies outside the image",
                              (unsigned long long)header->e_entry);
  elf->entry = header->e_entry;
  for (size_t i = 0; i < elf->segment_count; i++) {
    const struct elf_segment *segment = &elf->segments[i];
    if (header->e_phoff >= segment->file_offset && header->e_phoff - segment->file_offset < segment->file_size)
      elf->program_headers = segment->address + (header->e_phoff - segment->file_offset);
  }
  return 0;
}

/* What the file is too short for is 0, as in the kernel's own buffer; of an interpreter it reads all. */
static int read_header(int file, uint64_t size, const struct elf_file *elf, Elf64_Ehdr *header,
                       struct tproc_error *error) {
  if (elf->is_interpreter && size < sizeof *header)
    return tproc_fail_because(error, EIO, "ELF header: the file is truncated");
  if (size < sizeof header->e_ident)
    return tproc_fail_because(error, ENOEXEC, "not an ELF file and no #! script: %llu bytes", (unsigned long long)size);
  memset(header, 0, sizeof *header);
  const size_t there = size < sizeof *header ? (size_t)size : sizeof *header;
  const int failed = read_exactly(file, header, there, 0, "ELF header", ENOEXEC, error);
  if (failed) return failed;
  return check_header(header, error);
}

static int read_file(int file, uint64_t size, uint64_t largest_image, struct elf_file *elf, struct tproc_error *error) {
  Elf64_Ehdr header;
  int failed = read_header(file, size, elf, &header, error);
  if (failed) return failed;
  const size_t headers_size = header.e_phnum * sizeof(Elf64_Phdr);
  if (header.e_phoff > size || headers_size > size - header.e_phoff)
    return tproc_fail_because(error, ENOEXEC, "program headers: end beyond the file, which is truncated");

  elf->position_independent = header.e_type == ET_DYN;
  elf->program_header_count = header.e_phnum;
  elf->alignment = page_size();
  Elf64_Phdr *headers = malloc(headers_size);
  elf->segments = calloc(header.e_phnum, sizeof *elf->segments);
  if (headers == NULL || elf->segments == NULL) failed = tproc_fail(error, ENOMEM, "program headers");
  if (!failed) failed = read_exactly(file, headers, headers_size, header.e_phoff, "program headers", ENOEXEC, error);
  for (unsigned i = 0; !failed && i < header.e_phnum; i++)
    failed = take_program_header(file, &headers[i], i, size, largest_image, elf, error);
  if (!failed) failed = finish(elf, &header, largest_image, error);
  free(headers);
  if (failed) elf_file_release(elf);
  return failed;
}

int elf_file_read(int file, uint64_t size, uint64_t largest_image, struct elf_file *elf, struct tproc_error *error) {
  memset(elf, 0, sizeof *elf);
  return read_file(file, size, largest_image, elf, error);
}

int elf_file_read_interpreter(int file, uint64_t size, uint64_t largest_image, struct elf_file *elf,
                              struct tproc_error *error) {
  memset(elf, 0, sizeof *elf);
  elf->is_interpreter = true;
  const int failed = read_file(file, size, largest_image, elf, error);
  return failed == -ENOEXEC ? tproc_error_recode(error, ELIBBAD) : failed;
}

void elf_file_release(struct elf_file *elf) {
  free(elf->segments);
  elf->segments = NULL;
  elf->segment_count = 0;
}
