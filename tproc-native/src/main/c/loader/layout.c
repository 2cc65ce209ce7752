#include "loader/layout.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "base/error.h"
#include "base/page.h"

/* Where the limit cannot be told. */
#define DEFAULT_STACK (8ull << 20)

/* With an unlimited RLIMIT_STACK the kernel lets a stack grow until it meets something; a slot has to set an end. */
#define UNLIMITED_STACK (2ull << 30)

/* As much room below a stack is left free at least, if it is no more than this part of a slot: mm/util.c's MIN_GAP. */
#define SMALLEST_ROOM (128ull << 20)
#define ROOM_SHARE 64

/* What is mapped below the arguments at the start; the child, too, runs there before it enters the program. */
#define BEGUN (256ull << 10)

/* The kernel's stack_guard_gap: 256 pages of 4 KiB that stay inaccessible below a stack. */
#define STACK_GUARD (1ull << 20)

/*
 * Each place is moved by a random number of pages, up to this part of a third: an address is not guessed by accident. A
 * part and not a number of pages, because pages may have 64 KiB and slots 1 GiB.
 */
#define RANDOM_SHARE 64

uint64_t layout_stack_limit(const struct slot_space *space, const struct tproc_limit *limits) {
  struct rlimit own;
  uint64_t limit = DEFAULT_STACK;
  if (limits != NULL)
    limit = limits[RLIMIT_STACK].soft;
  else if (getrlimit(RLIMIT_STACK, &own) == 0)
    limit = own.rlim_cur;
  const uint64_t wanted = limit == TPROC_LIMIT_INFINITY ? UNLIMITED_STACK : limit;
  const uint64_t most = space->slot_size / 8;
  return wanted < most ? wanted : most;
}

uint64_t layout_stack_begun(size_t argument_bytes) { return page_ceil(argument_bytes + BEGUN); }

static void random_offsets(uint64_t *offsets, size_t count, uint64_t most) {
  const uint64_t pages = most / page_size();
  uint32_t random[8] = {0};
  ssize_t got = getrandom(random, sizeof random, GRND_NONBLOCK);
  for (size_t i = 0; i < count; i++) offsets[i] = got > 0 && pages > 0 ? random[i] % pages * page_size() : 0;
}

/* The load bias is a multiple of the alignment, so that every address keeps its own; the image starts at or above low.
 */
static uint64_t bias_for(const struct elf_file *elf, uint64_t low, uint64_t alignment) {
  return align_up(low, alignment) - align_down(elf->low, alignment);
}

static int check_room(const char *what, uint64_t needed, struct address_range third, struct tproc_error *error) {
  if (needed <= range_size(third)) return 0;
  return tproc_fail(error, ENOMEM, "%s takes %llu MiB, a third of a slot has %llu", what,
                    (unsigned long long)(needed >> 20), (unsigned long long)(range_size(third) >> 20));
}

/* What an image takes at most, wherever its alignment puts it. */
static uint64_t span_of(const struct elf_file *elf, uint64_t alignment) { return elf->high - elf->low + alignment; }

/* An alignment that leaves no room is one that nobody relies on: the kernel has looked at it since Linux 5.10 only. */
static uint64_t fitting_alignment(const struct elf_file *elf, uint64_t room) {
  uint64_t alignment = elf->alignment;
  while (alignment > page_size() && (alignment > room || span_of(elf, alignment) > room)) alignment /= 2;
  return alignment;
}

/*
 * A static program of glibc begins with a break for the thread-local storage of its first thread (which takes this, and
 * some KiB), and dies if it gets none: to it an answer that is not the old break is a new one. So that is room besides.
 */
static uint64_t break_size(const struct elf_file *program) {
  return BREAK_SIZE + (program->has_interpreter ? 0 : page_floor(program->thread_storage));
}

static void place_program(struct address_range third, const struct elf_file *program, uint64_t alignment,
                          const uint64_t *offsets, struct layout *layout) {
  uint64_t end = third.low + page_size() + offsets[0];
  if (program->position_independent) {
    layout->program_bias = bias_for(program, end, alignment);
    end = program->high + layout->program_bias;
  }
  const uint64_t heap = end + page_size() + offsets[1];
  layout->heap = (struct address_range){heap, heap + break_size(program)};
}

static void place_stack(struct address_range third, uint64_t size, uint64_t begun, uint64_t room,
                        const uint64_t *offsets, struct layout *layout) {
  layout->stack.high = third.high - page_size() - offsets[0];
  layout->stack_room = (struct address_range){layout->stack.high - room, layout->stack.high};
  layout->stack.low = layout->stack_room.low - size;
  layout->stack_begun = (struct address_range){layout->stack_room.low - begun, layout->stack_room.low};
  layout->anonymous = (struct address_range){third.low, layout->stack.low - STACK_GUARD - offsets[1]};
}

static void place_files(struct address_range third, const struct elf_file *interpreter, uint64_t alignment,
                        const uint64_t *offsets, struct layout *layout) {
  uint64_t end = third.high - page_size() - offsets[0];
  if (interpreter != NULL) {
    layout->interpreter_bias = bias_for(interpreter, end - span_of(interpreter, alignment), alignment);
    end = interpreter->low + layout->interpreter_bias - page_size();
  }
  layout->files = (struct address_range){third.low, end};
}

int layout_plan(const struct slot *slot, const struct elf_file *program, const struct elf_file *interpreter,
                uint64_t stack_limit, size_t argument_bytes, uint64_t room, struct layout *layout,
                struct tproc_error *error) {
  const uint64_t third = range_size(slot->usable) / 3;
  const struct address_range low = {slot->usable.low, slot->usable.low + third};
  const struct address_range middle = {low.high, low.high + third};
  const struct address_range high = {middle.high, middle.high + third};
  uint64_t offsets[5];
  random_offsets(offsets, 5, third / RANDOM_SHARE);
  memset(layout, 0, sizeof *layout);

  uint64_t stack_size = stack_limit;
  const uint64_t begun = layout_stack_begun(argument_bytes);
  const uint64_t least = range_size(slot->whole) / ROOM_SHARE;
  if (stack_size < begun) stack_size = begun;
  if (stack_size < least && stack_size < SMALLEST_ROOM) stack_size = least < SMALLEST_ROOM ? least : SMALLEST_ROOM;
  stack_size = page_ceil(stack_size);
  const uint64_t margin = 2 * (third / RANDOM_SHARE + 2 * page_size());
  const uint64_t fitting = fitting_alignment(program, third - break_size(program) - margin);
  const uint64_t inside = program->position_independent ? span_of(program, fitting) : 0;
  const uint64_t linker = interpreter != NULL ? fitting_alignment(interpreter, third - margin) : 0;
  int failed = check_room("the program", inside + break_size(program) + margin, low, error);
  if (!failed) failed = check_room("the stack", stack_size + room + STACK_GUARD + margin, middle, error);
  if (!failed && interpreter != NULL)
    failed = check_room("the interpreter", span_of(interpreter, linker) + margin, high, error);
  if (failed) return failed;
  place_program(low, program, fitting, offsets, layout);
  place_stack(middle, stack_size, begun, room, offsets + 2, layout);
  place_files(high, interpreter, linker, offsets + 4, layout);
  return 0;
}
