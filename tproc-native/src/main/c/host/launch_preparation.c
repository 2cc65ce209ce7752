#include "host/launch_preparation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/page.h"
#include "host/fixed_image.h"
#include "loader/exe_texts.h"
#include "loader/exe_texts_cache.h"
#include "loader/executable_file.h"
#include "share/accounts.h"

static int read_program(struct preparation *preparation, uint64_t largest, struct tproc_error *error) {
  const struct executable *program = &preparation->program;
  int failed = elf_file_read(program->file, program->identity.size, largest, &preparation->elf, error);
  /* For a script it is the interpreter that is at fault, and the message should say so. */
  if (failed && strcmp(program->path, program->file_path) != 0) tproc_error_prefix(error, "%s: ", program->file_path);
  return failed;
}

static int read_interpreter(struct preparation *preparation, uint64_t largest, struct tproc_error *error) {
  if (!preparation->elf.has_interpreter) return 0;
  const char *path = preparation->elf.interpreter;
  struct interpreter *interpreter = &preparation->interpreter;
  struct file_identity identity;
  interpreter->file = executable_file_open(preparation->directory, path, &identity, error);
  int failed = interpreter->file < 0 ? interpreter->file : 0;
  if (!failed) {
    failed = elf_file_read_interpreter(interpreter->file, identity.size, largest, &interpreter->elf, error);
    if (!failed && !interpreter->elf.position_independent)
      failed = tproc_fail_because(error, ENOEXEC, "an interpreter for fixed addresses (ET_EXEC)");
    if (failed) tproc_error_prefix(error, "%s: ", path);
  }
  if (failed) tproc_error_prefix(error, "PT_INTERP: ");
  return failed;
}

/* Those that only wait are not in the way of one that starts. */
static int take_addresses(struct tproc_host *host, struct preparation *preparation, struct tproc_threadproc *threadproc,
                          struct tproc_error *error) {
  if (preparation->elf.position_independent) return 0;
  if (threadproc->plan.prepared) {
    prepared_pool_end_discarded(&host->prepared);
    return fixed_image_take(host, &preparation->elf, &threadproc->memory, error);
  }
  prepared_pool_begin_yield(&host->prepared);
  const int failed = fixed_image_take(host, &preparation->elf, &threadproc->memory, error);
  prepared_pool_end_yield(&host->prepared);
  return failed;
}

static int map_images(struct tproc_host *host, bool spills, struct preparation *preparation,
                      struct tproc_threadproc *threadproc, struct tproc_error *error) {
  const bool alone = preparation->interpreter.file < 0;
  int failed = take_addresses(host, preparation, threadproc, error);
  if (failed == -EADDRINUSE && spills) {
    threadproc->spilled = true;
    return 0;
  }
  if (failed) return failed;
  failed = image_map(preparation->program.file, &preparation->elf, preparation->layout.program_bias, alone,
                     &preparation->program_image, error);
  if (failed || alone) return failed;
  failed = image_map(preparation->interpreter.file, &preparation->interpreter.elf, preparation->layout.interpreter_bias,
                     true, &preparation->interpreter_image, error);
  if (failed) tproc_error_prefix(error, "PT_INTERP: %s: ", preparation->elf.interpreter);
  return failed;
}

static int map_part_of_stack(const struct preparation *preparation, struct address_range part, int flags,
                             struct tproc_error *error) {
  const int protection = PROT_READ | PROT_WRITE | (preparation->elf.executable_stack ? PROT_EXEC : 0);
  if (range_size(part) == 0) return 0;
  void *mapped = mmap((void *)part.low, range_size(part), protection,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE | MAP_FIXED | flags, -1, 0);
  if (mapped == MAP_FAILED)
    return tproc_fail(error, errno, "map a stack of %llu KiB", (unsigned long long)(range_size(part) >> 10));
  return 0;
}

/* The kernel holds RLIMIT_STACK against the mapping that grows: the room is another, since it does not. */
static int map_stack(const struct preparation *preparation, struct tproc_error *error) {
  const struct layout *layout = &preparation->layout;
  const int failed = map_part_of_stack(preparation, layout->stack_begun, MAP_GROWSDOWN, error);
  return failed ? failed : map_part_of_stack(preparation, layout->stack_room, 0, error);
}

/* In whole pages. The stack pointer is below all of the room, and so in what grows: there programs look for it. */
static uint64_t room_apart(struct entry_stack_room room) {
  return align_down(room.bytes + room.words * sizeof(uint64_t), page_size());
}

