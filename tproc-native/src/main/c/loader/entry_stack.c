#include "loader/entry_stack.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "base/error.h"
#include "base/page.h"

/* fs/exec.c: at least this much is always allowed (ARG_MAX), and never more than three quarters of 8 MiB. */
#define ALWAYS_ALLOWED (128u << 10)
#define NEVER_MORE_THAN (6u << 20)

/* MAX_ARG_STRLEN: the longest single string, in pages. */
#define STRING_PAGES_MAX 32

#define RANDOM_BYTES 16

/* Entries that entry_stack_build adds itself, and AT_NULL. */
#define OWN_ENTRIES 16

/* A downward-growing writer into the stack. */
struct writer {
  uint64_t at;
  uint64_t low;
  bool full;
};

static uint64_t take(struct writer *writer, uint64_t size, uint64_t alignment) {
  if (writer->full || size > writer->at - writer->low || align_down(writer->at - size, alignment) < writer->low) {
    writer->full = true;
    return writer->low;
  }
  return writer->at = align_down(writer->at - size, alignment);
}

static uint64_t put_string(struct writer *writer, const char *text) {
  const size_t size = strlen(text) + 1;
  const uint64_t at = take(writer, size, 1);
  if (!writer->full) memcpy((void *)at, text, size);
  return at;
}

static size_t count_strings(const char *const *strings) {
  size_t count = 0;
  while (strings[count] != NULL) count++;
  return count;
}

static int measure(const char *what, const char *const *strings, struct argument_size *size,
                   struct tproc_error *error) {
  const size_t longest = STRING_PAGES_MAX * page_size();
  for (size_t i = 0; strings[i] != NULL; i++) {
    const size_t length = strlen(strings[i]) + 1;
    if (length > longest)
      return tproc_fail(error, E2BIG, "%s[%zu] has %zu bytes, the kernel's limit for one string is %zu", what, i,
                        length, longest);
    size->bytes += length;
    size->strings++;
  }
  return 0;
}

int argument_size_check(const char *const *argv, const char *const *envp, uint64_t stack_limit,
                        struct argument_size *size, struct tproc_error *error) {
  memset(size, 0, sizeof *size);
  int failed = measure("argv", argv, size, error);
  if (!failed) failed = measure("environment", envp, size, error);
  if (failed) return failed;
  uint64_t limit = stack_limit / 4 < NEVER_MORE_THAN ? stack_limit / 4 : NEVER_MORE_THAN;
  if (limit < ALWAYS_ALLOWED) limit = ALWAYS_ALLOWED;
  const uint64_t total = size->bytes + size->strings * sizeof(char *);
  if (total > limit)
    return tproc_fail(error, E2BIG, "arguments and environment take %llu bytes, the limit is %llu",
                      (unsigned long long)total, (unsigned long long)limit);
  return 0;
}

/* The vector of pointers above argc. */
struct table {
  uint64_t *at;
};

static void put(struct table *table, uint64_t value) { *table->at++ = value; }

static void put_entry(struct table *table, uint64_t type, uint64_t value) {
  put(table, type);
  put(table, value);
}

/*
 * Entries of the host's own program, which are not passed on: they are either written anew or mean nothing here.
 * AT_EXECFD is binfmt_misc's; 0x5450 and 0x5451 are there when the host is itself a threadproc.
 */
static bool is_replaced(unsigned long type) {
  switch (type) {
    case AT_NULL:
    case AT_IGNORE:
    case AT_EXECFD:
    case AT_PHDR:
    case AT_PHENT:
    case AT_PHNUM:
    case AT_BASE:
    case AT_FLAGS:
    case AT_ENTRY:
    case AT_SECURE:
    case AT_RANDOM:
    case AT_EXECFN:
    case TPROC_AT_SCRATCH:
    case TPROC_AT_ABI:
      return true;
    default:
      return false;
  }
}

