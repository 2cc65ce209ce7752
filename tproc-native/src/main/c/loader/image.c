#include "loader/image.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/error.h"
#include "base/page.h"

#if defined(__aarch64__)
static int branch_protection(void) { return (getauxval(AT_HWCAP2) & HWCAP2_BTI) ? PROT_BTI : 0; }
#else
static int branch_protection(void) { return 0; }
#endif

static int map_fixed(uint64_t low, uint64_t high, int protection, int flags, int file, uint64_t offset,
                     const char *what, struct tproc_error *error) {
  if (low == high) return 0;
  void *mapped = mmap((void *)low, high - low, protection, MAP_PRIVATE | MAP_FIXED | flags, file, (off_t)offset);
  if (mapped == MAP_FAILED)
    return tproc_fail(error, errno, "map %s at %#llx-%#llx", what, (unsigned long long)low, (unsigned long long)high);
  return 0;
}

/* Part of a page; where the file ends in it the rest is zero, as in the kernel's page of it. */
static int fill(int file, uint64_t to, uint64_t count, uint64_t offset, struct tproc_error *error) {
  bool any = false;
  while (count > 0) {
    ssize_t got = pread(file, (void *)to, count, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tproc_fail(error, errno, "read the end of a segment");
    if (got == 0)
      return any ? 0 : tproc_fail_because(error, ENOEXEC, "read the end of a segment: the file is truncated");
    any = true;
    to += (uint64_t)got;
    offset += (uint64_t)got;
    count -= (uint64_t)got;
  }
  return 0;
}

/*
 * No instruction cache is flushed here, and none need be on aarch64: code is a mapping of the file's pages, or was read
 * into pages that become executable afterwards, and the kernel makes the caches coherent when it first maps a page
 * executable. Nothing in the core writes to a page that already is executable.
 */
static int map_segment(int file, const struct elf_segment *segment, uint64_t load_bias, int extra_protection,
                       struct tproc_error *error) {
  const int protection = segment->protection | ((segment->protection & PROT_EXEC) ? extra_protection : 0);
  const uint64_t start = segment->address + load_bias;
  const uint64_t low = page_floor(start);
  const uint64_t file_end = start + segment->file_size;
  const uint64_t high = page_ceil(start + segment->memory_size);
  const uint64_t low_offset = segment->file_offset - (start - low);

  /*
   * As the kernel: what lies beyond the file's last page can be read and written, whatever p_flags says, and the rest
   * of that page is zero only where the segment is writable. Without a zero-filled part that page may well end beyond
   * it.
   */
  const bool has_zeroes = segment->memory_size > segment->file_size;
  const bool is_filled = has_zeroes && (protection & PROT_WRITE) != 0;
  const uint64_t from_file = file_end < low || segment->file_size == 0 ? low
                             : is_filled                               ? page_floor(file_end)
                                                                       : page_ceil(file_end);
  int failed = map_fixed(low, from_file, protection, 0, file, low_offset, "a segment", error);
  if (failed || from_file >= high) return failed;

  failed = map_fixed(from_file, high, PROT_READ | PROT_WRITE, MAP_ANONYMOUS, -1, 0, "a zero-filled part", error);
  if (failed) return failed;
  if (segment->file_size > 0 && file_end > from_file) {
    failed = fill(file, from_file, file_end - from_file, low_offset + (from_file - low), error);
    if (failed) return failed;
  }
  const int executable = protection & ~(PROT_READ | PROT_WRITE);
  if (executable != 0 && mprotect((void *)from_file, high - from_file, PROT_READ | PROT_WRITE | executable) != 0)
    return tproc_fail(error, errno, "protect a zero-filled part");
  return 0;
}

int image_map(int file, const struct elf_file *elf, uint64_t load_bias, bool guard_branches, struct image *image,
              struct tproc_error *error) {
  const int extra = guard_branches && elf->branch_target_protection ? branch_protection() : 0;
  for (size_t i = 0; i < elf->segment_count; i++) {
    int failed = map_segment(file, &elf->segments[i], load_bias, extra, error);
    if (failed) return failed;
  }
  image->load_bias = load_bias;
  image->low = elf->low + load_bias;
  image->high = elf->high + load_bias;
  image->entry = elf->entry + load_bias;
  image->program_headers = elf->program_headers + load_bias;
  return 0;
}
