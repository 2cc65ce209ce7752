/*
 * Hostile frames: whatever the bytes, the decoder stays inside them, and what it accepts it can write again. The first
 * byte chooses between a header, a LAUNCH, a WATCH and the host's lists; the second is the number of descriptors.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/wire.h"

#define REQUIRE(condition)     \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

static void read_header(const uint8_t *data, size_t size) {
  struct wire_header header;
  char problem[WIRE_PROBLEM_SIZE] = "";
  if (size < sizeof header) return;
  memcpy(&header, data, sizeof header);
  for (int sender = WIRE_FROM_CLIENT; sender <= WIRE_FROM_HOST; sender++) {
    const bool accepted = wire_header_check(&header, (enum wire_sender)sender, problem);
    REQUIRE(accepted ? header.size <= WIRE_PAYLOAD_MAX && header.descriptors <= WIRE_DESCRIPTORS_MAX
                     : strlen(problem) > 0);
  }
}

static const char **pointers_to(const char *block, uint32_t count) {
  const char **pointers = calloc((size_t)count + 1, sizeof *pointers);
  REQUIRE(pointers != NULL);
  wire_strings(block, count, pointers);
  return pointers;
}

/* An accepted LAUNCH is written again from its parts, and is the same. */
static void write_again(const struct wire_launch_view *view, const uint8_t *payload, size_t size) {
  const char **argv = pointers_to(view->arguments, view->fixed.argument_count);
  const char **envp = pointers_to(view->environment, view->fixed.environment_count);
  const struct wire_launch_content content = {.state = view->fixed.state_size > 0 ? &view->state : NULL,
                                              .cpus = view->cpus,
                                              .settings = view->fixed,
                                              .numbers = view->numbers,
                                              .descriptor_count = view->fixed.descriptor_count,
                                              .program = view->program,
                                              .argv = argv,
                                              .envp = envp};
  REQUIRE(wire_launch_size(&content) == size);
  uint8_t *written = malloc(size);
  REQUIRE(written != NULL);
  wire_launch_write(&content, written);
  REQUIRE(memcmp(written, payload, size) == 0);
  free(written);
  free(argv);
  free(envp);
}

static void read_launch(const uint8_t *data, size_t size, size_t descriptors) {
  struct wire_launch_view view;
  char problem[WIRE_PROBLEM_SIZE] = "";
  if (wire_launch_read(data, size, descriptors, &view, problem))
    write_again(&view, data, size);
  else
    REQUIRE(strlen(problem) > 0);
}

static void read_watch(const uint8_t *data, size_t size) {
  struct wire_watch watch;
  char problem[WIRE_PROBLEM_SIZE] = "";
  if (wire_watch_read(data, size, &watch, problem))
    REQUIRE(size == 0 || (size == sizeof watch && memcmp(&watch, data, size) == 0));
  else
    REQUIRE(strlen(problem) > 0);
}

static void read_lists(const uint8_t *data, size_t size) {
  struct wire_threadproc threadproc;
  struct wire_mapping mapping;
  const char *text;
  size_t offset = sizeof(struct wire_listed);
  while (wire_listed_next(data, size, &offset, &threadproc, &text))
    REQUIRE(threadproc.command_size == 0 || strnlen(text, threadproc.command_size) < threadproc.command_size);
  REQUIRE(offset <= size || offset == sizeof(struct wire_listed));
  offset = sizeof(struct wire_mapped);
  while (wire_mapped_next(data, size, &offset, &mapping, &text))
    REQUIRE(strnlen(text, mapping.name_size) < mapping.name_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  uint8_t *payload = malloc(size - 2 > 0 ? size - 2 : 1); /* its own block: a read beyond it is seen */
  REQUIRE(payload != NULL);
  memcpy(payload, data + 2, size - 2);
  switch (data[0] % 4) {
    case 0:
      read_header(payload, size - 2);
      break;
    case 1:
      read_launch(payload, size - 2, data[1]);
      break;
    case 2:
      read_watch(payload, size - 2);
      break;
    default:
      read_lists(payload, size - 2);
  }
  free(payload);
  return 0;
}