static void put_auxv(struct table *table, const struct entry_stack_content *content, uint64_t random, uint64_t execfn,
                     uint64_t abi) {
  for (size_t i = 0; i < content->host->count; i++) {
    const struct auxv_entry *entry = &content->host->entries[i];
    if (!is_replaced(entry->type)) put_entry(table, entry->type, entry->value);
  }
  put_entry(table, AT_PHDR, content->program->program_headers);
  put_entry(table, AT_PHENT, sizeof(Elf64_Phdr));
  put_entry(table, AT_PHNUM, content->program_header_count);
  put_entry(table, AT_BASE, content->interpreter != NULL ? content->interpreter->load_bias : 0);
  put_entry(table, AT_FLAGS, 0);
  put_entry(table, AT_ENTRY, content->program->entry);
  put_entry(table, AT_SECURE, 0);
  put_entry(table, AT_RANDOM, random);
  put_entry(table, AT_EXECFN, execfn);
  put_entry(table, TPROC_AT_SCRATCH, content->abi.scratch);
  put_entry(table, TPROC_AT_ABI, abi);
  put_entry(table, AT_NULL, 0);
}

static size_t auxv_words(const struct entry_stack_content *content) { return 2 * (content->host->count + OWN_ENTRIES); }

static size_t strings_size(const char *const *strings) {
  size_t size = 0;
  for (size_t i = 0; strings[i] != NULL; i++) size += strlen(strings[i]) + 1;
  return size;
}

/* The strings of argv stand one after the other, in order, as some programs that set their title expect. */
static uint64_t put_strings(struct writer *writer, const char *const *strings) {
  const uint64_t at = take(writer, strings_size(strings), 1);
  if (writer->full) return at;
  char *to = (char *)at;
  for (size_t i = 0; strings[i] != NULL; i++) {
    const size_t size = strlen(strings[i]) + 1;
    memcpy(to, strings[i], size);
    to += size;
  }
  return at;
}

static void put_pointers(struct table *table, const char *const *strings, uint64_t first) {
  for (size_t i = 0; strings[i] != NULL; i++) {
    put(table, first);
    first += strlen(strings[i]) + 1;
  }
  put(table, 0);
}

/* Where the strings of one program are. */
struct placed_strings {
  uint64_t execfn, environment, arguments;
};

static void place_strings(struct writer *writer, const struct entry_stack_content *content,
                          struct placed_strings *placed) {
  placed->execfn = put_string(writer, content->execfn);
  placed->environment = put_strings(writer, content->envp);
  placed->arguments = put_strings(writer, content->argv);
}

static void note_texts(const struct entry_stack_content *content, const struct placed_strings *placed,
                       struct process_texts *texts) {
  texts->arguments = (struct address_range){placed->arguments, placed->arguments + strings_size(content->argv)};
  texts->environment = (struct address_range){placed->environment, placed->environment + strings_size(content->envp)};
}

static size_t vector_words(const struct entry_stack_content *content) {
  return 1 + (count_strings(content->argv) + 1) + (count_strings(content->envp) + 1);
}

/* Variables that are no texts keep the room free: a linker passes over them. */
static void put_room(struct table *table, uint64_t pointer, size_t words, uint64_t empty) {
  uint64_t *const end = (uint64_t *)pointer + words;
  while (table->at + 1 < end) put(table, empty);
}

static void put_vector(struct table *table, const struct entry_stack_content *content,
                       const struct placed_strings *placed) {
  put(table, count_strings(content->argv));
  put_pointers(table, content->argv, placed->arguments);
  put_pointers(table, content->envp, placed->environment);
}

