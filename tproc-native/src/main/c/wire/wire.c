#include "wire/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct wire_header) == 16, "part of the protocol");
_Static_assert(sizeof(struct wire_launch) == 64 + 16 * WIRE_LIMITS, "part of the protocol");
_Static_assert(sizeof(struct wire_launch_state) == 24, "part of the protocol");
_Static_assert(sizeof(struct wire_threadproc) == 64, "part of the protocol");
_Static_assert(sizeof(struct wire_mapping) == 32, "part of the protocol");
_Static_assert(sizeof(struct wire_program_ended) == 32, "part of the protocol");
_Static_assert(sizeof(struct wire_crashed) == 16, "part of the protocol");
_Static_assert(sizeof(struct wire_program_left) == 16, "part of the protocol");
_Static_assert(sizeof(struct wire_registered) == 200, "part of the protocol");
_Static_assert(sizeof(struct wire_heap) == 24, "part of the protocol");
_Static_assert(sizeof(struct wire_heap_use) == 40, "part of the protocol");

#define ENTRY_ALIGNMENT 8u

/* What a frame of each type may look like. */
struct shape {
  enum wire_type type;
  enum wire_sender sender;
  uint32_t smallest, largest; /* bytes of payload */
  uint32_t fewest_descriptors, most_descriptors;
};

static const struct shape shapes[] = {
    {WIRE_LAUNCH, WIRE_FROM_CLIENT, sizeof(struct wire_launch) + 2 + 1, WIRE_PAYLOAD_MAX, 1, WIRE_DESCRIPTORS_MAX},
    {WIRE_LOOK, WIRE_FROM_CLIENT, 0, 0, 0, 0},
    {WIRE_LIST, WIRE_FROM_CLIENT, 0, 0, 0, 0},
    {WIRE_MAPS, WIRE_FROM_CLIENT, sizeof(struct wire_maps), sizeof(struct wire_maps), 0, 0},
    {WIRE_SIGNAL, WIRE_FROM_CLIENT, sizeof(struct wire_signal), sizeof(struct wire_signal), 0, 0},
    {WIRE_WATCH, WIRE_FROM_CLIENT, 0, sizeof(struct wire_watch), 0, 0},
    {WIRE_REGISTRY, WIRE_FROM_CLIENT, 0, 0, 0, 0},
    {WIRE_HEAP, WIRE_FROM_CLIENT, 0, 0, 0, 0},
    {WIRE_ATTACH, WIRE_FROM_CLIENT, 0, 0, 0, 0},
    {WIRE_STARTED, WIRE_FROM_HOST, sizeof(struct wire_started), sizeof(struct wire_started), 1, 1},
    {WIRE_FAILED, WIRE_FROM_HOST, sizeof(struct wire_failed), sizeof(struct wire_failed) + (64u << 10), 0, 0},
    {WIRE_ENDED, WIRE_FROM_HOST, sizeof(struct wire_ended), sizeof(struct wire_ended), 0, 0},
    {WIRE_STOPPED, WIRE_FROM_HOST, sizeof(struct wire_stopped), sizeof(struct wire_stopped), 0, 0},
    {WIRE_CONTINUED, WIRE_FROM_HOST, 0, 0, 0, 0},
    {WIRE_LISTED, WIRE_FROM_HOST, sizeof(struct wire_listed), WIRE_PAYLOAD_MAX, 0, 0},
    {WIRE_MAPPED, WIRE_FROM_HOST, sizeof(struct wire_mapped), WIRE_PAYLOAD_MAX, 0, 0},
    {WIRE_DONE, WIRE_FROM_HOST, 0, 0, 0, 0},
    {WIRE_PROGRAM_STARTED, WIRE_FROM_HOST, sizeof(struct wire_listed) + sizeof(struct wire_threadproc),
     sizeof(struct wire_listed) + sizeof(struct wire_threadproc) + WIRE_COMMAND_MAX, 0, 0},
    {WIRE_PROGRAM_ENDED, WIRE_FROM_HOST, sizeof(struct wire_program_ended), sizeof(struct wire_program_ended), 0, 0},
    {WIRE_REGISTERED, WIRE_FROM_HOST, sizeof(struct wire_listed), WIRE_PAYLOAD_MAX, 0, 0},
    {WIRE_HEAP_USED, WIRE_FROM_HOST, sizeof(struct wire_heap) + sizeof(struct wire_listed), WIRE_PAYLOAD_MAX, 0, 0},
    {WIRE_ATTACHED, WIRE_FROM_HOST, sizeof(struct wire_attached), sizeof(struct wire_attached), 1, 1},
    {WIRE_CRASHED, WIRE_FROM_HOST, sizeof(struct wire_crashed) + 1, sizeof(struct wire_crashed) + WIRE_CRASH_TEXT_MAX,
     0, 0},
    {WIRE_PROGRAM_LEFT, WIRE_FROM_HOST, sizeof(struct wire_program_left), sizeof(struct wire_program_left), 0, 0},
};