/* Without a heap there is nothing to limit. */
int preparation_open_account(const struct tproc_host *host, const struct tproc_launch *launch,
                             struct tproc_account_of_launch *account, struct tproc_error *error) {
  if (launch->heap_limit == 0 || host->range.view.share == NULL) return 0;
  const int failed = accounts_open(&host->range.view, launch->heap_limit, account);
  return failed ? tproc_fail_because(error, -failed, "limit its use of the shared heap: there are %u limits already",
                                     host->range.view.account_count - 1)
                : 0;
}

struct entry_stack_content preparation_content(struct tproc_host *host, const struct tproc_launch *launch,
                                               const struct preparation *preparation,
                                               const struct tproc_threadproc *threadproc) {
  const struct tproc_share *share = host->range.view.share;
  const struct slot *slot = &threadproc->memory.slot;
  const struct child_plan *plan = &threadproc->plan;
  const bool runs_ahead = plan->link != 0 && !plan->ready;
  return (struct entry_stack_content){
      .argv = preparation->program.argv,
      .envp = launch->envp,
      .execfn = preparation->program.path,
      .host = &host->auxv,
      .program = &preparation->program_image,
      .program_header_count = preparation->elf.program_header_count,
      .interpreter = preparation->interpreter.file >= 0 ? &preparation->interpreter_image : NULL,
      .abi = {.magic = TPROC_ABI_MAGIC,
              .version = TPROC_ABI_VERSION,
              .size = sizeof(struct tproc_abi),
              .scratch = (uint64_t)host->scratch,
              .scratch_size = TPROC_SCRATCH_SIZE,
              .slot_base = slot->whole.low,
              .slot_size = range_size(slot->whole),
              .host_pid = getpid(),
              .share = (uint64_t)share,
              .share_size = share != NULL ? share->size : 0,
              .account = threadproc->account.number,
              .account_generation = threadproc->account.generation,
              .ready = runs_ahead ? (uint64_t)child_ready : 0,
              .ready_argument = runs_ahead ? (uint64_t)plan : 0}};
}

bool preparation_has_exe_texts(const struct tproc_launch *launch, const struct preparation *preparation) {
  const char *const name[] = {preparation->program.path, NULL};
  return exe_texts_are_in_strings(preparation->program.argv) || exe_texts_are_in_strings(launch->envp) ||
         exe_texts_are_in_strings(name);
}

_Static_assert(EXE_TEXTS_MAX <= FENCE_PATHS_MAX, "all that are found can be compared with");

/* What the fence can compare with: a part that lies within one 4 GiB, the uppermost. */
static struct address_range upper_part(struct address_range range) {
  const uint64_t whole = 1ull << 32, low = align_down(range.high - 1, whole);
  return (struct address_range){range.low > low ? range.low : low, range.high};
}

/* Where the first thing begins that the program may write to: the zeroes beyond a file part's last page always. */
static uint64_t read_only_end(const struct elf_file *elf, const struct image *image) {
  uint64_t high = elf->high;
  for (size_t i = 0; i < elf->segment_count; i++) {
    const struct elf_segment *segment = &elf->segments[i];
    const bool writable = (segment->protection & PROT_WRITE) != 0 || segment->file_size == 0;
    const uint64_t low = writable ? segment->address : page_ceil(segment->address + segment->file_size);
    if (low < segment->address + segment->memory_size && low < high) high = low;
  }
  return image->low + (high - elf->low);
}

/* Where a path is a constant. */
static struct address_range read_only_part(const struct elf_file *elf, const struct image *image) {
  return upper_part((struct address_range){image->low, read_only_end(elf, image)});
}

/*
 * Which executions take no question: none may where there is something to decide. Of a program that sets itself limits
 * of memory later its children have them from their exec on.
 */
static void plan_execution(const struct tproc_launch *launch, const struct preparation *preparation,
                           struct memory *memory, const struct exe_texts *texts, struct fence_content *content) {
  const bool named = texts->own_executable || range_size(content->arguments) > 0;
  const bool limited = texts->limits || memory_is_limited(memory);
  if (named || limited || (launch->flags & TPROC_LAUNCH_STAY) != 0) return;
  content->executed_texts = read_only_part(&preparation->elf, &preparation->program_image);
  content->executed_stack = upper_part(preparation->layout.stack);
}