int entry_stack_build(struct address_range stack, const struct entry_stack_content *content, struct entry_stack *built,
                      struct tproc_error *error) {
  struct writer writer = {.at = stack.high, .low = stack.low};
  struct placed_strings placed;
  unsigned char random[RANDOM_BYTES];
  if (getrandom(random, sizeof random, 0) != sizeof random) return tproc_fail(error, errno, "AT_RANDOM");

  /* The kernel leaves a null word at the very end. */
  const uint64_t end = take(&writer, sizeof(uint64_t), sizeof(uint64_t));
  place_strings(&writer, content, &placed);
  const uint64_t random_at = take(&writer, sizeof random, 16);
  if (!writer.full) memcpy((void *)random_at, random, sizeof random);
  const uint64_t abi_at = take(&writer, sizeof(struct tproc_abi), 16);
  if (!writer.full) memcpy((void *)abi_at, &content->abi, sizeof content->abi);
  const uint64_t room_end = writer.at;
  const uint64_t room = take(&writer, content->room.bytes, 1);

  const size_t needed = vector_words(content);
  const size_t words = needed > content->room.words ? needed : content->room.words;
  const uint64_t pointer = take(&writer, (words + auxv_words(content)) * sizeof(uint64_t), 16);
  if (writer.full) return tproc_fail(error, E2BIG, "arguments and environment do not fit on the stack");

  struct table table = {(uint64_t *)pointer};
  put_vector(&table, content, &placed);
  if (words > needed) {
    table.at--; /* the NULL behind the environment comes after the room */
    put_room(&table, pointer, words, end);
    put(&table, 0);
  }
  built->texts.auxv = (uint64_t)table.at;
  put_auxv(&table, content, random_at, placed.execfn, abi_at);
  note_texts(content, &placed, &built->texts);
  built->pointer = pointer;
  built->arguments = content->room.words != 0 ? room : placed.arguments;
  built->room = (struct address_range){room, room_end};
  built->random = random_at;
  built->abi = (struct tproc_abi *)abi_at;
  return 0;
}

static void replace_entry(uint64_t auxv, uint64_t type, uint64_t value) {
  for (uint64_t *at = (uint64_t *)auxv; at[0] != AT_NULL; at += 2)
    if (at[0] == type) at[1] = value;
}

int entry_stack_rewrite(struct entry_stack *stack, const struct entry_stack_content *content,
                        struct tproc_error *error) {
  struct writer writer = {.at = stack->room.high, .low = stack->room.low};
  struct placed_strings placed;
  const size_t bytes = strlen(content->execfn) + 1 + strings_size(content->envp) + strings_size(content->argv);
  const size_t words = vector_words(content) + auxv_words(content);
  if (bytes > range_size(stack->room) || words > (stack->texts.auxv - stack->pointer) / sizeof(uint64_t))
    return tproc_fail_because(error, E2BIG, "no room for %zu bytes of arguments and environment, or %zu words", bytes,
                              words);
  place_strings(&writer, content, &placed);
  struct table table = {(uint64_t *)stack->pointer};
  put_vector(&table, content, &placed);
  put_auxv(&table, content, stack->random, placed.execfn, (uint64_t)stack->abi);
  replace_entry(stack->texts.auxv, AT_EXECFN, placed.execfn);
  memcpy(stack->abi, &content->abi, sizeof content->abi);
  note_texts(content, &placed, &stack->texts);
  return 0;
}

int entry_stack_add(struct entry_stack *stack, const struct entry_stack_content *content, uint64_t *vector,
                    struct tproc_error *error) {
  struct writer writer = {.at = stack->room.high, .low = stack->room.low};
  const size_t bytes = strings_size(content->envp) + strings_size(content->argv);
  const size_t words = vector_words(content);
  if (bytes + (words + 1) * sizeof(uint64_t) > range_size(stack->room))
    return tproc_fail_because(error, E2BIG, "no room for %zu bytes of arguments and environment, and %zu words", bytes,
                              words);
  struct placed_strings placed = {.environment = put_strings(&writer, content->envp)};
  placed.arguments = put_strings(&writer, content->argv);
  *vector = take(&writer, words * sizeof(uint64_t), sizeof(uint64_t));
  struct table table = {(uint64_t *)*vector};
  put_vector(&table, content, &placed);
  memcpy(stack->abi, &content->abi, sizeof content->abi);
  note_texts(content, &placed, &stack->texts);
  return 0;
}
