#include "loader/exe_texts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* With its NUL. */
static const char text[] = "/exe";

static const char limit_text[] = "rlimit"; /* without: setrlimit64 */

/* Of each chunk the next one needs so much: a text may lie across two. */
#define KEPT (sizeof limit_text - 2)

/* Reading so much takes some milliseconds at most. */
#define IMAGE_SIZE_MAX (16ull << 20)

#define CHUNK_SIZE (256u << 10)

static const struct exe_texts all = {true, true};

static void look(const char *chunk, size_t size, struct exe_texts *found) {
  if (!found->own_executable) found->own_executable = memmem(chunk, size, text, sizeof text) != NULL;
  if (!found->limits) found->limits = memmem(chunk, size, limit_text, sizeof limit_text - 1) != NULL;
}

/* Read and not looked at where it is mapped: a file that shrinks meanwhile is an error and no SIGBUS. */
static void look_at_segment(int file, const struct elf_segment *segment, char *chunk, struct exe_texts *found) {
  uint64_t at = 0;
  size_t kept = 0;
  while (at < segment->file_size && !(found->own_executable && found->limits)) {
    const uint64_t rest = segment->file_size - at;
    const size_t wanted = rest < CHUNK_SIZE ? (size_t)rest : CHUNK_SIZE;
    const ssize_t got = pread(file, chunk + kept, wanted, (off_t)(segment->file_offset + at));
    if (got <= 0) {
      *found = all;
      return;
    }
    const size_t there = kept + (size_t)got;
    look(chunk, there, found);
    kept = there < KEPT ? there : KEPT;
    memmove(chunk, chunk + there - kept, kept);
    at += (uint64_t)got;
  }
}

struct exe_texts exe_texts_in_image(int file, const struct elf_file *elf) {
  uint64_t size = 0;
  for (size_t i = 0; i < elf->segment_count; i++) size += elf->segments[i].file_size;
  char *chunk = size <= IMAGE_SIZE_MAX ? malloc(CHUNK_SIZE + KEPT) : NULL;
  if (chunk == NULL) return all;
  struct exe_texts found = {false, false};
  for (size_t i = 0; i < elf->segment_count; i++) look_at_segment(file, &elf->segments[i], chunk, &found);
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
