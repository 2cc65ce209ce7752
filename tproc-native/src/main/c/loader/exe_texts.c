#include "loader/exe_texts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* With its NUL. */
static const char text[] = "/exe";

static const char name_text[] = "\0exe";

static const char limit_text[] = "rlimit"; /* without: setrlimit64 */

static const char path_start[] = "/proc/";

static const char own_start[] = "/proc/self/";

/* Other files of a program's own (broker/exe_path.h). */
static const char *const view_names[] = {"cmdline", "environ", "auxv"};

#define VIEW_NAMES (sizeof view_names / sizeof view_names[0])

/* Longer than the constants that are such paths. */
#define PATH_LENGTH_MAX 64

/* Constants that stand so near to each other are one place. */
#define PLACES_APART 64

/* Of each chunk the next one needs so much: a text, and the path that it ends, may lie across two. */
#define KEPT PATH_LENGTH_MAX

/* Reading so much takes some milliseconds at most. */
#define IMAGE_SIZE_MAX (16ull << 20)

#define CHUNK_SIZE (256u << 10)

static const struct exe_texts all = {.own_executable = true, .more_places = true, .limits = true};

/* A part of a segment. */
struct chunk {
  const char *bytes;
  size_t size;
  size_t seen;      /* so many at its start have been looked through */
  uint64_t address; /* of the first byte */
  bool is_first;    /* of its segment */
};

/* What a text can be part of that is not written into any more: no format. */
static bool is_path(const char *from, const char *end) { return memchr(from, '%', (size_t)(end - from)) == NULL; }

/* Where "/proc/" begins, or what leads to it in another spelling ("//proc", "/usr/../proc"); NULL: nowhere. */
static const char *absolute_start(const char *from, const char *end) {
  const char *start = memmem(from, (size_t)(end - from), path_start, sizeof path_start - 1);
  return start != NULL && *from == '/' && is_path(from, start) ? from : start;
}

/*
 * Where the path begins of which the text at `end` is the end; NULL: it is none. A relative one ("self/exe", "exe") is
 * a whole constant.
 */
static const char *start_of(const struct chunk *chunk, const char *end) {
  const char *from = end;
  while (from > chunk->bytes && end - from < PATH_LENGTH_MAX - 1 && from[-1] != '\0') from--;
  const char *start = absolute_start(from, end);
  const bool is_whole = from == chunk->bytes ? chunk->is_first : from[-1] == '\0';
  return start == NULL && is_whole && *from != '/' && is_path(from, end) ? from : start;
}

/* @return whether it became part of one that is near */
static bool extend_place(struct address_range *places, size_t count, uint64_t low, uint64_t high) {
  for (size_t i = 0; i < count; i++) {
    struct address_range *place = &places[i];
    if (low > place->high + PLACES_APART || high + PLACES_APART < place->low) continue;
    if (low < place->low) place->low = low;
    if (high > place->high) place->high = high;
    return true;
  }
  return false;
}

/* `size` with the NUL. */
static void note_place(const struct chunk *chunk, const char *start, const char *end, size_t size,
                       struct exe_texts *found) {
  if (start == NULL) return;
  const uint64_t low = chunk->address + (uint64_t)(start - chunk->bytes), high = low + (uint64_t)(end - start) + size;
  if (extend_place(found->places, found->place_count, low, high)) return;
  if (found->place_count == EXE_TEXTS_MAX)
    found->more_places = true;
  else
    found->places[found->place_count++] = (struct address_range){low, high};
}

/* The last part of such a path alone, for a directory's descriptor. */
static void look_for_names(const struct chunk *chunk, const char *from, const char *end, struct exe_texts *found) {
  if (chunk->is_first && from == chunk->bytes && chunk->size >= sizeof text - 1 &&
      memcmp(chunk->bytes, text + 1, sizeof text - 1) == 0)
    note_place(chunk, chunk->bytes, chunk->bytes, sizeof text - 1, found);
  for (const char *at; (at = memmem(from, (size_t)(end - from), name_text, sizeof name_text)) != NULL; from = at + 1)
    note_place(chunk, at + 1, at + 1, sizeof name_text - 1, found);
}