struct wire_header wire_header_for(enum wire_type type, size_t size, size_t descriptors) {
  return (struct wire_header){.magic = WIRE_MAGIC,
                              .version = WIRE_VERSION,
                              .type = (uint16_t)type,
                              .size = (uint32_t)size,
                              .descriptors = (uint32_t)descriptors};
}

#define KNOWN_FLAGS                                                                                    \
  (WIRE_LAUNCH_TERMINAL | WIRE_LAUNCH_OUTLIVE | WIRE_LAUNCH_NEVER_FORKS | WIRE_LAUNCH_TERMINAL_APART | \
   WIRE_LAUNCH_SPILL | WIRE_LAUNCH_HOLD | WIRE_LAUNCH_CRASH_REPORT | WIRE_LAUNCH_STAY)

#define PROBLEM(...) (snprintf(problem, WIRE_PROBLEM_SIZE, __VA_ARGS__), false)

static const struct shape *shape_of(uint16_t type, enum wire_sender sender) {
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    if (shapes[i].type == type && shapes[i].sender == sender) return &shapes[i];
  return NULL;
}

bool wire_header_check(const struct wire_header *header, enum wire_sender sender, char problem[WIRE_PROBLEM_SIZE]) {
  if (header->magic != WIRE_MAGIC) return PROBLEM("not a frame of this protocol (magic %#" PRIx32 ")", header->magic);
  if (header->version != WIRE_VERSION)
    return PROBLEM("version %u of the protocol, where version %u is spoken", header->version, WIRE_VERSION);
  const struct shape *shape = shape_of(header->type, sender);
  if (shape == NULL) return PROBLEM("a frame of type %u, which is unknown here", header->type);
  if (header->size < shape->smallest || header->size > shape->largest)
    return PROBLEM("a frame of type %u with %" PRIu32 " bytes, where %" PRIu32 " to %" PRIu32 " are right",
                   header->type, header->size, shape->smallest, shape->largest);
  if (header->descriptors < shape->fewest_descriptors || header->descriptors > shape->most_descriptors)
    return PROBLEM("a frame of type %u with %" PRIu32 " descriptors, where %" PRIu32 " to %" PRIu32 " are right",
                   header->type, header->descriptors, shape->fewest_descriptors, shape->most_descriptors);
  return true;
}

static bool check_settings(const struct wire_launch *fixed, char problem[WIRE_PROBLEM_SIZE]) {
  if ((fixed->flags & ~KNOWN_FLAGS) != 0) return PROBLEM("a launch with unknown flags %#" PRIx32, fixed->flags);
  if (fixed->umask > 0777) return PROBLEM("a launch with umask %#" PRIo32, fixed->umask);
  if (fixed->nice < -20 || fixed->nice > 19) return PROBLEM("a launch with nice value %" PRId32, fixed->nice);
  if (fixed->argument_count == 0) return PROBLEM("a launch without arguments: argv[0] is needed");
  if (fixed->program_size > WIRE_PROGRAM_MAX)
    return PROBLEM("a launch with a program name of %" PRIu32 " bytes", fixed->program_size);
  return true;
}

/* Without one all of it is zero. What the values mean is the core's to check. */
static bool read_state(const void *at, uint32_t size, struct wire_launch_view *view, char problem[WIRE_PROBLEM_SIZE]) {
  struct wire_launch_state *state = &view->state;
  memset(state, 0, sizeof *state);
  view->cpus = NULL;
  if (size == 0) return true;
  if (size < sizeof *state) return PROBLEM("a launch with a state of %" PRIu32 " bytes", size);
  memcpy(state, at, sizeof *state);
  if (state->cpu_words > WIRE_CPU_WORDS_MAX || size != sizeof *state + state->cpu_words * sizeof(uint64_t))
    return PROBLEM("a launch with a state of %" PRIu32 " bytes and %" PRIu32 " words of CPUs", size, state->cpu_words);
  if ((state->given & ~(WIRE_STATE_SCHEDULING | WIRE_STATE_IO_PRIORITY | WIRE_STATE_PERSONALITY)) != 0)
    return PROBLEM("a launch with an unknown state %#" PRIx32, state->given);
  view->cpus = (const void *)((const char *)at + sizeof *state);
  return true;
}