static void add_path(struct fence_content *content, struct address_range place, uint64_t bias) {
  content->paths[content->path_count++] = (struct address_range){place.low + bias, place.high + bias};
}

static uint64_t gap(struct address_range a, struct address_range b) {
  return a.high <= b.low ? b.low - a.high : b.high <= a.low ? a.low - b.high : 0;
}

/* Where all are taken the nearest one grows as far: what lies between is asked about in vain. */
static void add_view(struct fence_content *content, struct address_range view, uint64_t bias) {
  if (content->path_count < FENCE_PATHS_MAX) {
    add_path(content, view, bias);
    return;
  }
  const uint64_t low = view.low + bias, high = view.high + bias;
  struct address_range *nearest = &content->paths[0];
  for (size_t i = 1; i < FENCE_PATHS_MAX; i++)
    if (gap(content->paths[i], (struct address_range){low, high}) < gap(*nearest, (struct address_range){low, high}))
      nearest = &content->paths[i];
  if (low < nearest->low) nearest->low = low;
  if (high > nearest->high) nearest->high = high;
}

/*
 * Where paths of the own executable, and of the other files of its own, may be: in the constants that are such, and in
 * what the program may write to (a buffer that "/proc/%d/exe" is written into).
 */
static void plan_paths(const struct preparation *preparation, const struct exe_texts *texts,
                       struct fence_content *content) {
  const struct image *image = &preparation->program_image;
  const uint64_t bias = image->low - preparation->elf.low;
  if (texts->own_executable || texts->more_places) content->constants = content->program;
  if (texts->more_places) return;
  if (texts->own_executable) content->constants.low = read_only_end(&preparation->elf, image);
  for (size_t i = 0; i < texts->place_count; i++) add_path(content, texts->places[i], bias);
  for (size_t i = 0; i < texts->view_count; i++) add_view(content, texts->views[i], bias);
}

/* Which texts of the program may be paths of its own executable: open and stat of all others take no question. */
static void plan_fence(const struct tproc_launch *launch, const struct preparation *preparation,
                       const struct entry_stack *stack, struct tproc_threadproc *threadproc) {
  const struct executable *program = &preparation->program;
  const struct exe_texts texts = exe_texts_cache_find(program->file, &preparation->elf);
  struct fence_content content = {.slot = &threadproc->memory.slot,
                                  .heap = preparation->layout.heap,
                                  .program = {preparation->program_image.low, preparation->program_image.high},
                                  .files = {preparation->layout.files.low, threadproc->memory.slot.usable.high},
                                  .never_forks = (launch->flags & TPROC_LAUNCH_NEVER_FORKS) != 0};
  plan_paths(preparation, &texts, &content);
  if (preparation_has_exe_texts(launch, preparation))
    content.arguments = (struct address_range){stack->arguments, preparation->layout.stack.high};
  plan_execution(launch, preparation, &threadproc->memory, &texts, &content);
  fence_build(&threadproc->fence, &content);
}

/* Those of the address space are not the kernel's to count (spawn/launch_state.c). */
static int limit_memory(const struct tproc_launch *launch, struct memory *memory) {
  const struct tproc_limit *limits = launch_state_limits(launch);
  if (limits == NULL) return 0;
  const int failed = memory_set_limit(memory, RLIMIT_AS, &limits[RLIMIT_AS], false);
  return failed ? failed : memory_set_limit(memory, RLIMIT_DATA, &limits[RLIMIT_DATA], false);
}

void preparation_init(struct preparation *preparation) {
  memset(preparation, 0, sizeof *preparation);
  preparation->directory = preparation->program.file = preparation->interpreter.file = -1;
}

int preparation_find(struct tproc_host *host, const struct tproc_launch *launch, struct preparation *preparation,
                     struct tproc_error *error) {
  preparation->stack_limit = layout_stack_limit(&host->slots, launch_state_limits(launch));
  int failed = launch_state_check(launch, error);
  if (!failed) {
    preparation->directory = launch_state_directory(launch, error);
    failed = preparation->directory < 0 ? preparation->directory : 0;
  }
  if (!failed) failed = executable_find(preparation->directory, launch, &preparation->program, error);
  if (!failed)
    failed = argument_size_check(preparation->program.argv, launch->envp, preparation->stack_limit, &preparation->size,
                                 error);
  return failed;
}

void preparation_identify_directory(struct preparation *preparation) {
  struct stat status;
  if (fstat(preparation->directory, &status) == 0) preparation->directory_identity = file_identity_of(&status);
}