/* One that is left out is no error: the program then sees the host's. */
static void note_view(const struct chunk *chunk, const char *start, size_t size, struct exe_texts *found) {
  const uint64_t low = chunk->address + (uint64_t)(start - chunk->bytes), high = low + size;
  if (extend_place(found->views, found->view_count, low, high) || found->view_count == EXE_TEXTS_MAX) return;
  found->views[found->view_count++] = (struct address_range){low, high};
}

/* What is kept of the chunk before is looked through again. */
static void look_for_views(const struct chunk *chunk, struct exe_texts *found) {
  const char *const end = chunk->bytes + chunk->size;
  const size_t start = sizeof own_start - 1;
  const char *at = chunk->bytes;
  for (; (at = memmem(at, (size_t)(end - at), own_start, start)) != NULL; at += start)
    for (size_t i = 0; i < VIEW_NAMES; i++) {
      const size_t size = strlen(view_names[i]) + 1;
      if ((size_t)(end - at) >= start + size && memcmp(at + start, view_names[i], size) == 0)
        note_view(chunk, at, start + size, found);
    }
}

static void look(const struct chunk *chunk, struct exe_texts *found) {
  const char *const end = chunk->bytes + chunk->size;
  const size_t again = chunk->seen < sizeof text - 1 ? chunk->seen : sizeof text - 1;
  const char *from = chunk->bytes + chunk->seen - again;
  for (const char *at; (at = memmem(from, (size_t)(end - from), text, sizeof text)) != NULL; from = at + 1) {
    found->own_executable = true;
    note_place(chunk, start_of(chunk, at), at, sizeof text, found);
  }
  look_for_names(chunk, chunk->bytes + chunk->seen - again, end, found);
  look_for_views(chunk, found);
  if (!found->limits) found->limits = memmem(chunk->bytes, chunk->size, limit_text, sizeof limit_text - 1) != NULL;
}

/* Read and not looked at where it is mapped: a file that shrinks meanwhile is an error and no SIGBUS. */
static void look_at_segment(int file, const struct elf_segment *segment, char *bytes, struct exe_texts *found) {
  uint64_t at = 0;
  size_t kept = 0;
  while (at < segment->file_size) {
    const uint64_t rest = segment->file_size - at;
    const size_t wanted = rest < CHUNK_SIZE ? (size_t)rest : CHUNK_SIZE;
    const ssize_t got = pread(file, bytes + kept, wanted, (off_t)(segment->file_offset + at));
    if (got <= 0) {
      *found = all;
      return;
    }
    const size_t there = kept + (size_t)got;
    look(&(struct chunk){bytes, there, kept, segment->address + at - kept, at == 0}, found);
    kept = there < KEPT ? there : KEPT;
    memmove(bytes, bytes + there - kept, kept);
    at += (uint64_t)got;
  }
}

struct exe_texts exe_texts_in_image(int file, const struct elf_file *elf) {
  uint64_t size = 0;
  for (size_t i = 0; i < elf->segment_count; i++) size += elf->segments[i].file_size;
  char *chunk = size <= IMAGE_SIZE_MAX ? malloc(CHUNK_SIZE + KEPT) : NULL;
  if (chunk == NULL) return all;
  struct exe_texts found = {.own_executable = false};
  for (size_t i = 0; i < elf->segment_count; i++) look_at_segment(file, &elf->segments[i], chunk, &found);
  free(chunk);
  return found;
}

static bool ends_as(const char *string, const char *name) {
  const char *slash = strrchr(string, '/');
  return strcmp(slash != NULL ? slash + 1 : string, name) == 0;
}

bool exe_texts_are_in_strings(const char *const *strings) {
  for (; *strings != NULL; strings++) {
    if (ends_as(*strings, text + 1)) return true;
    for (size_t i = 0; i < VIEW_NAMES; i++)
      if (ends_as(*strings, view_names[i]) && strchr(*strings, '/') != NULL) return true;
  }
  return false;
}
