/*
 * Hostile ELF files: whatever the bytes are, the reader accepts or refuses them, and what it accepts can be mapped (or
 * fails cleanly) inside the addresses that were reserved for it. Where the interpreter begins, only that uses the entry
 * point. The input is the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/page.h"
#include "loader/elf_file.h"
#include "loader/image.h"

#define IMAGE_MAX (64ull << 20)

static void map_inside(int file, const struct elf_file *elf) {
  const size_t size = elf->high - elf->low;
  void *reserved = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return;
  struct image image;
  if (image_map(file, elf, (uint64_t)reserved - elf->low, true, &image, NULL) == 0 &&
      (image.low != (uint64_t)reserved || image.high != (uint64_t)reserved + size ||
       (!elf->has_interpreter && (image.entry < image.low || image.entry >= image.high))))
    abort();
  munmap(reserved, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const int file = memfd_create("fuzz", MFD_CLOEXEC);
  if (file < 0 || write(file, data, size) != (ssize_t)size) abort();
  struct elf_file elf;
  struct tproc_error error = {0};
  if (elf_file_read(file, size, IMAGE_MAX, &elf, &error) == 0) {
    map_inside(file, &elf);
    elf_file_release(&elf);
  } else if (error.code == 0 || error.message[0] == '\0') {
    abort(); /* a refusal without a reason */
  }
  close(file);
  return 0;
}

/* A valid small program to begin with: without one the fuzzer would spend its time on finding "\x7f""ELF". */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);

static size_t put_seed(uint8_t *data, size_t room) {
  FILE *program = fopen("/bin/true", "re");
  if (program == NULL) return 0;
  const size_t size = fread(data, 1, room < 4096 ? room : 4096, program);
  fclose(program);
  return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
  (void)seed;
  if (size < 64) size = put_seed(data, room);
  return LLVMFuzzerMutate(data, size, room);
}