size_t preparation_argument_bytes(const struct preparation *preparation) {
  return preparation->size.bytes + preparation->size.strings * sizeof(char *);
}

int preparation_map(struct tproc_host *host, const struct tproc_launch *launch, struct entry_stack_room room,
                    struct preparation *preparation, struct tproc_threadproc *threadproc, struct entry_stack *stack,
                    struct tproc_error *error) {
  const uint64_t largest = host->slots.slot_size; /* what has to fit into a part of it is refused by the layout */
  const uint64_t apart = room_apart(room);
  const size_t arguments =
      preparation_argument_bytes(preparation) + room.bytes + room.words * sizeof(uint64_t) - (size_t)apart;
  int failed = read_program(preparation, largest, error);
  if (!failed) failed = read_interpreter(preparation, largest, error);
  if (!failed) host_await_low_releases(host);
  if (!failed) failed = memory_open(&threadproc->memory, &host->slots, &host->space, threadproc, error);
  if (!failed)
    failed = layout_plan(&threadproc->memory.slot, &preparation->elf,
                         preparation->interpreter.file >= 0 ? &preparation->interpreter.elf : NULL,
                         preparation->stack_limit, arguments, apart, &preparation->layout, error);
  if (!failed) failed = map_images(host, (launch->flags & TPROC_LAUNCH_SPILL) != 0, preparation, threadproc, error);
  if (!failed) failed = map_stack(preparation, error);
  if (!failed) failed = preparation_open_account(host, launch, &threadproc->account, error);
  if (!failed) {
    struct entry_stack_content content = preparation_content(host, launch, preparation, threadproc);
    content.room = room;
    failed =
        entry_stack_build((struct address_range){preparation->layout.stack_begun.low, preparation->layout.stack.high},
                          &content, stack, error);
  }
  if (!failed) failed = limit_memory(launch, &threadproc->memory);
  if (failed) return failed;
  memory_divide(&threadproc->memory, preparation->layout.heap, preparation->layout.anonymous,
                preparation->layout.files);
  threadproc->stack = preparation->layout.stack;
  if ((launch->flags & TPROC_LAUNCH_NEVER_FORKS) != 0) memory_keep_out_of_forks(&threadproc->memory);
  if (threadproc->spilled)
    fence_build_open(&threadproc->fence);
  else
    plan_fence(launch, preparation, stack, threadproc);
  return 0;
}

void preparation_name(const struct preparation *preparation, char name[CHILD_NAME_SIZE]) {
  const char *slash = strrchr(preparation->program.path, '/');
  const char *last = slash != NULL ? slash + 1 : preparation->program.path;
  memset(name, 0, CHILD_NAME_SIZE);
  memcpy(name, last, strnlen(last, CHILD_NAME_SIZE - 1));
}

void preparation_plan(const struct preparation *preparation, const struct entry_stack *stack,
                      struct tproc_threadproc *threadproc) {
  struct child_plan *plan = &threadproc->plan;
  plan->notify_fd = -1;
  plan->fence.len = threadproc->fence.length;
  plan->fence.filter = threadproc->fence.instructions;
  plan->state = CHILD_STARTING;
  plan->host_pid = getpid();
  plan->abi = stack->abi;
  plan->entry =
      preparation->interpreter.file >= 0 ? preparation->interpreter_image.entry : preparation->program_image.entry;
  plan->stack_pointer = stack->pointer;
  preparation_name(preparation, plan->name);
}

void preparation_executable_path(const struct preparation *preparation, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/thread-self/fd/%d", preparation->program.file);
  const ssize_t length = readlink(link, path, size - 1);
  path[length > 0 ? length : 0] = '\0';
}

int preparation_note_executed(const struct preparation *preparation, const char *path, struct launch_info *info,
                              struct tproc_error *error) {
  const struct executable *program = &preparation->program;
  const size_t unchanged = info->argument_count > 0 ? info->argument_count - 1 : 0;
  return launch_info_execute(info, path, program->argv, program->argc - unchanged, error);
}

void preparation_release(struct preparation *preparation) {
  elf_file_release(&preparation->interpreter.elf);
  if (preparation->interpreter.file >= 0) close(preparation->interpreter.file);
  elf_file_release(&preparation->elf);
  executable_release(&preparation->program);
  launch_descriptors_release(&preparation->descriptors);
  if (preparation->directory >= 0) close(preparation->directory);
}
