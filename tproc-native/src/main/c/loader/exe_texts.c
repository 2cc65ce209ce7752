#include "loader/exe_texts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* With its NUL. */
static const char text[] = "/exe";

/* Reading so much takes some milliseconds at most. */
#define IMAGE_SIZE_MAX (16ull << 20)

#define CHUNK_SIZE (256u << 10)

/* Read and not looked at where it is mapped: a file that shrinks meanwhile is an error and no SIGBUS. */
static bool is_in_segment(int file, const struct elf_segment *segment, char *chunk) {
  uint64_t at = 0;
  size_t kept = 0; /* of the last chunk: the text may lie across two */
  while (at < segment->file_size) {
    const uint64_t rest = segment->file_size - at;
    const size_t wanted = rest < CHUNK_SIZE ? (size_t)rest : CHUNK_SIZE;
    const ssize_t got = pread(file, chunk + kept, wanted, (off_t)(segment->file_offset + at));
    if (got <= 0 || memmem(chunk, kept + (size_t)got, text, sizeof text) != NULL) return true;
    const size_t there = kept + (size_t)got;
    kept = there < sizeof text - 1 ? there : sizeof text - 1;
    memmove(chunk, chunk + there - kept, kept);
    at += (uint64_t)got;
  }
  return false;
}

bool exe_texts_are_in_image(int file, const struct elf_file *elf) {
  uint64_t size = 0;
  for (size_t i = 0; i < elf->segment_count; i++) size += elf->segments[i].file_size;
  char *chunk = size <= IMAGE_SIZE_MAX ? malloc(CHUNK_SIZE + sizeof text) : NULL;
  bool found = chunk == NULL;
  for (size_t i = 0; i < elf->segment_count && !found; i++) found = is_in_segment(file, &elf->segments[i], chunk);
  free(chunk);
  return found;
}

bool exe_texts_are_in_strings(const char *const *strings) {
  for (; *strings != NULL; strings++) {
    const size_t length = strlen(*strings);
    if (length >= sizeof text - 1 && strcmp(*strings + length - (sizeof text - 1), text) == 0) return true;
  }
  return false;
}