size_t wire_launch_descriptors(uint32_t flags, size_t numbers) {
  return numbers + ((flags & WIRE_LAUNCH_TERMINAL_APART) != 0 ? 2 : 1);
}

static bool check_numbers(const struct wire_launch_view *view, char problem[WIRE_PROBLEM_SIZE]) {
  if ((view->fixed.flags & WIRE_LAUNCH_TERMINAL) != 0 && (view->fixed.flags & WIRE_LAUNCH_TERMINAL_APART) != 0)
    return PROBLEM("a launch on two terminals");
  for (uint32_t i = 0; i < view->fixed.descriptor_count; i++)
    if (view->numbers[i] < 0 || (i > 0 && view->numbers[i] <= view->numbers[i - 1]))
      return PROBLEM("a launch whose descriptor numbers do not ascend");
  if ((view->fixed.flags & WIRE_LAUNCH_TERMINAL) != 0 && (view->fixed.descriptor_count == 0 || view->numbers[0] != 0))
    return PROBLEM("a launch on a terminal without descriptor 0");
  return true;
}

/* Exactly `count` strings in `size` bytes, the last one ended. */
static bool strings_fit(const char *block, uint64_t size, uint32_t count) {
  if (size == 0 || count == 0) return size == 0 && count == 0;
  const char *end = block + size;
  uint32_t found = 0;
  while (block < end && found < count) {
    const char *nul = memchr(block, '\0', (size_t)(end - block));
    if (nul == NULL) return false;
    block = nul + 1;
    found++;
  }
  return block == end && found == count;
}

bool wire_launch_read(const void *payload, size_t size, size_t descriptors, struct wire_launch_view *view,
                      char problem[WIRE_PROBLEM_SIZE]) {
  struct wire_launch *fixed = &view->fixed;
  if (size < sizeof *fixed || size > WIRE_PAYLOAD_MAX) return PROBLEM("a launch of %zu bytes", size);
  memcpy(fixed, payload, sizeof *fixed);
  if (!check_settings(fixed, problem)) return false;
  if (fixed->descriptor_count >= WIRE_DESCRIPTORS_MAX ||
      descriptors != wire_launch_descriptors(fixed->flags, fixed->descriptor_count))
    return PROBLEM("a launch with %zu descriptors, where %" PRIu32 " and the working directory are announced",
                   descriptors, fixed->descriptor_count);
  /* Each is bounded first, so the sum cannot wrap around. */
  const uint64_t numbers_size = fixed->descriptor_count * (uint64_t)sizeof(int32_t);
  if (fixed->arguments_size > size || fixed->environment_size > size ||
      sizeof *fixed + (uint64_t)fixed->state_size + numbers_size + fixed->program_size + fixed->arguments_size +
              fixed->environment_size !=
          size)
    return PROBLEM("a launch whose parts are not as long as the whole");
  const char *at = (const char *)payload + sizeof *fixed;
  if (!read_state(at, fixed->state_size, view, problem)) return false;
  at += fixed->state_size;
  view->numbers = (const void *)at;
  view->program = at + numbers_size;
  view->arguments = view->program + fixed->program_size;
  view->environment = view->arguments + fixed->arguments_size;
  if (!check_numbers(view, problem)) return false;
  if (fixed->program_size < 2 || !strings_fit(view->program, fixed->program_size, 1))
    return PROBLEM("a launch whose program name is empty or does not end");
  if (!strings_fit(view->arguments, fixed->arguments_size, fixed->argument_count))
    return PROBLEM("a launch whose arguments are not %" PRIu32 " strings", fixed->argument_count);
  if (!strings_fit(view->environment, fixed->environment_size, fixed->environment_count))
    return PROBLEM("a launch whose environment is not %" PRIu32 " strings", fixed->environment_count);
  return true;
}

bool wire_watch_read(const void *payload, size_t size, struct wire_watch *watch, char problem[WIRE_PROBLEM_SIZE]) {
  *watch = (struct wire_watch){0};
  if (size == 0) return true;
  if (size != sizeof *watch) return PROBLEM("a watch of %zu bytes", size);
  memcpy(watch, payload, sizeof *watch);
  if ((watch->wanted & ~(WIRE_WATCH_CRASHES | WIRE_WATCH_LEAVING)) != 0)
    return PROBLEM("a watch for what is unknown here (%#" PRIx32 ")", watch->wanted);
  return true;
}

void wire_strings(const char *block, size_t count, const char **pointers) {
  for (size_t i = 0; i < count; i++) {
    pointers[i] = block;
    block += strlen(block) + 1;
  }
  pointers[count] = NULL;
}

static uint64_t size_of_strings(const char *const *strings, uint32_t *count) {
  uint64_t size = 0;
  *count = 0;
  for (; *strings != NULL; strings++) {
    size += strlen(*strings) + 1;
    ++*count;
  }
  return size;
}

static struct wire_launch measure(const struct wire_launch_content *content) {
  struct wire_launch fixed = content->settings;
  fixed.descriptor_count = (uint32_t)content->descriptor_count;
  fixed.program_size = (uint32_t)strlen(content->program) + 1;
  const struct wire_launch_state *state = content->state;
  fixed.state_size = state == NULL ? 0 : (uint32_t)(sizeof *state + state->cpu_words * sizeof(uint64_t));
  fixed.arguments_size = size_of_strings(content->argv, &fixed.argument_count);
  fixed.environment_size = size_of_strings(content->envp, &fixed.environment_count);
  return fixed;
}

size_t wire_launch_size(const struct wire_launch_content *content) {
  const struct wire_launch fixed = measure(content);
  return sizeof fixed + fixed.state_size + fixed.descriptor_count * sizeof(int32_t) + fixed.program_size +
         fixed.arguments_size + fixed.environment_size;
}

static char *append(char *to, const void *from, size_t size) {
  if (size > 0) memcpy(to, from, size);
  return to + size;
}

static char *append_strings(char *to, const char *const *strings) {
  for (; *strings != NULL; strings++) to = append(to, *strings, strlen(*strings) + 1);
  return to;
}

void wire_launch_write(const struct wire_launch_content *content, void *payload) {
  const struct wire_launch fixed = measure(content);
  char *to = append(payload, &fixed, sizeof fixed);
  if (content->state != NULL) {
    to = append(to, content->state, sizeof *content->state);
    to = append(to, content->cpus, content->state->cpu_words * sizeof(uint64_t));
  }
  to = append(to, content->numbers, fixed.descriptor_count * sizeof(int32_t));
  to = append(to, content->program, fixed.program_size);
  to = append_strings(to, content->argv);
  append_strings(to, content->envp);
}

static size_t entry_size(size_t fixed, size_t text) {
  return (fixed + text + ENTRY_ALIGNMENT - 1) / ENTRY_ALIGNMENT * ENTRY_ALIGNMENT;
}

/* Whether `text` bytes that end in NUL (if there are any) follow `fixed` ones in an entry of `entry` bytes. */
static bool entry_fits(const char *at, size_t left, size_t fixed, size_t entry, size_t text) {
  return entry <= left && text <= entry && entry == entry_size(fixed, text) &&
         (text == 0 || at[fixed + text - 1] == '\0');
}

bool wire_listed_next(const void *payload, size_t size, size_t *offset, struct wire_threadproc *entry,
                      const char **command) {
  const char *at = (const char *)payload + *offset;
  if (*offset > size || size - *offset < sizeof *entry) return false;
  memcpy(entry, at, sizeof *entry);
  if (!entry_fits(at, size - *offset, sizeof *entry, entry->size, entry->command_size)) return false;
  *command = at + sizeof *entry;
  *offset += entry->size;
  return true;
}

size_t wire_threadproc_size(size_t command_size) { return entry_size(sizeof(struct wire_threadproc), command_size); }

static void write_entry(const void *fixed, size_t fixed_size, const char *text, size_t text_size, void *to) {
  char *end = append(append(to, fixed, fixed_size), text, text_size);
  memset(end, 0, entry_size(fixed_size, text_size) - fixed_size - text_size);
}

void wire_threadproc_write(const struct wire_threadproc *entry, const char *command, void *to) {
  struct wire_threadproc written = *entry;
  written.size = (uint32_t)wire_threadproc_size(entry->command_size);
  write_entry(&written, sizeof written, command, entry->command_size, to);
}

bool wire_mapped_next(const void *payload, size_t size, size_t *offset, struct wire_mapping *entry, const char **name) {
  const char *at = (const char *)payload + *offset;
  if (*offset > size || size - *offset < sizeof *entry) return false;
  memcpy(entry, at, sizeof *entry);
  if (entry->name_size == 0 || !entry_fits(at, size - *offset, sizeof *entry, entry->size, entry->name_size))
    return false;
  *name = at + sizeof *entry;
  *offset += entry->size;
  return true;
}

size_t wire_mapping_size(size_t name_size) { return entry_size(sizeof(struct wire_mapping), name_size); }

void wire_mapping_write(const struct wire_mapping *entry, const char *name, void *to) {
  struct wire_mapping written = *entry;
  written.size = (uint32_t)wire_mapping_size(entry->name_size);
  write_entry(&written, sizeof written, name, entry->name_size, to);
}
